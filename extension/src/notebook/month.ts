import type { Api } from '../api/client';
import type { DayForm } from '../api/types';
import { daysOf } from '../model/months';
import { AskedAnew } from './askedAnew';

const QUIET = 100;

/** A month of a DAG's schedule: on which days slots lie, and how their runs stand. */
export class ShownMonth extends AskedAnew {
  constructor(
    private readonly _api: Api,
    private readonly _dag: string,
    private _month: string
  ) {
    super(QUIET);
  }

  get month(): string {
    return this._month;
  }

  /** The days with slots; null while they are not known, or can't be. */
  get days(): ReadonlyMap<string, DayForm> | null {
    return this._days;
  }

  show(month: string): void {
    if (month !== this._month) {
      this._month = month;
      this._days = null;
      this.change();
    }
  }

  protected async ask(signal: AbortSignal): Promise<void> {
    const asked = this._month;
    // Why a schedule can't be read is said by the plan beside it.
    const found = await this._api.calendar(this._dag, daysOf(asked), signal).catch(() => null);
    if (asked === this._month) {
      this._days = found && new Map(found.items.map(day => [day.day, day]));
    }
  }

  private _days: ReadonlyMap<string, DayForm> | null = null;
}
