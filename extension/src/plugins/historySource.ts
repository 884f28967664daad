import { Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';
import { troubleOf } from '../api/trouble';
import type { Comparison, DagRowForm, RunAnswer, TaskInstanceAnswer } from '../api/types';
import { olderFirst, ticked } from '../model/comparing';
import { ChosenTask } from '../notebook/chosenTask';
import { ComparedRuns } from '../notebook/compared';
import { FollowedRun } from '../notebook/followed';
import { KnownDags } from '../notebook/knownDags';
import { ListedRuns } from '../notebook/listedRuns';
import type { RunList } from '../notebook/runList';
import type { Again, HistorySource } from '../views/run/historySource';
import type { TroubleText } from '../views/Trouble';
import { runAgain } from './again';
import type { HistoryTools } from './historyTools';
import { pageUrl } from './pageUrl';
import { showCells } from './showing';
import { openAtTask } from './taskOpening';

/** The runs of the notebook at a path, or of all notebooks, as the source of a panel. */
export class NotebookHistory implements HistorySource {
  constructor(
    private readonly _tools: HistoryTools,
    path: string | null
  ) {
    this._trans = _tools.translator.load('nbflow');
    const api = _tools.runs.api;
    this._run = new FollowedRun(api);
    this._task = new ChosenTask(api);
    this._compared = new ComparedRuns(api);
    this._known = new KnownDags(api);
    this._listed = new ListedRuns(api, this._known, path);
    this._list = this._listed.list;
    this._listed.changed.connect(this._relisted, this);
    this._run.changed.connect(this._moved, this);
    this._task.changed.connect(this._emit, this);
    _tools.runs.heard.connect(this._hear, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get path(): string | null {
    return this._listed.path;
  }

  /** The notebook was moved. */
  set path(path: string | null) {
    this._listed.path = path;
  }

  get dag(): string | null {
    return this._listed.dag;
  }

  get about(): DagRowForm | null {
    return this._known.about(this.dag);
  }

  get list(): HistorySource['list'] {
    return this._list;
  }

  get trouble(): TroubleText | null {
    const error = this._error ?? this._listed.error ?? this._run.state.error;
    return error && troubleOf(error, this._trans);
  }

  get picked(): readonly string[] {
    return this._picked;
  }

  get comparison(): Comparison | null {
    return this._compared.shown;
  }

  get run(): RunAnswer | null {
    return this._run.state.answer;
  }

  get followed(): string | null {
    return this._run.followed;
  }

  get isGoingOn(): boolean {
    return this._run.isGoingOn;
  }

  get hasScheduler(): boolean {
    return this._run.state.hasScheduler;
  }

  get chosen(): string | null {
    return this._task.task?.task ?? null;
  }

  get task(): TaskInstanceAnswer | null {
    return this._task.task?.answer ?? null;
  }

  get log(): string {
    return this._task.task?.log ?? '';
  }

  get numbers(): ReadonlyMap<string, string> {
    return this._known.numbers;
  }

  look(isLooking: boolean): void {
    this._listed.look(isLooking);
  }

  setFilter(filter: HistorySource['list']['filter']): void {
    this._list.show(this.dag, filter);
  }

  showDag(dag: string | null): void {
    this._listed.showDag(dag);
  }

  more(): void {
    void this._list.more();
  }

  retry(): void {
    this._error = null;
    this._listed.retry();
  }

  follow(run: string): void {
    this._task.choose(null, null);
    this._compared.end();
    void this._run.follow(run);
  }

  close(): void {
    this._task.choose(null, null);
    this._run.forget();
  }

  pick(run: string): void {
    this._picked = ticked(this._picked, run);
    this._emit();
  }

  /** The older run stands left, whichever was ticked first. */
  compare(): void {
    const [one, other] = olderFirst(this._picked, this._list.items);
    if (one && other) {
      void this._try(async () => {
        const found = await this._compared.ask(one, other);
        if (found) {
          await this._learnNumbers(found.run.dag_id);
        }
      });
    }
  }

  endComparison(): void {
    this._compared.end();
    if (this.run) {
      void this._learnNumbers(this.run.run.dag_id);
    }
    this._emit();
  }

  choose(task: string | null): void {
    this._task.choose(this.run?.run.run_id ?? null, task);
  }

  cancel(): void {
    void this._run.cancel();
  }

  again(what: Again): void {
    void this._try(async () => {
      if (await runAgain(this._run, what, this._trans)) {
        this._list.refresh();
      }
    });
  }

  showOutputs(): void {
    if (this.run) {
      this._tools.showOutputs(this.run.run.run_id, this._task.failing);
    }
  }

  pageUrl(run: string, cell?: string): string {
    return pageUrl(this._tools.runs.api, run, cell);
  }

  open(): void {
    const task = this._task.task;
    void this._try(() =>
      this._withNotebook(async panel => {
        if (task) {
          await openAtTask(panel, task, this._tools.translator);
        }
      })
    );
  }

  showCells(cells: readonly string[], line?: number): void {
    void this._try(() => this._withNotebook(panel => showCells(panel, cells, line, this._trans)));
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._tools.runs.heard.disconnect(this._hear, this);
      this._task.choose(null, null);
      this._run.dispose();
      this._listed.dispose();
      Signal.clearData(this);
    }
  }

  private _hear(_: unknown, run: string): void {
    this._run.hear(run);
  }

  private _relisted(): void {
    for (const run of this._list.items) {
      this._run.compareWith(run.run_id, run.state);
    }
    this._emit();
  }

  private _moved(): void {
    const run = this.run?.run;
    const stands = run ? `${run.run_id} ${run.state}` : '';
    if (run && stands !== this._stands) {
      this._list.refresh();
      void this._learnNumbers(run.dag_id);
    }
    this._stands = stands;
    this._task.follow(this.run);
    this._emit();
  }

  /** In the list of all runs, what people call the cells of whichever notebook. */
  private async _learnNumbers(dag: string): Promise<void> {
    if (this.path === null) {
      await this._known.learnNumbers(dag);
      this._emit();
    }
  }

  private async _withNotebook(act: (panel: NotebookPanel) => Promise<void>): Promise<void> {
    const shown = this.comparison?.run ?? this.run?.run;
    const path = this.path ?? this._known.about(shown?.dag_id ?? null)?.path ?? null;
    const panel = path === null ? null : await this._tools.places.openNotebook(path);
    if (panel) {
      await act(panel);
    } else {
      const said = this._trans.__(
        'The notebook of this run is not open here: open it, and its runs beside it.'
      );
      Notification.info(said, { autoClose: 8000 });
    }
  }

  private async _try(act: () => Promise<void>): Promise<void> {
    try {
      this._error = null;
      await act();
    } catch (error) {
      this._error = error as Error;
    }
    if (!this._isDisposed) {
      this._emit();
    }
  }

  private _emit(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _compared: ComparedRuns;
  private _error: Error | null = null;
  private _isDisposed = false;
  private readonly _known: KnownDags;
  private readonly _list: RunList;
  private readonly _listed: ListedRuns;
  private _picked: readonly string[] = [];
  private readonly _run: FollowedRun;
  /** The run and state that was told last. */
  private _stands = '';
  private readonly _task: ChosenTask;
  private readonly _trans: TranslationBundle;
}
