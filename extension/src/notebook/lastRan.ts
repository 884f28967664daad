import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { Poll, Throttler } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { RunForm } from '../api/types';
import { type Ran, withRun } from '../model/lastRan';
import type { FollowedRun } from './followed';
import type { LiveDag } from './live';

/** How many runs are looked into for the last one of each task. */
const RECENT = 5;

/** What is heard of others' runs makes it look that often at most; without the bus it looks seldom. */
const PAUSE = 2000;
const EVERY = { interval: 30_000, backoff: true, max: 300_000 };

/** A run of an open notebook; `followLast` follows the newest one unless one is followed. */
type Followed = Pick<FollowedRun, 'changed' | 'state'> & {
  followLast(dag: string): Promise<void>;
};

/** How each task of a notebook stood in the last run that it was part of. */
export class LastRan implements IDisposable {
  constructor(
    private readonly _live: Pick<LiveDag, 'changed' | 'state' | 'watch'>,
    private readonly _run: Followed,
    private readonly _api: Pick<Api, 'runs' | 'showRun'>,
    private readonly _heard: ISignal<object, string>
  ) {
    _live.changed.connect(this._compiled, this);
    _run.changed.connect(this._moved, this);
    _heard.connect(this._hear, this);
    this._poll = new Poll({
      factory: () => this._read(),
      frequency: EVERY,
      standby: 'when-hidden',
      name: 'nbflow:last-ran',
      auto: false
    });
    this._soon = new Throttler(() => this._lookAgain(), { limit: PAUSE, edge: 'trailing' });
  }

  /** Emitted when a task stands otherwise. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get tasks(): ReadonlyMap<string, Ran> {
    return this._tasks;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Look at it and at the DAG: the server is asked until nobody looks any more. */
  watch(): IDisposable {
    const live = this._live.watch();
    this._watchers += 1;
    this._compiled();
    return new DisposableDelegate(() => {
      live.dispose();
      this._watchers -= 1;
      this._compiled();
    });
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._live.changed.disconnect(this._compiled, this);
      this._run.changed.disconnect(this._moved, this);
      this._heard.disconnect(this._hear, this);
      this._soon.dispose();
      this._poll.dispose();
      Signal.clearData(this);
    }
  }

  /** Learn how the tasks of the DAG stood that the notebook makes now. */
  private _compiled(): void {
    const dag = this._watchers > 0 ? this._live.state.answer?.dag : undefined;
    this._wanted = dag?.tasks.map(task => task.name) ?? [];
    const wanted = dag && this._wanted.length > 0 ? dag.dag_id : null;
    if (!this.isDisposed && wanted !== this._dag) {
      this._dag = wanted;
      this._known.clear();
      this._set(new Map());
      void (wanted === null ? this._poll.stop() : this._poll.refresh());
    }
  }

  /** The newest runs, until each task was in one of them. */
  private async _read(): Promise<void> {
    const dag = this._dag;
    if (dag === null) {
      return;
    }
    const runs = (await this._api.runs({ dag_id: dag, limit: RECENT })).items;
    for (const run of runs) {
      if (this.isDisposed || dag !== this._dag || !this._isWanted(run)) {
        break;
      }
      // Of a run that goes on the tasks move while it stands as it stood.
      if (run.ended === null || this._known.get(run.run_id) !== standOf(run)) {
        const answer = await this._api.showRun(run.run_id);
        if (dag === this._dag) {
          this._known.set(run.run_id, standOf(run));
          this._set(withRun(this._tasks, answer));
        }
      }
    }
    if (runs[0]?.ended === null && !this.isDisposed) {
      await this._run.followLast(dag);
    }
  }

  /** Whether a run is newer than what is known of some task. */
  private _isWanted(run: RunForm): boolean {
    return this._wanted.some(task => {
      const ran = this._tasks.get(task);
      return !ran || Date.parse(ran.created) <= Date.parse(run.created);
    });
  }

  /** A run moved, perhaps one of this notebook; of the one that is followed the rest is known. */
  private _hear(_: object, run: string): void {
    if (run !== this._run.state.answer?.run.run_id) {
      void this._soon.invoke();
    }
  }

  private async _lookAgain(): Promise<void> {
    if (this._dag !== null) {
      await this._poll.refresh();
    }
  }

  private _moved(): void {
    const { answer } = this._run.state;
    if (answer && answer.run.dag_id === this._dag) {
      this._set(withRun(this._tasks, answer));
    }
  }

  private _set(tasks: ReadonlyMap<string, Ran>): void {
    if (!this.isDisposed) {
      this._tasks = tasks;
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _dag: string | null = null;
  /** How the runs stood that were looked into. */
  private readonly _known = new Map<string, string>();
  private readonly _poll: Poll;
  private readonly _soon: Throttler;
  private _tasks: ReadonlyMap<string, Ran> = new Map();
  private _wanted: readonly string[] = [];
  private _watchers = 0;
}

function standOf(run: RunForm): string {
  return `${run.state} ${run.ended}`;
}
