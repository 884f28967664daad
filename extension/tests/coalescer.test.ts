import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Coalescer } from '../src/model/coalescer';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('many changes in a row make work once, after they pause', async () => {
  const work = vi.fn(async () => {});
  const coalescer = new Coalescer(work, 60);
  for (let key = 0; key < 5; key += 1) {
    coalescer.request();
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(work).toHaveBeenCalledTimes(0);
  await vi.advanceTimersByTimeAsync(60);
  expect(work).toHaveBeenCalledTimes(1);
});

test('somebody who never pauses is not left waiting', async () => {
  const work = vi.fn(async () => {});
  const coalescer = new Coalescer(work, 60, 400);
  for (let key = 0; key < 9; key += 1) {
    coalescer.request();
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(work).toHaveBeenCalledTimes(1);
});

test('work is never done twice at a time, and again for what changed meanwhile', async () => {
  let running = 0;
  const work = vi.fn(async () => {
    running += 1;
    expect(running).toBe(1);
    await new Promise(resolve => setTimeout(resolve, 500));
    running -= 1;
  });
  const coalescer = new Coalescer(work, 0);
  coalescer.request();
  await vi.advanceTimersByTimeAsync(100);
  coalescer.request();
  coalescer.request();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(work).toHaveBeenCalledTimes(2);
});

test('nothing is done after the end, and work under way is told', async () => {
  const signals: AbortSignal[] = [];
  const coalescer = new Coalescer(async signal => {
    signals.push(signal);
  }, 0);
  coalescer.request();
  await vi.advanceTimersByTimeAsync(1);
  coalescer.dispose();
  coalescer.request();
  await vi.advanceTimersByTimeAsync(100);
  expect(signals.map(signal => signal.aborted)).toEqual([true]);
});
