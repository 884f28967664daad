import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { RunForm } from '../api/types';

/** How many runs a page of the list has, and how many the server gives at most. */
const PAGE = 25;
const MOST = 200;

/** Which runs to show; null for all. */
export interface RunFilter {
  readonly state: string | null;
  readonly kind: string | null;
}

/** The runs of a DAG, or of all, newest first: read page by page, and anew while somebody looks. */
export class RunList implements IDisposable {
  constructor(private readonly _api: Api) {
    this._poll = new Poll({
      factory: () => this._read(),
      frequency: { interval: 5000, backoff: true, max: 60_000 },
      standby: 'when-hidden',
      name: 'nbflow:run-list',
      auto: false
    });
  }

  /** Emitted when there are other runs, or an error. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get items(): readonly RunForm[] {
    return this._items;
  }

  get hasMore(): boolean {
    return this._next !== null;
  }

  /** The ids of runs that can't be read: they are in no page of the list. */
  get unread(): readonly string[] {
    return this._unread;
  }

  /** Whether the server has answered. */
  get isRead(): boolean {
    return this._isRead;
  }

  get error(): Error | null {
    return this._error;
  }

  get filter(): RunFilter {
    return this._filter;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Show runs of a DAG, null for those of all, by a filter. */
  show(dag: string | null, filter: RunFilter): void {
    this._dag = dag;
    this._filter = filter;
    this._items = [];
    this._unread = [];
    this._next = null;
    this._isRead = false;
    this._changed.emit();
    this.refresh();
  }

  /** Somebody looks, or no longer. */
  look(isLooking: boolean): void {
    if (isLooking !== this._isLooking) {
      this._isLooking = isLooking;
      void (isLooking ? this._poll.start() : this._poll.stop());
    }
  }

  /** Read it again now, if somebody looks. */
  refresh(): void {
    if (this._isLooking) {
      void this._poll.refresh();
    }
  }

  /** Read the runs before those that are there. */
  async more(): Promise<void> {
    const asked = this._asked(PAGE);
    if (this._next !== null) {
      try {
        const page = await this._api.runs({ ...asked, cursor: this._next });
        if (this._isStill(asked)) {
          this._items = [...this._items, ...page.items];
          this._unread = [...new Set([...this._unread, ...page.unread])];
          this._next = page.next ?? null;
        }
      } catch (error) {
        this._error = this._isStill(asked) ? (error as Error) : this._error;
      }
      this._changed.emit();
    }
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  /** What is new comes before what is there; the pages further down stay. */
  private async _read(): Promise<void> {
    const asked = this._asked(Math.min(MOST, Math.max(PAGE, this._items.length)));
    try {
      const page = await this._api.runs(asked);
      if (!this._isStill(asked)) {
        // While a poll refreshes, it takes no other wish to refresh.
        return this.isDisposed ? undefined : this._read();
      }
      const older = this._items.slice(page.items.length);
      const known = new Set(page.items.map(run => run.run_id));
      const isLonger = older.length > 0 && page.items.length === asked.limit;
      this._items = isLonger
        ? [...page.items, ...older.filter(run => !known.has(run.run_id))]
        : page.items;
      this._unread = [...new Set([...(isLonger ? this._unread : []), ...page.unread])];
      this._next = isLonger ? this._next : (page.next ?? null);
      this._isRead = true;
      this._error = null;
      this._changed.emit();
    } catch (error) {
      this._error = error as Error;
      this._changed.emit();
      throw error;
    }
  }

  private _asked(limit: number): Parameters<Api['runs']>[0] {
    const { state, kind } = this._filter;
    return {
      limit,
      ...(this._dag === null ? {} : { dag_id: this._dag }),
      ...(state === null ? {} : { state }),
      ...(kind === null ? {} : { kind })
    };
  }

  private _isStill(asked: Parameters<Api['runs']>[0]): boolean {
    const { limit: _, ...now } = this._asked(0);
    const { limit: __, ...then } = asked;
    return !this.isDisposed && JSON.stringify(now) === JSON.stringify(then);
  }

  private readonly _changed = new Signal<this, void>(this);
  private _dag: string | null = null;
  private _error: Error | null = null;
  private _filter: RunFilter = { state: null, kind: null };
  private _isLooking = false;
  private _isRead = false;
  private _items: readonly RunForm[] = [];
  private _next: string | null = null;
  private readonly _poll: Poll;
  private _unread: readonly string[] = [];
}
