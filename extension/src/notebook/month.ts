import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { DayForm } from '../api/types';
import { Coalescer } from '../model/coalescer';
import { daysOf } from '../model/months';

/** A month of a DAG's schedule: on which days slots lie, and how their runs stand. */
export class ShownMonth implements IDisposable {
  constructor(
    private readonly _api: Api,
    private readonly _dag: string,
    private _month: string
  ) {
    this._coalescer.request();
  }

  /** Emitted when another month is shown, and when its days are known. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get month(): string {
    return this._month;
  }

  /** The days with slots; null while they are not known, or can't be. */
  get days(): ReadonlyMap<string, DayForm> | null {
    return this._days;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  show(month: string): void {
    if (month !== this._month) {
      this._month = month;
      this._days = null;
      this._coalescer.request();
      this._changed.emit();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    this._coalescer.dispose();
    Signal.clearData(this);
  }

  private async _work(signal: AbortSignal): Promise<void> {
    const asked = this._month;
    // Why a schedule can't be read is said by the plan beside it.
    const found = await this._api.calendar(this._dag, daysOf(asked), signal).catch(() => null);
    if (!signal.aborted && asked === this._month) {
      this._days = found && new Map(found.items.map(day => [day.day, day]));
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _coalescer = new Coalescer(signal => this._work(signal), 100);
  private _days: ReadonlyMap<string, DayForm> | null = null;
  private _isDisposed = false;
}
