import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import { ApiError } from '../api/client';
import type { DagRowForm } from '../api/types';
import type { LiveDag } from './live';
import type { LiveDags } from './lives';

/** How often to ask how a deployed DAG stands; what this page does to it is told at once. */
const FREQUENCY = { interval: 15_000, backoff: true, max: 120_000 };

/** How the DAG of the notebook that is worked in stands on the server, while somebody looks. */
export class CurrentDeployment {
  constructor(private readonly _lives: LiveDags) {
    this._poll = new Poll({
      factory: () => this._look(),
      frequency: FREQUENCY,
      standby: 'when-hidden',
      name: 'nbflow:deployed',
      auto: false
    });
    _lives.currentChanged.connect(this._follow, this);
  }

  /** Emitted when it stands otherwise. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The deployed DAG; null if it is not deployed, or nothing is known yet. */
  get row(): DagRowForm | null {
    return this._row;
  }

  /** Whether the open notebook is what is deployed. */
  get drift(): string | null {
    return this._lives.current?.state.answer?.drift ?? null;
  }

  /** Ask now: something was done to it. */
  refresh(): void {
    this._lives.current?.refresh();
    void this._poll.refresh();
  }

  /** Look at it until nobody does any more. */
  watch(isLooking: boolean): void {
    this._isLooking = isLooking;
    this._follow();
  }

  private _follow(): void {
    const live = this._isLooking ? this._lives.current : null;
    if (live !== this._live) {
      this._watch?.dispose();
      this._live?.changed.disconnect(this._compiled, this);
      live?.changed.connect(this._compiled, this);
      this._live = live;
      this._watch = live?.watch() ?? null;
      this._asked = null;
      this._row = null;
    }
    this._compiled();
  }

  private _compiled(): void {
    const answer = this._live?.state.answer;
    const asked = answer ? `${answer.dag.dag_id} ${answer.drift === 'never'}` : null;
    if (asked !== this._asked) {
      this._asked = asked;
      void (asked === null ? this._poll.stop() : this._poll.refresh());
    }
    this._changed.emit();
  }

  private async _look(): Promise<void> {
    const live = this._live;
    const asked = this._asked;
    const answer = live?.state.answer;
    if (!answer) {
      return;
    }
    const row = answer.drift === 'never' ? null : await this._read(answer.dag.dag_id);
    if (live !== this._live || asked !== this._asked) {
      // While a poll refreshes, it takes no other wish to refresh.
      return this._look();
    }
    this._row = row;
    this._changed.emit();
  }

  private async _read(dag: string): Promise<DagRowForm | null> {
    try {
      const { about } = await this._lives.api.showDag(dag);
      return about?.paused === null ? null : about;
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      return null;
    }
  }

  private _asked: string | null = null;
  private readonly _changed = new Signal<this, void>(this);
  private _isLooking = false;
  private _live: LiveDag | null = null;
  private readonly _poll: Poll;
  private _row: DagRowForm | null = null;
  private _watch: IDisposable | null = null;
}
