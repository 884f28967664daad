import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { TaskInstanceAnswer } from '../api/types';
import { endOfLog } from '../model/logs';

/** One task of a run, looked at while it works: its tries cell by cell, and the end of its log. */
export class WatchedTask implements IDisposable {
  constructor(
    readonly run: string,
    readonly task: string,
    private readonly _api: Api
  ) {
    this._poll = new Poll({
      factory: () => this._look(),
      frequency: { interval: 700, backoff: true, max: 10_000 },
      standby: 'when-hidden',
      name: 'nbflow:task'
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get answer(): TaskInstanceAnswer | null {
    return this._answer;
  }

  get log(): string {
    return this._log;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Look again, also at one that had ended: it may be tried once more. */
  refresh(): void {
    this._wishes += 1;
    void this._poll.start();
    void this._poll.refresh();
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _look(): Promise<void> {
    const wishes = this._wishes;
    const answer = await this._api.showTask(this.run, this.task);
    const last = answer.attempts.at(-1);
    // Nothing comes of a task that was never tried until its run moves, which `refresh` is called for.
    let isComplete = true;
    if (last) {
      if (last.try_no !== this._tryNo) {
        this._tryNo = last.try_no;
        this._log = '';
        this._offset = 0;
      }
      const part = await this._api.log(this.run, this.task, last.try_no, this._offset);
      this._offset = part.next_offset;
      this._log = endOfLog(this._log + part.text);
      isComplete = part.is_complete;
    }
    this._answer = answer;
    if (!this.isDisposed) {
      this._changed.emit();
      // What was asked for meanwhile is newer than this answer.
      if (isComplete && wishes === this._wishes) {
        void this._poll.stop();
      }
    }
  }

  private _answer: TaskInstanceAnswer | null = null;
  private readonly _changed = new Signal<this, void>(this);
  private _log = '';
  private _offset = 0;
  private readonly _poll: Poll;
  private _tryNo = 0;
  private _wishes = 0;
}
