import type { SketchForm } from '../api/types';
import { layoutOf } from './answer';
import { geometryOf } from './geometry';
import { layeredLayout } from './layered';
import type { Direction, Layout } from './layout';
import type { LayoutReply, LayoutRequest } from './worker';

/** What of a worker is used. */
export interface Thread {
  onmessage: ((event: MessageEvent<LayoutReply>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  postMessage(request: LayoutRequest): void;
  terminate(): void;
}

/** Milliseconds that Graphviz gets, and how many more to load. */
const DEADLINE = 3_000;
const LOADING = 10_000;
const KEPT = 8;

/**
 * Places sketches with Graphviz, in a worker with a deadline, and by itself where that fails. Most
 * edits move nothing: what was placed lately is remembered.
 */
export class LayoutEngine {
  constructor(private readonly _start: () => Thread = startWorker) {}

  async layOut(sketch: SketchForm, direction: Direction): Promise<Layout> {
    const dot = geometryOf(sketch, direction);
    const known = this._placed.get(dot);
    if (known) {
      return known;
    }
    const layout = (await this._byGraphviz(dot, sketch)) ?? layeredLayout(sketch, direction);
    this._placed.set(dot, layout);
    for (const old of [...this._placed.keys()].slice(0, -KEPT)) {
      this._placed.delete(old);
    }
    return layout;
  }

  dispose(): void {
    this._thread?.terminate();
    this._thread = null;
    this._placed.clear();
  }

  private async _byGraphviz(dot: string, sketch: SketchForm): Promise<Layout | null> {
    const turn = this._turn.then(() => this._ask(dot));
    this._turn = turn.then(() => undefined);
    const answer = await turn;
    try {
      return answer === null ? null : layoutOf(answer, sketch);
    } catch {
      return null;
    }
  }

  /** Ask the worker; one that is too late or broken is ended, and the next question gets a new one. */
  private _ask(dot: string): Promise<string | null> {
    return new Promise(resolve => {
      const isNew = this._thread === null;
      const thread = this._thread ?? this._begin();
      if (thread === null) {
        resolve(null);
        return;
      }
      const id = ++this._count;
      const giveUp = () => {
        thread.terminate();
        this._thread = null;
        resolve(null);
      };
      const timer = setTimeout(giveUp, DEADLINE + (isNew ? LOADING : 0));
      thread.onmessage = ({ data }) => {
        if (data.id === id) {
          clearTimeout(timer);
          resolve(data.answer);
        }
      };
      thread.onerror = () => {
        clearTimeout(timer);
        giveUp();
      };
      thread.postMessage({ id, dot });
    });
  }

  private _begin(): Thread | null {
    try {
      this._thread = this._start();
    } catch {
      this._thread = null;
    }
    return this._thread;
  }

  private _count = 0;
  private readonly _placed = new Map<string, Layout>();
  private _thread: Thread | null = null;
  private _turn: Promise<void> = Promise.resolve();
}

function startWorker(): Thread {
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
}
