import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import { NotebookRun } from './run';

/** The followed runs of the open notebooks; one is made when it is first asked for. */
export class NotebookRuns {
  constructor(
    private readonly _tracker: INotebookTracker,
    readonly api: Api
  ) {
    _tracker.currentChanged.connect(() => this._currentChanged.emit());
  }

  /** Tell whoever follows a run that it moved. */
  hear(run: string): void {
    for (const one of this._runs.values()) {
      one.hear(run);
    }
    this._heard.emit(run);
  }

  /** Emitted with the id of a run that moved. */
  get heard(): ISignal<this, string> {
    return this._heard;
  }

  /** Emitted when another notebook becomes the current one. */
  get currentChanged(): ISignal<this, void> {
    return this._currentChanged;
  }

  /** That of the notebook that was last worked in. */
  get current(): NotebookRun | null {
    const panel = this._tracker.currentWidget;
    return panel && !panel.isDisposed ? this.of(panel) : null;
  }

  of(panel: NotebookPanel): NotebookRun {
    let run = this._runs.get(panel);
    if (!run || run.isDisposed) {
      run = new NotebookRun(panel, this.api);
      this._runs.set(panel, run);
      panel.disposed.connect(() => this._runs.delete(panel));
    }
    return run;
  }

  private readonly _currentChanged = new Signal<this, void>(this);
  private readonly _heard = new Signal<this, string>(this);
  private readonly _runs = new Map<NotebookPanel, NotebookRun>();
}
