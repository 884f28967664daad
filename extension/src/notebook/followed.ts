import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { ClearAnswer, ClearRequest, RunAnswer, TaskInstanceForm } from '../api/types';

/** How the followed run stands. */
export interface RunState {
  /** The run; null if none is known. */
  readonly answer: RunAnswer | null;
  /** Why there is nothing newer, or why no run was made. */
  readonly error: Error | null;
  /** A run was asked for, and the server has not answered yet. */
  readonly isStarting: boolean;
  /** Whether somebody was there to carry the run out when it was asked for. */
  readonly hasScheduler: boolean;
}

/** How often to ask when nothing is heard on the server's event bus, and when it is. */
const UNHEARD = { interval: 700, backoff: true, max: 10_000 };
const HEARD = { ...UNHEARD, interval: 5000 };

const OPEN: readonly string[] = ['queued', 'running'];

/** A run that is followed until it has ended: the one chosen last. */
export class FollowedRun implements IDisposable {
  constructor(protected readonly api: Api) {
    this._poll = new Poll({
      factory: () => this._look(),
      frequency: UNHEARD,
      standby: 'when-hidden',
      name: 'nbflow:run',
      auto: false
    });
  }

  /** Emitted when the run moved, or another one is followed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): RunState {
    return this._state;
  }

  /** The tasks of the run by name, with their states. */
  get tasks(): ReadonlyMap<string, TaskInstanceForm> {
    return this._tasks;
  }

  get isGoingOn(): boolean {
    const answer = this._state.answer;
    return answer !== null && (OPEN.includes(answer.run.state) || answer.goes_on);
  }

  /** The run that is followed, whether anything is known of it or not. */
  get followed(): string | null {
    return this._followed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Follow a run until it has ended; returns once it is known how it stands, or that it isn't. */
  async follow(run: string, hasScheduler = true): Promise<void> {
    if (run !== this._followed) {
      this._followed = run;
      this._tasks = new Map();
      this.set({ answer: null, error: null, hasScheduler });
    }
    this._first = this._begin();
    await this._first;
  }

  /** Returns once it is known how the followed run stands, or that it isn't known. */
  known(): Promise<void> {
    return this._first;
  }

  /** Follow none any more. */
  forget(): void {
    this._followed = null;
    this._tasks = new Map();
    void this._poll.stop();
    this.set({ answer: null, error: null });
  }

  /** Ask again now. */
  refresh(): void {
    void this._poll.refresh();
  }

  /**
   * Somebody heard that a run moved: where that works, there is little to ask for. It may be one
   * that had ended, and runs again.
   */
  hear(run: string): void {
    if (run === this._followed) {
      this._poll.frequency = HEARD;
      this.refresh();
    }
  }

  /** Somebody read how a run stands: if that is news, look closely. */
  compareWith(run: string, state: string): void {
    const known = this._state.answer?.run;
    if (run === this._followed && known && known.state !== state && !this.isGoingOn) {
      this.refresh();
    }
  }

  /** Ask for the end of the run. */
  async cancel(): Promise<void> {
    const run = this._followed;
    if (run !== null) {
      try {
        await this.api.cancel(run);
        await this._poll.refresh();
      } catch (error) {
        if (run === this._followed) {
          this.set({ error: error as Error });
        }
      }
    }
  }

  /** Let tasks of the run run again; what it would come to with `dry_run`. */
  async clear(what: Partial<ClearRequest>): Promise<ClearAnswer | null> {
    const run = this._followed;
    if (run === null) {
      return null;
    }
    const answer = await this.api.clear(run, what);
    if (!what.dry_run && run === this._followed) {
      this.set({ hasScheduler: answer.has_scheduler });
      await this.follow(run);
    }
    return answer;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._poll.dispose();
      Signal.clearData(this);
    }
  }

  private async _begin(): Promise<void> {
    this._seen = 0;
    this._poll.frequency = UNHEARD;
    await this._poll.stop();
    await this._poll.start();
    await this._poll.tick.catch(() => null);
  }

  private async _look(): Promise<void> {
    const run = this._followed;
    if (run === null) {
      return;
    }
    try {
      const isFirst = this._state.answer?.run.run_id !== run;
      const events = await this.api.events(run, this._seen);
      const isNews = isFirst || events.items.length > 0;
      const answer = isNews ? await this.api.showRun(run) : null;
      if (run !== this._followed) {
        return;
      }
      if (answer) {
        this._seen = events.last;
        this._tasks = new Map(answer.tasks.map(task => [task.task, task]));
        this.set({ answer, error: null });
      } else if (this._missed !== null && this._state.error === this._missed) {
        this.set({ error: null });
      }
      this._missed = null;
    } catch (error) {
      if (run === this._followed) {
        this._missed = error as Error;
        this.set({ error: this._missed });
      }
      throw error;
    }
    if (!this.isGoingOn) {
      void this._poll.stop();
    }
  }

  protected set(part: Partial<RunState>): void {
    if (!this._isDisposed) {
      this._state = { ...this._state, ...part };
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _first: Promise<void> = Promise.resolve();
  private _followed: string | null = null;
  private _isDisposed = false;
  /** Why the last look failed; what else went wrong is told until there is news. */
  private _missed: Error | null = null;
  private readonly _poll: Poll;
  private _seen = 0;
  private _state: RunState = {
    answer: null,
    error: null,
    isStarting: false,
    hasScheduler: true
  };
  private _tasks: ReadonlyMap<string, TaskInstanceForm> = new Map();
}
