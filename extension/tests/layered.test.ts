import { expect, test } from 'vitest';
import { layeredLayout } from '../src/layout/layered';
import { sketchOf } from './sketches';

const DIAMOND = sketchOf(
  ['a', 'b', 'c', 'd'],
  [
    [0, 1, 'x'],
    [0, 2, 'x'],
    [1, 3, 'y'],
    [2, 3, 'z'],
    [0, 3, '']
  ]
);

function places(direction: 'LR' | 'TB') {
  return [...layeredLayout(DIAMOND, direction).boxes.values()];
}

test('what waits stands after what it waits for, and neighbours keep apart', () => {
  const [a, b, c, d] = places('LR').map(place => [place.x, place.y] as const);
  expect(a?.[0]).toBeLessThan(b?.[0] ?? 0);
  expect(b?.[0]).toBe(c?.[0]);
  expect(c?.[0]).toBeLessThan(d?.[0] ?? 0);
  expect(Math.abs((b?.[1] ?? 0) - (c?.[1] ?? 0))).toBeGreaterThanOrEqual(34);
});

test('where it is narrow the picture runs from top to bottom', () => {
  const [a, , , d] = places('TB');
  expect(a?.y).toBeLessThan(d?.y ?? 0);
});

test('nothing is left out, and everything lies inside the picture', () => {
  const layout = layeredLayout(DIAMOND, 'LR');
  expect(layout.routes.size).toBe(DIAMOND.lines.length);
  for (const place of layout.boxes.values()) {
    expect(place.x - 50).toBeGreaterThanOrEqual(0);
    expect(place.x + 50).toBeLessThanOrEqual(layout.width);
    expect(place.y - 17).toBeGreaterThanOrEqual(0);
    expect(place.y + 17).toBeLessThanOrEqual(layout.height);
  }
});

test('a cycle, which the compiler reports, is drawn all the same', () => {
  const cycle = sketchOf(
    ['a', 'b'],
    [
      [0, 1, ''],
      [1, 0, '']
    ]
  );
  expect(layeredLayout(cycle, 'LR').boxes.size).toBe(2);
});

test('a frame holds its boxes', () => {
  const framed = sketchOf(['a', 'b', 'c'], [[0, 1, '']], [[0, 1]]);
  const layout = layeredLayout(framed, 'LR');
  const frame = layout.frames.get('g0');
  for (const id of ['n0', 'n1']) {
    expect(layout.boxes.get(id)?.x).toBeGreaterThan((frame?.x ?? 0) + 50);
  }
});

test('a thousand tasks with many lines are placed in a moment', () => {
  const names = Array.from({ length: 1_000 }, (_, index) => `t${index}`);
  const lines = names.flatMap((_, index) =>
    [1, 7, 31].flatMap(step =>
      index + step < 1_000 ? [[index, index + step, ''] as [number, number, string]] : []
    )
  );
  const begun = performance.now();
  expect(layeredLayout(sketchOf(names, lines), 'LR').boxes.size).toBe(1_000);
  expect(performance.now() - begun).toBeLessThan(2_000);
});
