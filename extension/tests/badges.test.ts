import { expect, test } from 'vitest';
import type { DagForm } from '../src/api/types';
import { badgesOf } from '../src/model/badges';
import { hasMarks } from '../src/model/marks';

function dag(tagged: boolean): DagForm {
  return {
    tasks: [{ name: 'load', needs: ['path'], binds: ['df'], mutates: ['df', 'log'] }],
    membership: [
      { cell: 'c0', role: 'setup', task: null, tagged, number: '[1]' },
      { cell: 'c1', role: 'load', task: 'load', tagged, number: '[2]' },
      { cell: 'c2', role: 'load', task: 'load', tagged: false, number: '[3]' },
      { cell: 'c3', role: 'skip', task: null, tagged, number: '[4]' }
    ],
    diagnostics: [
      { cell: 'c2', severity: 'error', code: 'NBF203' },
      { cell: 'c1', severity: 'info', code: 'NBF301' },
      { cell: null, severity: 'error', code: 'NBF202' }
    ]
  } as unknown as DagForm;
}

test('each cell is told its role, its task, what the task reads and writes, and what is wrong', () => {
  const badges = badgesOf(dag(true));
  expect([...badges.values()].map(one => one.role)).toEqual(['setup', 'task', 'task', 'skip']);
  expect(badges.get('c1')).toMatchObject({ task: 'load', isTagged: true, findings: [] });
  expect(badges.get('c1')).toMatchObject({ reads: ['path'], writes: ['df', 'log'] });
  expect(badges.get('c2')?.isTagged).toBe(false);
  expect(badges.get('c2')?.findings.map(one => one.code)).toEqual(['NBF203']);
});

test('a notebook that nobody tagged is left alone but for what is wrong', () => {
  expect([...badgesOf(dag(false)).keys()]).toEqual(['c2']);
});

test.each([
  [{ metadata: { tags: ['task:a'] } }, true],
  [{ metadata: { tags: ['setup'] } }, true],
  [{ source: '\n%%task a --after b\nx' }, true],
  [{ source: '%%skip' }, true],
  [{ metadata: { tags: ['setup-done', 7] }, source: '# %%task a' }, false],
  [{ source: '%%taskforce' }, false],
  [{ metadata: { tags: 'task:a' } }, false]
])('%j uses nbflow: %s', (cell, expected) => {
  expect(hasMarks([{ source: 'x' }, cell])).toBe(expected);
});
