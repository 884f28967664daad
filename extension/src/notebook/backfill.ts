import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import { type Api, isGone } from '../api/client';
import type { BackfillForm, BackfillPlanned, BackfillWish } from '../api/types';
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

/** Whether it changes by itself: a cancelled one's runs end when a scheduler heeds that. */
const isMoving = ({ state, runs }: BackfillForm): boolean =>
  state === 'running' || (runs.queued ?? 0) + (runs.running ?? 0) > 0;

/** Backfills of a DAG that go on, followed until they and their runs have ended. */
export class FollowedBackfills implements IDisposable {
  /** Follow those that go on, and `known` ones in any case, however far they are known. */
  constructor(
    private readonly _api: Pick<Api, 'openBackfills' | 'showBackfill' | 'cancelBackfill'>,
    private readonly _dag: string,
    known: ReadonlyMap<string, BackfillForm | null>
  ) {
    this._known = new Map(known);
    this._poll = new Poll({
      factory: () => this._look(),
      frequency: { interval: 1500, backoff: true, max: 20_000 },
      standby: 'when-hidden',
      name: 'nbflow:backfills'
    });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Those that were looked at, the newest first. */
  get all(): readonly BackfillForm[] {
    return [...this._known.values()]
      .filter(one => one !== null)
      .sort((one, other) => (other.created ?? '').localeCompare(one.created ?? ''));
  }

  /** All of them by id; null: one that was not looked at yet. */
  get known(): ReadonlyMap<string, BackfillForm | null> {
    return this._known;
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

  /** End one; returns whether it went on until now. */
  async cancel(backfill: string): Promise<boolean> {
    const { changed } = await this._api.cancelBackfill(backfill);
    this.retry();
    return changed;
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _look(): Promise<void> {
    try {
      await this._read();
      this._error = null;
    } catch (error) {
      this._error = error as Error;
      throw error;
    } finally {
      this._changed.emit();
    }
    if (!this.all.some(isMoving)) {
      void this._poll.stop();
    }
  }

  /** One that is no longer among those that go on is asked for once more, unless it is gone. */
  private async _read(): Promise<void> {
    const { items } = await this._api.openBackfills(this._dag);
    const open = new Set(items.map(one => one.backfill_id));
    const isLeft = (one: BackfillForm | null) => one === null || isMoving(one);
    const left = [...this._known].filter(([id, one]) => !open.has(id) && isLeft(one));
    for (const one of items) {
      this._known.set(one.backfill_id, one);
    }
    const looks = await Promise.allSettled(left.map(([id]) => this._readEnded(id)));
    const failed = looks.find(look => look.status === 'rejected');
    if (failed) {
      throw failed.reason;
    }
  }

  private async _readEnded(id: string): Promise<void> {
    try {
      this._known.set(id, (await this._api.showBackfill(id)).backfill);
    } catch (error) {
      if (!isGone(error)) {
        throw error;
      }
      this._known.delete(id);
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _error: Error | null = null;
  private readonly _known: Map<string, BackfillForm | null>;
  private readonly _poll: Poll;
}
