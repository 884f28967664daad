import type { IDisposable } from '@lumino/disposable';
import { Poll, Throttler } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { Activity, DagRowForm } from '../api/types';

/** Where the browser keeps when somebody last looked at the runs. */
const LOOKED = 'nbflow:looked-at-runs';
const DAY = 86_400_000;
/** How often what is heard makes it look, and how often the DAGs are asked for, at most. */
const PAUSE = 2000;
const SELDOM = 60_000;

/** How many runs go on and failed, and which DAGs there are: asked for once it is started. */
export class ActivityWatch implements IDisposable {
  constructor(private readonly _api: Api) {
    this._poll = new Poll({
      factory: () => this._look(),
      frequency: { interval: 15_000, backoff: true, max: 300_000 },
      standby: 'when-hidden',
      name: 'nbflow:activity',
      auto: false
    });
    this._soon = new Throttler(() => this._poll.refresh(), { limit: PAUSE, edge: 'trailing' });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get counts(): Activity | null {
    return this._counts;
  }

  get dags(): readonly DagRowForm[] {
    return this._dags;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  start(): void {
    void this._poll.start();
  }

  /** Something moved: look again soon, once for all that moves until then. */
  hear(): void {
    void this._soon.invoke();
  }

  /** Somebody has seen what failed: it counts no longer. */
  seen(): void {
    window.localStorage.setItem(LOOKED, new Date().toISOString());
    void this._poll.refresh();
  }

  dispose(): void {
    this._soon.dispose();
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _look(): Promise<void> {
    this._counts = await this._api.activity(lastLook(Date.now()));
    this._changed.emit();
    if (this._counts.is_used && Date.now() - this._asked >= SELDOM) {
      this._asked = Date.now();
      await this._readDags();
    }
  }

  /** The counts stand whether this works or not; what was known of the DAGs stays. */
  private async _readDags(): Promise<void> {
    try {
      this._dags = await this._api.dags();
      this._changed.emit();
    } catch (error) {
      console.warn('nbflow: the list of DAGs could not be read', error);
    }
  }

  private _asked = Number.NEGATIVE_INFINITY;
  private readonly _changed = new Signal<this, void>(this);
  private _counts: Activity | null = null;
  private _dags: readonly DagRowForm[] = [];
  private readonly _poll: Poll;
  private readonly _soon: Throttler;
}

/** Since when failed runs count: since somebody looked, and not longer than a day. */
function lastLook(now: number): string {
  const looked = Date.parse(window.localStorage.getItem(LOOKED) ?? '');
  return new Date(Math.max(now - DAY, Number.isNaN(looked) ? 0 : looked)).toISOString();
}
