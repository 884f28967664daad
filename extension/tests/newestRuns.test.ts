import { beforeEach, expect, test } from 'vitest';
import type { Api } from '../src/api/client';
import type { RunForm } from '../src/api/types';
import { NewestRuns } from '../src/notebook/newestRuns';

type Answer = Awaited<ReturnType<Api['runs']>>;

let answers: ((answer: Answer) => void)[];
let newest: NewestRuns;
const answer = async (asked: number, state: string) => {
  answers[asked]?.({ items: [{ run_id: 'a', state } as RunForm] } as Answer);
  await new Promise(resolve => setTimeout(resolve));
};
const states = () => newest.all.map(run => run.state);

beforeEach(() => {
  answers = [];
  const api = { runs: () => new Promise<Answer>(resolve => answers.push(resolve)) };
  newest = new NewestRuns(api);
});

test('of two lists the one that was asked for later stays, however they come', async () => {
  void newest.ask('prices');
  void newest.ask('prices');
  await answer(1, 'success');
  await answer(0, 'running');
  expect(states()).toEqual(['success']);
  void newest.ask('prices');
  await answer(2, 'failed');
  expect(states()).toEqual(['failed']);
});

test('what was asked of another DAG is not told any more', async () => {
  void newest.ask('prices');
  newest.forget();
  void newest.ask('orders');
  await answer(0, 'running');
  expect(states()).toEqual([]);
  await answer(1, 'success');
  expect(states()).toEqual(['success']);
});
