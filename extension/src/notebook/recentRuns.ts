import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { Poll, Throttler } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import { type Api, isGone } from '../api/client';
import type { RunForm } from '../api/types';

/** How many of the newest runs are looked at; of older ones that move one hears. */
const NEWEST = 50;

/** What is heard makes it look that often at most; without the bus it looks seldom. */
const PAUSE = 2000;
const EVERY = { interval: 30_000, backoff: true, max: 300_000 };

/** Runs that moved, by the DAG that they are of. */
export type Moved = ReadonlyMap<string, readonly string[]>;

/** Which runs move and whose they are: asked for once, for all open notebooks. */
export class RecentRuns implements IDisposable {
  constructor(private readonly _api: Pick<Api, 'runs' | 'showRun'>) {
    this._poll = new Poll({
      factory: () => this._look(),
      frequency: EVERY,
      standby: 'when-hidden',
      name: 'nbflow:recent-runs',
      auto: false
    });
    this._soon = new Throttler(() => this._refresh(), { limit: PAUSE, edge: 'trailing' });
  }

  /** Emitted after each look, with the runs that may have moved. */
  get moved(): ISignal<this, Moved> {
    return this._moved;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Look until nobody wants it any more. */
  watch(): IDisposable {
    this._watchers += 1;
    if (this._watchers === 1) {
      void this._poll.start();
    }
    return new DisposableDelegate(() => {
      this._watchers -= 1;
      if (this._watchers === 0) {
        this._heard.clear();
        void this._poll.stop();
      }
    });
  }

  /** Somebody heard that a run moved, and may know its DAG: look soon, once for all until then. */
  hear(run: string, dag: string | null): void {
    if (this._watchers > 0) {
      this._heard.add(run);
      if (dag !== null) {
        this._dags.set(run, dag);
      }
      void this._soon.invoke();
    }
  }

  dispose(): void {
    this._soon.dispose();
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _look(): Promise<void> {
    const heard = [...this._heard];
    const isKnown = heard.length > 0 && heard.every(run => this._dags.has(run));
    const moved = new Set([...heard, ...(isKnown ? [] : await this._read())]);
    await Promise.all(heard.map(run => this._learn(run)));
    this._tell(moved);
    if ([...this._heard].some(run => !heard.includes(run))) {
      // While a poll refreshes, it takes no other wish to refresh.
      void this._soon.invoke();
    }
  }

  /** What is stopped would begin anew by a refresh. */
  private async _refresh(): Promise<void> {
    if (this._watchers > 0) {
      await this._poll.refresh();
    }
  }

  /** One that is gone is nobody's; whose another one is that can't be read, the next look asks. */
  private async _learn(run: string): Promise<void> {
    try {
      if (!this._dags.has(run)) {
        this._dags.set(run, (await this._api.showRun(run)).run.dag_id);
      }
      this._heard.delete(run);
    } catch (error) {
      if (isGone(error)) {
        this._heard.delete(run);
      }
    }
  }

  /** Read the newest runs; returns those that go on or stand otherwise than they did. */
  private async _read(): Promise<readonly string[]> {
    const { items } = await this._newest();
    const isMoved = (run: RunForm) =>
      run.ended === null || this._stands?.get(run.run_id) !== standOf(run);
    // Whoever wants to know has just looked itself when this looks for the first time.
    const isFirst = this._stands === null && !this._isLate;
    const moved = isFirst ? [] : items.filter(isMoved);
    this._stands = new Map(items.map(run => [run.run_id, standOf(run)]));
    this._dags = new Map(items.map(run => [run.run_id, run.dag_id]));
    return moved.map(run => run.run_id);
  }

  private async _newest(): Promise<{ items: readonly RunForm[] }> {
    try {
      return await this._api.runs({ limit: NEWEST });
    } catch (error) {
      this._isLate = true;
      throw error;
    }
  }

  private _tell(runs: ReadonlySet<string>): void {
    const moved = new Map<string, string[]>();
    for (const run of runs) {
      const dag = this._dags.get(run);
      if (dag !== undefined) {
        moved.set(dag, [...(moved.get(dag) ?? []), run]);
      }
    }
    this._moved.emit(moved);
  }

  /** Whose runs are: that never changes. */
  private _dags = new Map<string, string>();
  private readonly _heard = new Set<string>();
  /** Whether a look failed: since whoever wants to know looked itself, runs may have moved. */
  private _isLate = false;
  private readonly _moved = new Signal<this, Moved>(this);
  private readonly _poll: Poll;
  private readonly _soon: Throttler;
  private _stands: ReadonlyMap<string, string> | null = null;
  private _watchers = 0;
}

/** How a run stands, as one word that is another when it moved on. */
export function standOf(run: RunForm): string {
  return `${run.state} ${run.ended}`;
}
