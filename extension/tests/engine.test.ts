import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LayoutEngine } from '../src/layout/engine';
import type { Thread } from '../src/layout/graphviz';
import type { Layout } from '../src/layout/layout';
import type { LayoutReply, LayoutRequest } from '../src/layout/worker';
import { sketchOf } from './sketches';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const SKETCH = sketchOf(['a', 'b'], [[0, 1, '']]);
const ANSWER = JSON.stringify({
  bb: '0,0,200,40',
  objects: [
    { name: 'n0', pos: '50,20' },
    { name: 'n1', pos: '150,20' }
  ],
  edges: [{ id: 'e0', pos: 'e,100,20 70,20 80,20 90,20 95,20' }]
});

/** A worker that is loaded at once, or late, and answers as it is told, or never. */
class FakeThread implements Thread {
  onmessage: Thread['onmessage'] = null;
  onerror: Thread['onerror'] = null;
  isEnded = false;
  readonly dots: string[] = [];

  get asked(): number {
    return this.dots.length;
  }

  constructor(
    private readonly _answer: (() => string | null) | null,
    private readonly _loading: Promise<void> = Promise.resolve()
  ) {}

  postMessage(request: LayoutRequest): void {
    this.dots.push(request.dot);
    void this._loading.then(() => {
      this._tell({ id: null, answer: null });
      if (this._answer) {
        this._tell({ id: request.id, answer: this._answer() });
      }
    });
  }

  terminate(): void {
    this.isEnded = true;
  }

  private _tell(data: LayoutReply): void {
    this.onmessage?.({ data } as MessageEvent);
  }
}

test('Graphviz places, once for pictures of the same shape', async () => {
  const thread = new FakeThread(() => ANSWER);
  const engine = new LayoutEngine(() => thread);
  const layout = (await engine.layOut(SKETCH, 'LR')) as Layout;
  expect(layout.engine).toBe('graphviz');
  expect(layout.boxes.get('n1')).toEqual({ x: 162, y: 32 });
  expect(layout.routes.get('e0')?.tip).toEqual({ x: 112, y: 32 });
  expect(await engine.layOut({ ...SKETCH, title: 'another' }, 'LR')).toBe(layout);
  expect(thread.asked).toBe(1);
});

test('a graph that takes too long is placed by the page, and the worker is ended', async () => {
  const threads = [new FakeThread(null), new FakeThread(() => ANSWER)];
  const begun = [...threads];
  const engine = new LayoutEngine(() => begun.shift() as Thread);
  const late = engine.layOut(SKETCH, 'LR');
  await vi.advanceTimersByTimeAsync(20_000);
  expect((await late)?.engine).toBe('layered');
  expect(threads[0]?.isEnded).toBe(true);
  expect((await engine.layOut(SKETCH, 'TB'))?.engine).toBe('graphviz');
});

test.each([
  ['nothing', () => null],
  ['another graph', () => '{"bb": "0,0,1,1"}'],
  ['what is no JSON', () => '<svg/>']
])('if Graphviz answers %s the page places the graph', async (_, answer) => {
  const engine = new LayoutEngine(() => new FakeThread(answer));
  expect((await engine.layOut(SKETCH, 'LR'))?.engine).toBe('layered');
});

test('where no worker may be started the page places the graph', async () => {
  const engine = new LayoutEngine(() => {
    throw new Error('refused by a content security policy');
  });
  expect((await engine.layOut(SKETCH, 'LR'))?.engine).toBe('layered');
});

test('while Graphviz is at work only the newest sketch waits, and what is out of date is ended', async () => {
  const threads = [new FakeThread(null), new FakeThread(() => ANSWER)];
  const begun = [...threads];
  const engine = new LayoutEngine(() => begun.shift() as Thread);
  const typed = [engine.layOut(sketchOf(['a', 'b', 'c'], []), 'LR')];
  await vi.advanceTimersByTimeAsync(0);
  for (const sketch of [sketchOf(['a', 'b', 'c', 'd'], []), sketchOf(['a', 'b'], []), SKETCH]) {
    typed.push(engine.layOut(sketch, 'LR'));
  }
  await vi.advanceTimersByTimeAsync(1000);
  const layouts = await Promise.all(typed);
  expect(layouts.map(one => one?.engine)).toEqual([undefined, undefined, undefined, 'graphviz']);
  expect(threads.map(thread => thread.asked)).toEqual([1, 1]);
  expect(threads.map(thread => thread.isEnded)).toEqual([true, false]);
});

