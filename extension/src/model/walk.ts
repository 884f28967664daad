import type { SketchForm } from '../api/types';

export type Key = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown' | 'Home' | 'End';

type Places = ReadonlyMap<string, { readonly x: number; readonly y: number }>;

/**
 * Return the box that a key leads to: along the arrows to what comes next or before, across them to
 * the neighbour, Home and End to the first and last box of the page.
 */
export function walk(
  sketch: SketchForm,
  places: Places,
  from: string,
  key: string,
  flat: boolean
): string | null {
  switch (key) {
    case 'Home':
      return sketch.boxes[0]?.id ?? null;
    case 'End':
      return sketch.boxes.at(-1)?.id ?? null;
    case flat ? 'ArrowRight' : 'ArrowDown':
      return nearest(places, from, neighbours(sketch, from, 'source', 'target'));
    case flat ? 'ArrowLeft' : 'ArrowUp':
      return nearest(places, from, neighbours(sketch, from, 'target', 'source'));
    case flat ? 'ArrowUp' : 'ArrowLeft':
      return across(places, from, flat, -1);
    case flat ? 'ArrowDown' : 'ArrowRight':
      return across(places, from, flat, 1);
    default:
      return null;
  }
}

function neighbours(
  sketch: SketchForm,
  from: string,
  here: 'source' | 'target',
  there: 'source' | 'target'
): string[] {
  return sketch.lines.filter(line => line[here] === from).map(line => line[there]);
}

function nearest(places: Places, from: string, ids: readonly string[]): string | null {
  const start = places.get(from);
  const distance = (id: string) => {
    const place = places.get(id);
    return start && place ? Math.hypot(place.x - start.x, place.y - start.y) : Number.MAX_VALUE;
  };
  return ids.reduce<string | null>(
    (best, id) => (best === null || distance(id) < distance(best) ? id : best),
    null
  );
}

/** The next box on that side, those in about the same layer first. */
function across(places: Places, from: string, flat: boolean, step: 1 | -1): string | null {
  const start = places.get(from);
  if (!start) {
    return null;
  }
  let best: string | null = null;
  let least = Number.MAX_VALUE;
  for (const [id, place] of places) {
    const side = flat ? place.y - start.y : place.x - start.x;
    const away = flat ? place.x - start.x : place.y - start.y;
    const cost = side * step + 3 * Math.abs(away);
    if (id !== from && side * step > 0.5 && cost < least) {
      best = id;
      least = cost;
    }
  }
  return best;
}
