import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import { LastRan } from './lastRan';
import type { LiveDags } from './lives';
import { RecentRuns } from './recentRuns';
import { NotebookRun } from './run';

/** The followed runs of the open notebooks; one is made when it is first asked for. */
export class NotebookRuns {
  constructor(
    private readonly _tracker: INotebookTracker,
    private readonly _lives: LiveDags
  ) {
    this._recent = new RecentRuns(_lives.api);
    _tracker.currentChanged.connect(() => this._currentChanged.emit());
  }

  get api(): Api {
    return this._lives.api;
  }

  /** Tell whoever follows a run that it moved. */
  hear(run: string): void {
    const known = [...this._runs.values()].map(one => one.state.answer?.run);
    for (const one of this._runs.values()) {
      one.hear(run);
    }
    this._recent.hear(run, known.find(one => one?.run_id === run)?.dag_id ?? null);
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

  /** How the tasks of a notebook stood in the last runs that they were part of. */
  lastOf(panel: NotebookPanel): LastRan {
    let last = this._lasts.get(panel);
    if (!last || last.isDisposed) {
      last = new LastRan(this._lives.of(panel), this.of(panel), this.api, this._recent);
      this._lasts.set(panel, last);
      panel.disposed.connect(() => {
        this._lasts.get(panel)?.dispose();
        this._lasts.delete(panel);
      });
    }
    return last;
  }

  private readonly _currentChanged = new Signal<this, void>(this);
  private readonly _heard = new Signal<this, string>(this);
  private readonly _lasts = new Map<NotebookPanel, LastRan>();
  private readonly _recent: RecentRuns;
  private readonly _runs = new Map<NotebookPanel, NotebookRun>();
}