test('what is out of date but soon placed is remembered, and the worker goes on', async () => {
  const thread = new FakeThread(() => ANSWER);
  const engine = new LayoutEngine(() => thread);
  const first = engine.layOut(SKETCH, 'LR');
  await Promise.resolve();
  expect(thread.asked).toBe(1);
  expect((await engine.layOut(SKETCH, 'TB'))?.engine).toBe('graphviz');
  expect(await engine.layOut(SKETCH, 'LR')).toBe(await first);
  expect(thread.isEnded).toBe(false);
});

test('a sketch that is known is there at once, and the one at work for another is ended', async () => {
  let answer: (() => string) | null = () => ANSWER;
  const threads: FakeThread[] = [];
  const engine = new LayoutEngine(() => {
    threads.push(new FakeThread(answer));
    return threads.at(-1) as Thread;
  });
  const known = await engine.layOut(SKETCH, 'LR');
  threads[0]?.onerror?.({} as ErrorEvent);
  answer = null;
  const late = engine.layOut(SKETCH, 'TB');
  await vi.advanceTimersByTimeAsync(0);
  expect(await engine.layOut(SKETCH, 'LR')).toBe(known);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await late).toBeNull();
  expect(threads.at(-1)?.isEnded).toBe(true);
});

const later = (seconds: number) =>
  new Promise<void>(resolve => setTimeout(resolve, 1000 * seconds));

test('a worker that still loads has more time, also for what is out of date by then', async () => {
  const thread = new FakeThread(() => ANSWER, later(8));
  const engine = new LayoutEngine(() => thread);
  const old = engine.layOut(SKETCH, 'LR');
  await vi.advanceTimersByTimeAsync(100);
  const newest = engine.layOut(SKETCH, 'TB');
  await vi.advanceTimersByTimeAsync(7000);
  expect(thread.isEnded).toBe(false);
  await vi.advanceTimersByTimeAsync(1000);
  expect((await old)?.engine).toBe('graphviz');
  expect((await newest)?.engine).toBe('graphviz');
  expect(thread.isEnded).toBe(false);
});

test('a worker that does not load in time is ended, and the page places the graph', async () => {
  const thread = new FakeThread(() => ANSWER, later(60));
  const engine = new LayoutEngine(() => thread);
  const layout = engine.layOut(SKETCH, 'LR');
  await vi.advanceTimersByTimeAsync(20_000);
  expect((await layout)?.engine).toBe('layered');
  expect(thread.isEnded).toBe(true);
});

test('one sketch that breaks the layout breaks no other one, and is tried again', async () => {
  let isBroken = true;
  const bad = {
    ...SKETCH,
    get frames() {
      // What is asked of Graphviz is made at once, what the page places itself later.
      if (isBroken && begun) {
        throw new Error('broken');
      }
      return SKETCH.frames;
    }
  };
  let begun = false;
  const engine = new LayoutEngine(() => new FakeThread(() => null));
  const broken = engine.layOut(bad, 'LR');
  begun = true;
  await expect(broken).rejects.toThrow('broken');
  expect((await engine.layOut(SKETCH, 'TB'))?.engine).toBe('layered');
  begun = false;
  isBroken = false;
  expect((await engine.layOut(bad, 'LR'))?.engine).toBe('layered');
});

test('who waits for a worker that is put away waits no longer, and nothing is left to do', async () => {
  const thread = new FakeThread(null);
  const engine = new LayoutEngine(() => thread);
  const layout = engine.layOut(SKETCH, 'LR');
  await vi.advanceTimersByTimeAsync(10);
  expect(vi.getTimerCount()).toBe(1);
  engine.dispose();
  expect(await layout).toBeNull();
  expect(vi.getTimerCount()).toBe(0);
});
