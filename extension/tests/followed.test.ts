import type { NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Api } from '../src/api/client';
import type { RunAnswer } from '../src/api/types';
import { ChosenTask } from '../src/notebook/chosenTask';
import { ComparedRuns } from '../src/notebook/compared';
import { FollowedRun } from '../src/notebook/followed';
import { NotebookRun } from '../src/notebook/run';
import { WatchedTask } from '../src/notebook/task';

type Answer = (value: unknown) => void;

/** A server whose answers come when the test lets them. */
class SlowServer {
  readonly waiting: { what: string; answer: Answer; fail: (error: Error) => void }[] = [];

  events = (run: string) => this.ask(`events ${run}`);
  showRun = (run: string) => this.ask(`show ${run}`);
  runs = ({ dag_id }: { dag_id: string }) => this.ask(`runs ${dag_id}`);

  async settle(what: string, value: unknown): Promise<void> {
    await vi.waitFor(() => expect(this.waiting.map(one => one.what)).toContain(what));
    const at = this.waiting.findIndex(one => one.what === what);
    const [one] = this.waiting.splice(at, 1);
    value instanceof Error ? one?.fail(value) : one?.answer(value);
    await new Promise(resolve => setTimeout(resolve));
  }

  ask(what: string): Promise<unknown> {
    return new Promise((answer, fail) => this.waiting.push({ what, answer, fail }));
  }
}

const EVENTS = { items: [{}], last: 1 };
const shown = (run: string) => ({
  run: { run_id: run, state: 'running' },
  goes_on: true,
  tasks: [{ task: 'load', state: 'running' }]
});

let server: SlowServer;
let followed: FollowedRun;

beforeEach(async () => {
  server = new SlowServer();
  followed = new FollowedRun(server as unknown as Api);
  const following = followed.follow('a');
  await server.settle('events a', EVENTS);
  await server.settle('show a', shown('a'));
  await following;
  expect(followed.state.answer?.run.run_id).toBe('a');
});

afterEach(() => followed.dispose());

test('of another run nothing is shown until it has answered', async () => {
  void followed.follow('b');
  expect(followed.state.answer).toBeNull();
  expect(followed.tasks.size).toBe(0);
  await server.settle('events b', EVENTS);
  await server.settle('show b', shown('b'));
  expect(followed.state.answer?.run.run_id).toBe('b');
});

test('who follows a run learns how it stands, or that nobody says', async () => {
  let [isKnown, isOver] = [false, false];
  void followed.follow('b').then(() => {
    isKnown = followed.state.answer?.run.run_id === 'b';
  });
  await server.settle('events b', EVENTS);
  await server.settle('show b', shown('b'));
  await vi.waitFor(() => expect(isKnown).toBe(true));
  void followed.follow('c').then(() => {
    isOver = followed.state.error?.message === 'away';
  });
  await server.settle('events c', new Error('away'));
  await vi.waitFor(() => expect(isOver).toBe(true));
});

test('that no scheduler works is said of the run that was asked for alone', async () => {
  void followed.follow('b', false);
  expect(followed.state.hasScheduler).toBe(false);
  void followed.follow('b');
  expect(followed.state.hasScheduler).toBe(false);
  void followed.follow('c');
  expect(followed.state.hasScheduler).toBe(true);
});

test('what fails for a run that is no longer followed is not told', async () => {
  followed.refresh();
  await vi.waitFor(() => expect(server.waiting).toHaveLength(1));
  void followed.follow('b');
  await server.settle('events a', new Error('gone'));
  expect(followed.state.error).toBeNull();
});

test('a look that fails is told until one succeeds, though there is no news', async () => {
  followed.refresh();
  await server.settle('events a', new Error('away'));
  expect(followed.state.error?.message).toBe('away');
  followed.refresh();
  await server.settle('events a', { items: [], last: 1 });
  expect(followed.state.error).toBeNull();
  expect(followed.state.answer?.run.run_id).toBe('a');
});

