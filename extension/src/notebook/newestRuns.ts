import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { RunForm } from '../api/types';

/** How many are asked for. */
const SHOWN = 20;

/** The newest runs of a DAG, as they stood when they were asked for last. */
export class NewestRuns {
  constructor(private readonly _api: Pick<Api, 'runs'>) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get all(): readonly RunForm[] {
    return this._all;
  }

  /** Those of another DAG are wanted now. */
  forget(): void {
    this._told = this._asked;
    this._all = [];
  }

  /** Answers may come in another order than they were asked for: an older one tells nothing new. */
  async ask(dag: string): Promise<void> {
    this._asked += 1;
    const turn = this._asked;
    const found = await this._api.runs({ dag_id: dag, limit: SHOWN }).catch(() => null);
    if (found && turn > this._told) {
      this._told = turn;
      this._all = found.items;
      this._changed.emit();
    }
  }

  private _all: readonly RunForm[] = [];
  /** How often they were asked for, and which answer is told. */
  private _asked = 0;
  private _told = 0;
  private readonly _changed = new Signal<this, void>(this);
}
