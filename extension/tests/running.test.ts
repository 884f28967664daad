import { expect, test } from 'vitest';
import type { DagForm, ParameterForm } from '../src/api/types';
import { clock, duration } from '../src/model/durations';
import { changedValues, fieldOf, isWrong } from '../src/model/parameters';
import { choose, type Scope, taskOfCell } from '../src/model/scope';

const WAITS = { load: [], clean: ['load'], train: ['clean'], plot: ['clean'], report: ['train'] };

const dag = {
  tasks: Object.entries(WAITS).map(([name, waits_for]) => ({
    name,
    waits_for,
    cells: [`c-${name}`]
  }))
} as unknown as DagForm;

test.each<[Scope, string[], string[]]>([
  [{ kind: 'all' }, ['load', 'clean', 'train', 'plot', 'report'], []],
  [{ kind: 'task', task: 'train' }, ['train'], ['train']],
  [{ kind: 'from', task: 'clean' }, ['clean', 'train', 'plot', 'report'], ['clean+']],
  [{ kind: 'to', task: 'train' }, ['load', 'clean', 'train'], ['+train']],
  [{ kind: 'task', task: 'gone' }, [], []]
])('%o means these tasks, in page order', (scope, tasks, selectors) => {
  expect(choose(scope, dag, new Map())).toEqual({ tasks, selectors });
});

test('what failed is all that did not succeed in the last run, and nothing that it left out', () => {
  const states = new Map(
    Object.entries({
      load: 'success',
      clean: 'skipped',
      train: 'failed',
      report: 'upstream_failed',
      renamed: 'failed'
    }).map(([task, state]) => [task, { state }])
  );
  const tasks = ['train', 'report'];
  expect(choose({ kind: 'failed' }, dag, states)).toEqual({ tasks, selectors: tasks });
  expect(choose({ kind: 'failed' }, dag, new Map()).tasks).toEqual([]);
});

test('a cell leads to its task, one beside the tasks to none', () => {
  expect(taskOfCell('c-train', dag)).toBe('train');
  expect(taskOfCell('c-setup', dag)).toBe(null);
});

function parameter(type: string, source: string): ParameterForm {
  return { name: 'p', type, default: source, cell: 'c', line: 1, help: '' };
}

test.each([
  ['int', '1_000', 'int', '1_000'],
  ['int', 'len(x)', 'text', 'len(x)'],
  ['float', '1e-3', 'float', '1e-3'],
  ['bool', 'True', 'bool', true],
  ['bool', 'os.name == "nt"', 'text', 'os.name == "nt"'],
  ['str', "'서울'", 'text', '서울'],
  ['str', '"it\'s"', 'text', "it's"],
  ['str', "'a\\n'", 'text', "'a\\n'"],
  ['date', 'datetime.date(2026, 3, 9)', 'date', '2026-03-09'],
  ['path', "Path('data/in.csv')", 'text', 'data/in.csv'],
  ['list', "['a']", 'text', "['a']"],
  ['int | None', 'None', 'text', 'None']
])('a parameter %s = %s is asked for as %s with %s in the field', (type, source, kind, initial) => {
  expect(fieldOf(parameter(type, source))).toMatchObject({ kind, initial });
});

test.each([
  ['int', '12', false],
  ['int', '1.5', true],
  ['int', '', true],
  ['float', '.5', false],
  ['float', '1,5', true],
  ['date', '2026-02-03', false],
  ['date', '', true],
  ['text', 'anything', false]
] as const)('for %s "%s" is wrong: %s', (kind, text, expected) => {
  expect(isWrong(kind, text)).toBe(expected);
});

test('only what was changed is sent, so that other parameters follow the notebook', () => {
  const rows = { ...fieldOf(parameter('int', '3')), name: 'rows' };
  const dry = { ...fieldOf(parameter('bool', 'False')), name: 'dry' };
  const values = new Map<string, string | boolean>([
    ['rows', '3'],
    ['dry', true],
    ['gone', 'x']
  ]);
  expect(changedValues([rows, dry], values)).toEqual({ dry: true });
});

test.each([
  [0.85, '850 ms'],
  [3.21, '3.2 s'],
  [59.96, '1 m 00 s'],
  [245, '4 m 05 s'],
  [7620, '2 h 07 m']
])('%d s are told as %s', (seconds, expected) => {
  expect(duration(seconds)).toBe(expected);
});

test.each([
  [-0.2, '0 s'],
  [3.9, '3 s'],
  [245.9, '4 m 05 s'],
  [7625, '2 h 07 m']
])('what has gone on for %d s says so in whole seconds', (seconds, expected) => {
  expect(clock(seconds)).toBe(expected);
});
