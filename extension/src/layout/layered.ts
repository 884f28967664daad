import type { SketchForm } from '../api/types';
import { type Area, type Direction, type Layout, MARGIN, type Point, type Route } from './layout';

const GAP_ACROSS = 22;
const GAP_ALONG = 46;
const ROUNDS = 6;
const FRAME = { pad: 8, head: 22 };
const TIP = 8;

interface Cell {
  readonly id: string;
  /** Size from layer to layer, and within a layer. */
  readonly long: number;
  readonly wide: number;
  readonly before: Cell[];
  readonly after: Cell[];
  layer: number;
  along: number;
  across: number;
}

/**
 * Place a sketch without Graphviz: layers by the longest path, order by the mean place of the
 * neighbours. It always ends, in time that grows with the number of lines.
 */
export function layeredLayout(sketch: SketchForm, direction: Direction): Layout {
  const flat = direction === 'LR';
  const cells = cellsOf(sketch, flat);
  const layers = rank([...cells.values()]);
  for (let round = 0; round < ROUNDS; round += 1) {
    settle(round % 2 === 0 ? layers : [...layers].reverse(), round % 2 === 0 ? 'before' : 'after');
  }
  placeAlong(layers, sketch, cells, flat);
  const top = Math.min(0, ...[...cells.values()].map(cell => cell.across - cell.wide / 2));
  for (const cell of cells.values()) {
    cell.across += MARGIN - top;
  }
  const point = (along: number, across: number): Point =>
    flat ? { x: along, y: across } : { x: across, y: along };
  const length = Math.max(0, ...[...cells.values()].map(cell => cell.along + cell.long / 2));
  const breadth = Math.max(0, ...[...cells.values()].map(cell => cell.across + cell.wide / 2));
  const far = point(length + MARGIN, breadth + MARGIN);
  return {
    width: far.x,
    height: far.y,
    boxes: new Map([...cells].map(([id, cell]) => [id, point(cell.along, cell.across)])),
    routes: routesOf(sketch, cells, point),
    frames: framesOf(sketch, cells, flat),
    engine: 'layered'
  };
}

function cellsOf(sketch: SketchForm, flat: boolean): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  for (const { id, width, height } of sketch.boxes) {
    const [long, wide] = flat ? [width, height] : [height, width];
    cells.set(id, { id, long, wide, before: [], after: [], layer: 0, along: 0, across: 0 });
  }
  for (const line of sketch.lines) {
    const [source, target] = [cells.get(line.source), cells.get(line.target)];
    if (source && target) {
      source.after.push(target);
      target.before.push(source);
    }
  }
  return cells;
}

/** Give each cell its layer, one after its last upstream cell; a cycle is cut at its first cell. */
function rank(cells: readonly Cell[]): Cell[][] {
  const waiting = new Map(cells.map(cell => [cell, cell.before.length]));
  const left = new Set(cells);
  const ready = cells.filter(cell => cell.before.length === 0);
  while (left.size > 0) {
    const cell = ready.pop() ?? (left.values().next().value as Cell);
    if (!left.delete(cell)) {
      continue;
    }
    for (const target of cell.after) {
      if (left.has(target)) {
        target.layer = Math.max(target.layer, cell.layer + 1);
      }
      const count = (waiting.get(target) ?? 0) - 1;
      waiting.set(target, count);
      if (count === 0) {
        ready.push(target);
      }
    }
  }
  const layers: Cell[][] = [];
  for (const cell of cells) {
    const layer = layers[cell.layer] ?? [];
    layers[cell.layer] = layer;
    cell.across = (layer.at(-1)?.across ?? 0) + cell.wide + GAP_ACROSS;
    layer.push(cell);
  }
  return Array.from(layers, layer => layer ?? []);
}

/** Order each layer by the mean place of its neighbours, and keep the gaps. */
function settle(layers: readonly Cell[][], side: 'before' | 'after'): void {
  for (const layer of layers) {
    const wishes = new Map(layer.map(cell => [cell, mean(cell[side]) ?? cell.across]));
    const wish = (cell: Cell) => wishes.get(cell) ?? 0;
    layer.sort((one, other) => wish(one) - wish(other));
    let end = Number.NEGATIVE_INFINITY;
    for (const cell of layer) {
      cell.across = Math.max(wish(cell), end + GAP_ACROSS + cell.wide / 2);
      end = cell.across + cell.wide / 2;
    }
    const drift = layer.reduce((sum, cell) => sum + cell.across - wish(cell), 0) / layer.length;
    for (const cell of layer) {
      cell.across -= drift;
    }
  }
}

function mean(cells: readonly Cell[]): number | null {
  return cells.length === 0
    ? null
    : cells.reduce((sum, cell) => sum + cell.across, 0) / cells.length;
}

/** Place the layers one after the other, with room for the labels between. */
function placeAlong(
  layers: readonly Cell[][],
  sketch: SketchForm,
  cells: ReadonlyMap<string, Cell>,
  flat: boolean
): void {
  const room = layers.map(() => GAP_ALONG);
  for (const line of sketch.lines) {
    const layer = cells.get(line.source)?.layer ?? 0;
    const needed = line.label ? (flat ? line.label_width + 40 : 56) : 0;
    room[layer] = Math.max(room[layer] ?? 0, needed);
  }
  let at = MARGIN;
  for (const [index, layer] of layers.entries()) {
    const long = Math.max(0, ...layer.map(cell => cell.long));
    for (const cell of layer) {
      cell.along = at + long / 2;
    }
    at += long + (room[index] ?? 0);
  }
}

function routesOf(
  sketch: SketchForm,
  cells: ReadonlyMap<string, Cell>,
  point: (along: number, across: number) => Point
): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const line of sketch.lines) {
    const [source, target] = [cells.get(line.source), cells.get(line.target)];
    if (!source || !target) {
      continue;
    }
    const begin = source.along + source.long / 2;
    const end = target.along - target.long / 2;
    const bend = end > begin ? (end - begin) / 2 : GAP_ALONG;
    routes.set(line.id, {
      points: [
        point(begin, source.across),
        point(begin + bend, source.across),
        point(end - TIP - bend, target.across),
        point(end - TIP, target.across)
      ],
      tip: point(end, target.across),
      label: line.label ? point((begin + end) / 2, (source.across + target.across) / 2) : null
    });
  }
  return routes;
}

function framesOf(
  sketch: SketchForm,
  cells: ReadonlyMap<string, Cell>,
  flat: boolean
): Map<string, Area> {
  const frames = new Map<string, Area>();
  for (const frame of sketch.frames) {
    const inside = frame.boxes.flatMap(id => cells.get(id) ?? []);
    const [x0, x1] = extent(inside, flat ? 'along' : 'across');
    const [y0, y1] = extent(inside, flat ? 'across' : 'along');
    frames.set(frame.id, {
      x: x0 - FRAME.pad,
      y: y0 - FRAME.head,
      width: x1 - x0 + 2 * FRAME.pad,
      height: y1 - y0 + FRAME.pad + FRAME.head
    });
  }
  return frames;
}

function extent(cells: readonly Cell[], axis: 'along' | 'across'): [number, number] {
  const size = (cell: Cell) => (axis === 'along' ? cell.long : cell.wide) / 2;
  return [
    Math.min(...cells.map(cell => cell[axis] - size(cell))),
    Math.max(...cells.map(cell => cell[axis] + size(cell)))
  ];
}
