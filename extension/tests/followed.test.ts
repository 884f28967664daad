import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Api } from '../src/api/client';
import { FollowedRun } from '../src/notebook/followed';

type Answer = (value: unknown) => void;

/** A server whose answers come when the test lets them. */
class SlowServer {
  readonly waiting: { what: string; answer: Answer; fail: (error: Error) => void }[] = [];

  events = (run: string) => this._ask(`events ${run}`);
  showRun = (run: string) => this._ask(`show ${run}`);

  async settle(what: string, value: unknown): Promise<void> {
    await vi.waitFor(() => expect(this.waiting.map(one => one.what)).toContain(what));
    const at = this.waiting.findIndex(one => one.what === what);
    const [one] = this.waiting.splice(at, 1);
    value instanceof Error ? one?.fail(value) : one?.answer(value);
    await new Promise(resolve => setTimeout(resolve));
  }

  private _ask(what: string): Promise<unknown> {
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
  await followed.follow('a');
  await server.settle('events a', EVENTS);
  await server.settle('show a', shown('a'));
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
