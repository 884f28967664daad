import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { RunAnswer } from '../api/types';
import { WatchedTask } from './task';

/** The task of a run that is looked at: because somebody chose it, or because it failed. */
export class ChosenTask {
  constructor(private readonly _api: Api) {}

  /** Emitted when another one is looked at, or there is news of it. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get task(): WatchedTask | null {
    return this._task;
  }

  /** The cell that failed in its last try. */
  get failing(): string | null {
    return this._task?.answer?.attempts.at(-1)?.error?.cell ?? null;
  }

  /** Look at a task of a run; at none of it with no task, at nothing with no run. */
  choose(run: string | null, task: string | null): void {
    this._closed = task === null ? run : null;
    this._task?.dispose();
    this._task = task === null || run === null ? null : new WatchedTask(run, task, this._api);
    this._task?.changed.connect(this._emit, this);
    this._emit();
  }

  /** The run moved: a task that fails is looked at by itself, unless another one is. */
  follow(answer: RunAnswer | null): void {
    const run = answer?.run.run_id ?? null;
    if (this._task && this._task.run !== run) {
      this.choose(null, null);
    }
    if (this._task) {
      this._task.refresh();
    } else {
      const failed = answer?.tasks.find(task => task.state === 'failed');
      if (failed && run !== this._closed) {
        this.choose(run, failed.task);
      }
    }
  }

  private _emit(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  /** The run of which somebody wants to look at no task. */
  private _closed: string | null = null;
  private _task: WatchedTask | null = null;
}
