import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import { LiveDag } from './live';

/** The DAGs of the open notebooks; one is made when it is first asked for. */
export class LiveDags {
  constructor(
    private readonly _tracker: INotebookTracker,
    readonly api: Api
  ) {
    _tracker.currentChanged.connect(() => this._currentChanged.emit());
  }

  /** Emitted when another notebook becomes the current one. */
  get currentChanged(): ISignal<this, void> {
    return this._currentChanged;
  }

  /** The DAG of the notebook that was last worked in. */
  get current(): LiveDag | null {
    const panel = this._tracker.currentWidget;
    return panel && !panel.isDisposed ? this.of(panel) : null;
  }

  of(panel: NotebookPanel): LiveDag {
    let live = this._lives.get(panel);
    if (!live || live.isDisposed) {
      live = new LiveDag(panel, this.api, this._quiet);
      this._lives.set(panel, live);
      panel.disposed.connect(() => this._lives.delete(panel));
    }
    return live;
  }

  /** Milliseconds without a keystroke before a compile. */
  set quiet(milliseconds: number) {
    this._quiet = milliseconds;
    for (const live of this._lives.values()) {
      live.quiet = milliseconds;
    }
  }

  private readonly _currentChanged = new Signal<this, void>(this);
  private readonly _lives = new Map<NotebookPanel, LiveDag>();
  private _quiet = 10;
}
