import type { SketchForm } from '../api/types';
import { layoutOf } from './answer';
import { geometryOf } from './geometry';
import { GraphvizThread, type Thread } from './graphviz';
import { layeredLayout } from './layered';
import type { Direction, Layout } from './layout';

const KEPT = 8;

/** The sketch that was asked for last. */
interface Newest {
  readonly dot: string;
  readonly layout: Promise<Layout | null>;
  readonly isPast: AbortController;
}

/**
 * Places the newest sketch with Graphviz, in a worker with a deadline, and by itself where that
 * fails. Most edits move nothing: what was placed lately is remembered.
 */
export class LayoutEngine {
  constructor(start: () => Thread = startWorker) {
    this._graphviz = new GraphvizThread(start);
  }

  /** Place a sketch; null if a newer one was asked for before its turn came, or soon after. */
  layOut(sketch: SketchForm, direction: Direction): Promise<Layout | null> {
    const dot = geometryOf(sketch, direction);
    if (dot === this._newest?.dot) {
      return this._newest.layout;
    }
    this._newest?.isPast.abort();
    const isPast = new AbortController();
    const known = this._placed.get(dot);
    const layout = known
      ? Promise.resolve(known)
      : this._turn.then(() => this._place(dot, sketch, direction, isPast.signal));
    this._newest = { dot, layout, isPast };
    if (!known) {
      this._turn = layout.catch(() => this._forget(dot));
    }
    return layout;
  }

  dispose(): void {
    this._newest?.isPast.abort();
    this._newest = null;
    this._graphviz.end();
    this._placed.clear();
  }

  private async _place(
    dot: string,
    sketch: SketchForm,
    direction: Direction,
    isPast: AbortSignal
  ): Promise<Layout | null> {
    if (isPast.aborted) {
      return null;
    }
    const found = read(await this._graphviz.ask(dot, isPast), sketch);
    const layout = found ?? (isPast.aborted ? null : layeredLayout(sketch, direction));
    if (layout) {
      this._keep(dot, layout);
    }
    return layout;
  }

  /** What could not be placed is tried again when it is asked for again. */
  private _forget(dot: string): void {
    if (this._newest?.dot === dot) {
      this._newest = null;
    }
  }

  private _keep(dot: string, layout: Layout): void {
    this._placed.set(dot, layout);
    for (const old of [...this._placed.keys()].slice(0, -KEPT)) {
      this._placed.delete(old);
    }
  }

  private readonly _graphviz: GraphvizThread;
  private _newest: Newest | null = null;
  private readonly _placed = new Map<string, Layout>();
  private _turn: Promise<unknown> = Promise.resolve();
}

/** What Graphviz answered; null where that is no layout of the sketch. */
function read(answer: string | null, sketch: SketchForm): Layout | null {
  try {
    return answer === null ? null : layoutOf(answer, sketch);
  } catch {
    return null;
  }
}

function startWorker(): Thread {
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
}
