import { Graphviz } from '@hpcc-js/wasm-graphviz';
import { expect, test } from 'vitest';
import { layoutOf } from '../src/layout/answer';
import { geometryOf } from '../src/layout/geometry';
import { sketchOf } from './sketches';

const graphviz = await Graphviz.load();

test('Graphviz places every box, line, label and frame of a sketch', () => {
  const sketch = sketchOf(
    ['load', 'clean', '보고서 "]; evil[label=x'],
    [
      [0, 1, 'orders'],
      [1, 2, ''],
      [0, 2, '주문 & rates']
    ],
    [[1, 2]]
  );
  const dot = geometryOf(sketch, 'LR');
  expect(dot).not.toContain('evil');
  const layout = layoutOf(graphviz.layout(dot, 'json0' as 'json', 'dot'), sketch);
  expect([...layout.boxes.keys()].sort()).toEqual(['n0', 'n1', 'n2']);
  expect(layout.boxes.get('n0')?.x).toBeLessThan(layout.boxes.get('n1')?.x ?? 0);
  expect([...layout.frames.keys()]).toEqual(['g0']);
  expect(layout.routes.get('e0')?.label).not.toBeNull();
  expect(layout.routes.get('e1')?.label).toBeNull();
});
