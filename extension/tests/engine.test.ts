import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LayoutEngine, type Thread } from '../src/layout/engine';
import type { LayoutRequest } from '../src/layout/worker';
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

/** A worker that answers as it is told, or never. */
class FakeThread implements Thread {
  onmessage: Thread['onmessage'] = null;
  onerror: Thread['onerror'] = null;
  asked = 0;
  isEnded = false;

  constructor(private readonly _answer: (() => string | null) | null) {}

  postMessage(request: LayoutRequest): void {
    this.asked += 1;
    if (this._answer) {
      const data = { id: request.id, answer: this._answer() };
      queueMicrotask(() => this.onmessage?.({ data } as MessageEvent));
    }
  }

  terminate(): void {
    this.isEnded = true;
  }
}

test('Graphviz places, once for pictures of the same shape', async () => {
  const thread = new FakeThread(() => ANSWER);
  const engine = new LayoutEngine(() => thread);
  const layout = await engine.layOut(SKETCH, 'LR');
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
  expect((await late).engine).toBe('layered');
  expect(threads[0]?.isEnded).toBe(true);
  expect((await engine.layOut(SKETCH, 'TB')).engine).toBe('graphviz');
});

test.each([
  ['nothing', () => null],
  ['another graph', () => '{"bb": "0,0,1,1"}'],
  ['what is no JSON', () => '<svg/>']
])('if Graphviz answers %s the page places the graph', async (_, answer) => {
  const engine = new LayoutEngine(() => new FakeThread(answer));
  expect((await engine.layOut(SKETCH, 'LR')).engine).toBe('layered');
});

test('where no worker may be started the page places the graph', async () => {
  const engine = new LayoutEngine(() => {
    throw new Error('refused by a content security policy');
  });
  expect((await engine.layOut(SKETCH, 'LR')).engine).toBe('layered');
});
