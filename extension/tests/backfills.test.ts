import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from '../src/api/client';
import type { BackfillForm, Problem } from '../src/api/types';
import { FollowedBackfills } from '../src/notebook/backfill';

const backfill = (id: string, state: string, created = id, runs: BackfillForm['runs'] = {}) =>
  ({ backfill_id: id, state, created, runs }) as BackfillForm;

/** Backfills as the server has them. */
class Server {
  kept = new Map<string, BackfillForm>();
  /** What looking at one fails with, by its id; at `''` that at those that go on does. */
  readonly failing = new Map<string, Error>();
  looks = 0;

  openBackfills = async (_dag: string) => {
    this.looks += 1;
    this._fail('');
    return { items: [...this.kept.values()].filter(one => one.state === 'running') };
  };
  showBackfill = async (id: string) => {
    this._fail(id);
    const found = this.kept.get(id);
    if (!found) {
      throw new ApiError({ status: 404, detail: `no backfill ${id}` } as Problem);
    }
    return { backfill: found, blocked: [] } as never;
  };
  cancelBackfill = async (id: string) => {
    const changed = this.kept.get(id)?.state === 'running';
    this.has(backfill(id, 'cancelled'));
    return { changed };
  };
  has(...all: readonly BackfillForm[]): void {
    for (const one of all) {
      this.kept.set(one.backfill_id, one);
    }
  }

  private _fail(where: string): void {
    const error = this.failing.get(where);
    if (error) {
      throw error;
    }
  }
}

let server: Server;
let followed: FollowedBackfills;
const follow = (...known: readonly (readonly [string, BackfillForm | null])[]) => {
  followed = new FollowedBackfills(server, 'prices', new Map(known));
};
const states = () => followed.all.map(one => `${one.backfill_id} ${one.state}`);

beforeEach(() => {
  server = new Server();
  vi.useFakeTimers();
});

afterEach(() => {
  followed.dispose();
  vi.useRealTimers();
});

test('what is known is there at once; nothing is asked any more once all have ended', async () => {
  server.has(backfill('a', 'running'), backfill('b', 'running'));
  follow(['a', backfill('a', 'running')]);
  expect(states()).toEqual(['a running']);
  await vi.advanceTimersByTimeAsync(2000);
  expect(states()).toEqual(['b running', 'a running']);
  server.has(backfill('a', 'done'), backfill('b', 'done'));
  await vi.advanceTimersByTimeAsync(4000);
  expect(states()).toEqual(['b done', 'a done']);
  const { looks } = server;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(server.looks).toBe(looks);
});

test('one that was cancelled is followed until its runs have ended', async () => {
  const cancelled = (runs: BackfillForm['runs']) => backfill('a', 'cancelled', 'a', runs);
  server.has(cancelled({ queued: 1, running: 1 }));
  follow(['a', null]);
  for (const state of ['queued', 'running', 'cancelled']) {
    await vi.advanceTimersByTimeAsync(4000);
    server.has(cancelled({ [state]: 1 }));
    await vi.advanceTimersByTimeAsync(4000);
    expect(followed.all).toEqual([cancelled({ [state]: 1 })]);
  }
  const { looks } = server;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(server.looks).toBe(looks);
});

test('one that is cancelled is looked at once more', async () => {
  server.has(backfill('a', 'running'));
  follow(['a', null]);
  await vi.advanceTimersByTimeAsync(100);
  expect(await followed.cancel('a')).toBe(true);
  await vi.advanceTimersByTimeAsync(100);
  expect(states()).toEqual(['a cancelled']);
  expect(await followed.cancel('a')).toBe(false);
});

test('a failed look keeps what is known, and is over with the next good one', async () => {
  server.has(backfill('a', 'running'));
  follow(['a', null]);
  await vi.advanceTimersByTimeAsync(100);
  server.failing.set('', new Error('away'));
  await vi.advanceTimersByTimeAsync(4000);
  expect(followed.error?.message).toBe('away');
  expect(states()).toEqual(['a running']);
  server.failing.clear();
  server.has(backfill('a', 'done'));
  followed.retry();
  await vi.advanceTimersByTimeAsync(100);
  expect(followed.error).toBeNull();
  expect(states()).toEqual(['a done']);
});

test('one that can not be read hides no other, and one that is gone is followed no more', async () => {
  server.has(backfill('a', 'running'), backfill('b', 'done'));
  server.failing.set('c', new Error('broken'));
  follow(['b', null], ['c', null], ['gone', null]);
  await vi.advanceTimersByTimeAsync(100);
  expect(states()).toEqual(['b done', 'a running']);
  expect(followed.error?.message).toBe('broken');
  expect([...followed.known.keys()].sort()).toEqual(['a', 'b', 'c']);
});
