import { expect, test } from 'vitest';
import { endOfLog } from '../src/model/logs';

test('of a long log the end is kept, and that something is left out is told', () => {
  expect(endOfLog('one\ntwo\n', 8)).toBe('one\ntwo\n');
  expect(endOfLog('one\ntwo\nthree\n', 8)).toBe('…\nthree\n');
  expect(endOfLog(endOfLog('one\ntwo\nthree\n', 8).concat('four\n'), 8)).toBe('…\nfour\n');
  expect(endOfLog('a line without end', 5)).toBe('…\nt end');
});
