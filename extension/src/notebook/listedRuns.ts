import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import { serverPath } from '../model/paths';
import type { KnownDags } from './knownDags';
import { RunList } from './runList';

/** The runs of the notebook at a path, or of all: listed once it is known whose they are. */
export class ListedRuns implements IDisposable {
  constructor(
    api: Api,
    private readonly _known: KnownDags,
    private _path: string | null
  ) {
    this.list = new RunList(api);
    this.list.changed.connect(this._emit, this);
  }

  readonly list: RunList;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get path(): string | null {
    return this._path;
  }

  /** The notebook was moved. */
  set path(path: string | null) {
    if (path !== this._path) {
      this._path = path;
      this._isFound = false;
      this._emit();
      this._findIfLooking();
    }
  }

  /** The DAG whose runs are listed; null for those of all, or while it isn't known. */
  get dag(): string | null {
    return this._dag;
  }

  get error(): Error | null {
    return this._error ?? this.list.error;
  }

  get isDisposed(): boolean {
    return this.list.isDisposed;
  }

  look(isLooking: boolean): void {
    if (isLooking !== this._isLooking) {
      this._isLooking = isLooking;
      this.list.look(isLooking && (this._path === null || this._dag !== null));
      this._findIfLooking();
    }
  }

  showDag(dag: string | null): void {
    this._dag = dag;
    this.list.show(dag, this.list.filter);
  }

  retry(): void {
    this.list.refresh();
    void this._find();
  }

  dispose(): void {
    this.list.dispose();
    Signal.clearData(this);
  }

  private _findIfLooking(): void {
    if (this._isLooking && !this._isFound) {
      void this._find();
    }
  }

  /** Which DAG the notebook makes; of all notebooks, which DAGs there are. */
  private async _find(): Promise<void> {
    const path = this._path;
    this._error = null;
    try {
      const dag = await (path === null ? this._known.list() : this._known.dagOf(serverPath(path)));
      if (path !== this._path) {
        return;
      }
      if (typeof dag === 'string' && dag !== this._dag) {
        this.showDag(dag);
      }
      this._isFound = true;
      this.list.look(this._isLooking);
    } catch (error) {
      this._error = error as Error;
    }
    this._emit();
  }

  private _emit(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _dag: string | null = null;
  private _error: Error | null = null;
  private _isFound = false;
  private _isLooking = false;
}