test('a run that had ended is looked at again when it is heard of, or listed in another state', async () => {
  const ended = { ...shown('a'), run: { run_id: 'a', state: 'failed' }, goes_on: false };
  followed.refresh();
  await server.settle('events a', { items: [{}], last: 2 });
  await server.settle('show a', ended);
  expect(followed.isGoingOn).toBe(false);
  followed.compareWith('a', 'failed');
  followed.compareWith('b', 'running');
  expect(server.waiting).toHaveLength(0);
  followed.compareWith('a', 'queued');
  await server.settle('events a', { items: [], last: 2 });
  followed.hear('a');
  await server.settle('events a', { items: [{}], last: 3 });
  await server.settle('show a', shown('a'));
  expect(followed.isGoingOn).toBe(true);
});

test('a task that was never tried is asked for once, and again when its run moves', async () => {
  const asked: string[] = [];
  const answer = { task: { task: 'report', state: 'skipped' }, attempts: [] };
  const api = {
    showTask: async (run: string, task: string) => {
      asked.push(`${run} ${task}`);
      return answer;
    }
  };
  vi.useFakeTimers();
  const watched = new WatchedTask('a', 'report', api as unknown as Api);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toEqual(['a report']);
  watched.refresh();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(2);
  watched.dispose();
  vi.useRealTimers();
});

test('a run that moves while its task is asked about makes it asked about again', async () => {
  const waiting: Answer[] = [];
  const api = { showTask: () => new Promise(answer => waiting.push(answer)) };
  const watched = new WatchedTask('a', 'report', api as unknown as Api);
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  watched.refresh();
  waiting[0]?.({ task: { task: 'report', state: 'queued' }, attempts: [] });
  await vi.waitFor(() => expect(waiting).toHaveLength(2));
  watched.dispose();
});

test('two who ask for the last run of a DAG both learn how it stands', async () => {
  const panel = { disposed: new Signal({}) } as unknown as NotebookPanel;
  const run = new NotebookRun(panel, server as unknown as Api);
  const stands: unknown[] = [];
  for (const _ of ['the panel', 'a command']) {
    void run.followLast('prices').then(() => stands.push(run.state.answer?.run.run_id));
  }
  await server.settle('runs prices', { items: [{ run_id: 'b' }] });
  await server.settle('runs prices', { items: [{ run_id: 'b' }] });
  expect(stands).toEqual([]);
  await server.settle('events b', EVENTS);
  await server.settle('show b', shown('b'));
  await vi.waitFor(() => expect(stands).toEqual(['b', 'b']));
  run.dispose();
});

test('the failed task that somebody closed stays closed while its run goes on', () => {
  const api = { showTask: () => new Promise(() => null), log: () => new Promise(() => null) };
  const chosen = new ChosenTask(api as unknown as Api);
  const answer = (id: string) =>
    ({ run: { run_id: id }, tasks: [{ task: 'load', state: 'failed' }] }) as unknown as RunAnswer;
  chosen.follow(answer('a'));
  expect(chosen.task?.task).toBe('load');
  chosen.choose('a', null);
  chosen.follow(answer('a'));
  expect(chosen.task).toBeNull();
  chosen.follow(answer('b'));
  expect(chosen.task?.run).toBe('b');
  chosen.choose(null, null);
});

test('of comparisons the one asked for last is shown, and none after something else was chosen', async () => {
  const compareRuns = (run: string, other: string) => server.ask(`${run} ${other}`);
  const compared = new ComparedRuns({ compareRuns } as unknown as Api);
  void compared.ask('a', 'b');
  void compared.ask('a', 'c');
  await server.settle('a c', 'last');
  await server.settle('a b', 'first');
  expect(compared.shown).toBe('last');
  void compared.ask('a', 'd');
  compared.end();
  await server.settle('a d', 'late');
  expect(compared.shown).toBeNull();
});
