import type { SketchForm } from '../api/types';
import { type Area, type Layout, MARGIN, type Point, type Route } from './layout';

interface Item {
  name?: string;
  id?: string;
  pos?: string;
  bb?: string;
  lp?: string;
}

interface Answer {
  bb: string;
  objects?: Item[];
  edges?: Item[];
}

/** Read Graphviz's `json0`. Throws if it answers with another graph. */
export function layoutOf(answer: string, sketch: SketchForm): Layout {
  const graph = JSON.parse(answer) as Answer;
  const [, , width = 0, height = 0] = numbers(graph.bb);
  const place = (text: string): Point => {
    const [x = 0, y = 0] = numbers(text);
    return { x: round(x + MARGIN), y: round(height - y + MARGIN) };
  };
  const boxes = new Map<string, Point>();
  const frames = new Map<string, Area>();
  for (const item of graph.objects ?? []) {
    if (item.pos && item.name) {
      boxes.set(item.name, place(item.pos));
    } else if (item.bb && item.name) {
      frames.set(item.name.replace('cluster_', ''), area(item.bb, height));
    }
  }
  const routes = new Map<string, Route>();
  for (const { id, pos, lp } of graph.edges ?? []) {
    const [tip, ...points] = (pos ?? '').split(/\s+/).map(one => place(one.replace('e,', '')));
    if (id && tip) {
      routes.set(id, { points, tip, label: lp ? place(lp) : null });
    }
  }
  if (boxes.size !== sketch.boxes.length || routes.size !== sketch.lines.length) {
    throw new Error('Graphviz answered with another graph');
  }
  return {
    width: round(width + 2 * MARGIN),
    height: round(height + 2 * MARGIN),
    boxes,
    routes,
    frames,
    engine: 'graphviz'
  };
}

function area(text: string, height: number): Area {
  const [left = 0, low = 0, right = 0, high = 0] = numbers(text);
  return {
    x: round(left + MARGIN),
    y: round(height - high + MARGIN),
    width: round(right - left),
    height: round(high - low)
  };
}

function numbers(text: string): number[] {
  return text.split(',').map(Number);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
