import type { Api } from '../api/client';
import type { Comparison } from '../api/types';

/** The comparison of two runs that is shown: the one asked for last, and none that came too late. */
export class ComparedRuns {
  constructor(private readonly _api: Api) {}

  get shown(): Comparison | null {
    return this._shown;
  }

  /** Compare two runs; returns null if something else is wanted by then. */
  async ask(run: string, other: string): Promise<Comparison | null> {
    this._turn += 1;
    const turn = this._turn;
    const found = await this._api.compareRuns(run, other);
    if (turn !== this._turn) {
      return null;
    }
    this._shown = found;
    return found;
  }

  /** Show none, also not the one that is asked for. */
  end(): void {
    this._turn += 1;
    this._shown = null;
  }

  private _shown: Comparison | null = null;
  /** How often something else was wanted. */
  private _turn = 0;
}
