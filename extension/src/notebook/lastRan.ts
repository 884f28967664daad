import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { RunForm } from '../api/types';
import { Coalescer } from '../model/coalescer';
import { type Ran, withRun } from '../model/lastRan';
import type { FollowedRun } from './followed';
import type { LiveDag } from './live';
import { type Moved, type RecentRuns, standOf } from './recentRuns';

/** How many runs are looked into for the last one of each task. */
const RECENT = 5;

/** A run of an open notebook; `followLast` follows the newest one unless one is followed. */
type Followed = Pick<FollowedRun, 'changed' | 'isGoingOn' | 'state'> & {
  followLast(dag: string): Promise<void>;
};

/** How each task of a notebook stood in the last run that it was part of. */
export class LastRan implements IDisposable {
  constructor(
    private readonly _live: Pick<LiveDag, 'changed' | 'state' | 'watch'>,
    private readonly _run: Followed,
    private readonly _api: Pick<Api, 'runs' | 'showRun'>,
    private readonly _recent: Pick<RecentRuns, 'moved' | 'watch'>
  ) {
    _live.changed.connect(this._compiled, this);
    _run.changed.connect(this._moved, this);
    _recent.moved.connect(this._hear, this);
  }

  /** Emitted when a task stands otherwise. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get tasks(): ReadonlyMap<string, Ran> {
    return this._tasks;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
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
      this._isDisposed = true;
      this._live.changed.disconnect(this._compiled, this);
      this._run.changed.disconnect(this._moved, this);
      this._recent.moved.disconnect(this._hear, this);
      this._watch?.dispose();
      this._reader.dispose();
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
      this._watch?.dispose();
      this._watch = wanted === null ? null : this._recent.watch();
      this._reader.request();
    }
  }

  /** What can't be read is read after the next look at what moved. */
  private async _readAnew(): Promise<void> {
    try {
      this._isMissed = false;
      if (this._dag !== null) {
        await this._read(this._dag);
      }
    } catch {
      this._isMissed = true;
    }
  }

  /** The newest runs, until each task was in one of them. */
  private async _read(dag: string): Promise<void> {
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

  /**
   * Runs moved, perhaps some of this notebook. The rest is known of one that is followed, but only
   * while it goes on: one that ended may run again.
   */
  private _hear(_: object, moved: Moved): void {
    const followed = this._run.isGoingOn ? this._run.state.answer?.run.run_id : undefined;
    const others = moved.get(this._dag ?? '')?.some(run => run !== followed);
    if (others || this._isMissed) {
      this._reader.request();
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
  private _isDisposed = false;
  private _isMissed = false;
  /** How the runs stood that were looked into. */
  private readonly _known = new Map<string, string>();
  private readonly _reader = new Coalescer(() => this._readAnew(), 0);
  private _tasks: ReadonlyMap<string, Ran> = new Map();
  private _wanted: readonly string[] = [];
  private _watch: IDisposable | null = null;
  private _watchers = 0;
}
