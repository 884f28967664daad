import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { Activity, DagRowForm } from '../api/types';

/** Where the browser keeps when somebody last looked at the runs. */
const LOOKED = 'nbflow:looked-at-runs';
const DAY = 86_400_000;
/** Every how many looks the DAGs are asked for, too. */
const SELDOM = 4;

/** How many runs go on and failed, and which DAGs there are: asked for while the page is seen. */
export class ActivityWatch implements IDisposable {
  constructor(private readonly _api: Api) {
    this._poll = new Poll({
      factory: () => this._look(),
      frequency: { interval: 15_000, backoff: true, max: 300_000 },
      standby: 'when-hidden',
      name: 'nbflow:activity'
    });
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

  /** Look again now. */
  refresh(): void {
    void this._poll.refresh();
  }

  /** Somebody has seen what failed: it counts no longer. */
  seen(): void {
    window.localStorage.setItem(LOOKED, new Date().toISOString());
    this.refresh();
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _look(): Promise<void> {
    this._counts = await this._api.activity(lastLook(Date.now()));
    if (this._counts.is_used && this._looks % SELDOM === 0) {
      this._dags = (await this._api.dags()).items;
    }
    this._looks += this._counts.is_used ? 1 : 0;
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _counts: Activity | null = null;
  private _dags: readonly DagRowForm[] = [];
  private _looks = 0;
  private readonly _poll: Poll;
}

/** Since when failed runs count: since somebody looked, and not longer than a day. */
function lastLook(now: number): string {
  const looked = Date.parse(window.localStorage.getItem(LOOKED) ?? '');
  return new Date(Math.max(now - DAY, Number.isNaN(looked) ? 0 : looked)).toISOString();
}
