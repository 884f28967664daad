import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { BackfillAnswer, BackfillPlanned, BackfillWish } from '../api/types';
import { AskedAnew } from './askedAnew';

const QUIET = 200;

/** A backfill while somebody fills it in: what it would do is asked after each change. */
export class BackfillDraft extends AskedAnew {
  constructor(
    private readonly _api: Api,
    private _wish: BackfillWish
  ) {
    super(QUIET);
  }

  get wish(): BackfillWish {
    return this._wish;
  }

  /** What it would do; null while that is not known. */
  get plan(): BackfillPlanned | null {
    return this._plan;
  }

  /** Why it can't be. */
  get error(): Error | null {
    return this._error;
  }

  set(change: Partial<BackfillWish>): void {
    this._wish = { ...this._wish, ...change };
    this._plan = null;
    this.change();
  }

  protected async ask(signal: AbortSignal): Promise<void> {
    const asked = this._wish;
    try {
      const plan = await this._api.backfill({ ...asked, dry_run: true }, signal);
      this._plan = asked === this._wish ? plan : null;
      this._error = null;
    } catch (error) {
      this._plan = null;
      this._error = error as Error;
    }
  }

  private _error: Error | null = null;
  private _plan: BackfillPlanned | null = null;
}

/** A backfill that goes on, followed until it has ended. */
export class FollowedBackfill implements IDisposable {
  constructor(
    private readonly _api: Api,
    private readonly _id: string
  ) {
    this._poll = new Poll({
      factory: () => this._look(),
      frequency: { interval: 1500, backoff: true, max: 20_000 },
      standby: 'when-hidden',
      name: 'nbflow:backfill'
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get answer(): BackfillAnswer | null {
    return this._answer;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Ask again now. */
  retry(): void {
    void this._poll.refresh();
  }

  /** Why there is nothing newer. */
  get error(): Error | null {
    return this._error;
  }

  /** End it; returns whether it went on until now. */
  async cancel(): Promise<boolean> {
    const { changed } = await this._api.cancelBackfill(this._id);
    await this._poll.refresh();
    return changed;
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _look(): Promise<void> {
    try {
      this._answer = await this._api.showBackfill(this._id);
      this._error = null;
    } catch (error) {
      this._error = error as Error;
      throw error;
    } finally {
      this._changed.emit();
    }
    if (this._answer.backfill.state !== 'running') {
      void this._poll.stop();
    }
  }

  private _answer: BackfillAnswer | null = null;
  private readonly _changed = new Signal<this, void>(this);
  private _error: Error | null = null;
  private readonly _poll: Poll;
}
