import { expect, test } from 'vitest';
import type { DagForm } from '../src/api/types';
import { layeredLayout } from '../src/layout/layered';
import { arrowOf, pathOf } from '../src/model/lines';
import { cellsBeside, edgesOf, idOf, search, subjectOf, tasksOf } from '../src/model/sections';
import { fitAll, fitReadable, reveal, zoomAt } from '../src/model/viewport';
import { walk } from '../src/model/walk';
import { sketchOf } from './sketches';

const SKETCH = sketchOf(
  ['load', 'clean', '보고서'],
  [
    [0, 1, 'df'],
    [0, 2, 'df']
  ]
);
const PLACES = layeredLayout(SKETCH, 'LR').boxes;
const DAG = {
  tasks: [
    { name: 'load', cells: ['c1'], binds: ['Orders'], needs: [] },
    { name: 'clean', cells: ['c2', 'c3'], binds: [], needs: ['Orders'] },
    { name: '보고서', cells: ['c4'], binds: [], needs: [] }
  ],
  edges: [
    { source: 'load', target: 'clean', why: 'reads' },
    { source: 'load', target: '보고서', why: 'order' }
  ],
  membership: [
    { cell: 'c0', role: 'setup', number: '[1]' },
    { cell: 'c5', role: 'skip', number: '[6]' }
  ],
  diagnostics: [
    { severity: 'error', cell: 'c2' },
    { severity: 'error', cell: 'c2' },
    { severity: 'info', cell: 'c4' }
  ]
} as unknown as DagForm;

test('arrow keys walk along the lines and to the neighbours', () => {
  const from = (id: string, key: string) => walk(SKETCH, PLACES, id, key, true);
  expect(from('n1', 'ArrowLeft')).toBe('n0');
  expect(['n1', 'n2']).toContain(from('n0', 'ArrowRight'));
  expect(from('n1', 'ArrowDown')).toBe('n2');
  expect(from('n2', 'ArrowUp')).toBe('n1');
  expect(from('n0', 'ArrowLeft')).toBeNull();
  expect([from('n1', 'Home'), from('n1', 'End')]).toEqual(['n0', 'n2']);
  expect(from('n1', 'Tab')).toBeNull();
});

test('a search looks at names and variables, whatever their case', () => {
  expect([...(search(SKETCH, DAG, 'ORDERS') ?? [])]).toEqual(['n0', 'n1']);
  expect([...(search(SKETCH, DAG, '보고') ?? [])]).toEqual(['n2']);
  expect(search(SKETCH, DAG, '  ')).toBeNull();
});

test('what a box or arrow is about is found again when others came before it', () => {
  const before = sketchOf(['load', 'report'], [[0, 1, 'rows']]);
  const after = sketchOf(
    ['new', 'load', 'report'],
    [
      [0, 1, ''],
      [1, 2, 'rows']
    ]
  );
  const again = (id: string) => idOf(subjectOf(id, before), after);
  expect([again('n0'), again('n1'), again('e0')]).toEqual(['n1', 'n2', 'e1']);
  expect([idOf(subjectOf('n0', after), before), subjectOf('n9', before)]).toEqual([null, null]);
});

test('boxes and lines lead to tasks and edges, folded sections to all of theirs', () => {
  const folded = { ...SKETCH.boxes[0], task: 'Part', members: ['clean', '보고서'] };
  expect(tasksOf(folded as never, DAG).map(task => task.name)).toEqual(['clean', '보고서']);
  expect(edgesOf('e1', SKETCH, DAG).map(edge => edge.why)).toEqual(['order']);
});

test('cells beside the tasks are found by what they are', () => {
  expect(cellsBeside('setup', DAG)).toEqual(['c0']);
  expect(cellsBeside('broken', DAG)).toEqual(['c2']);
});

test('a picture is shown whole, but no smaller than can be read', () => {
  const room = { width: 500, height: 400 };
  expect(fitAll({ width: 1_000, height: 100 }, room)).toEqual({ x: 0, y: 175, scale: 0.5 });
  expect(fitReadable({ width: 1_000, height: 100 }, room)).toEqual({ x: 0, y: 165, scale: 0.7 });
  expect(fitAll({ width: 100, height: 100 }, room).scale).toBe(1);
});

test('zooming keeps the point under the pointer', () => {
  const view = zoomAt({ x: 10, y: 20, scale: 1 }, 2, 110, 70);
  expect(view).toEqual({ x: -90, y: -30, scale: 2 });
  expect(zoomAt(view, 100, 0, 0).scale).toBe(3);
});

test('a box outside of the view is moved into it, one inside is left alone', () => {
  const room = { width: 500, height: 400 };
  const view = { x: 0, y: 0, scale: 1 };
  const box = { width: 100, height: 40 };
  expect(reveal(view, room, { x: 200, y: 200 }, box)).toEqual(view);
  expect(reveal(view, room, { x: 900, y: 200 }, box).x).toBe(-474);
});

test('lines and arrows are written as SVG has them', () => {
  const points = [0, 10, 20, 30].map(x => ({ x, y: 5 }));
  expect(pathOf(points)).toBe('M0 5C10 5 20 5 30 5');
  expect(arrowOf(points, { x: 38, y: 5 })).toBe('38.0,5.0 30.0,8.4 30.0,1.6');
});
