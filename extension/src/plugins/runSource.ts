import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { ApiError } from '../api/client';
import { troubleOf } from '../api/trouble';
import type { DagForm, RunAnswer, RunForm, TaskInstanceAnswer } from '../api/types';
import { type Field, type FieldValue, fieldOf } from '../model/parameters';
import { type Choice, choose, type Scope } from '../model/scope';
import { ChosenTask } from '../notebook/chosenTask';
import type { LiveDag } from '../notebook/live';
import type { LiveDags } from '../notebook/lives';
import { NewestRuns } from '../notebook/newestRuns';
import type { NotebookRun } from '../notebook/run';
import type { NotebookRuns } from '../notebook/runs';
import type { RunSource } from '../views/run/source';
import type { TroubleText } from '../views/Trouble';
import { showCells } from './showing';
import { openAtTask } from './taskOpening';

const NOTHING: Choice = { tasks: [], selectors: [] };

/** Whichever notebook is worked in, as the source of the panel of runs. */
export class CurrentRun implements RunSource {
  constructor(
    private readonly _lives: LiveDags,
    private readonly _runs: NotebookRuns,
    private readonly _translator: ITranslator,
    private readonly _showOutputs: (run: string, cell: string | null) => void
  ) {
    this._trans = _translator.load('nbflow');
    this._newest = new NewestRuns(_runs.api);
    this._newest.changed.connect(this._emit, this);
    this._task = new ChosenTask(_runs.api);
    this._task.changed.connect(this._emit, this);
    _lives.currentChanged.connect(this._follow, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get notebook(): string | null {
    return this._lives.current?.panel.id ?? null;
  }

  get dag(): DagForm | null {
    return this._lives.current?.state.answer?.dag ?? null;
  }

  get scope(): Scope {
    return (this._run && this._scopes.get(this._run)) ?? { kind: 'all' };
  }

  get choice(): Choice {
    return this.dag ? choose(this.scope, this.dag, this._run?.tasks ?? new Map()) : NOTHING;
  }

  get fields(): readonly Field[] {
    return this.dag?.parameters.map(fieldOf) ?? [];
  }

  get wrong(): Readonly<Record<string, string>> {
    const error = this._run?.state.error;
    return (error instanceof ApiError && error.problem.parameters) || {};
  }

  get run(): RunAnswer | null {
    return this._run?.state.answer ?? null;
  }

  get history(): readonly RunForm[] {
    return this._newest.all;
  }

  get isGoingOn(): boolean {
    return this._run?.isGoingOn ?? false;
  }

  get isBusy(): boolean {
    return this.isGoingOn || (this._run?.state.isStarting ?? false);
  }

  get hasScheduler(): boolean {
    return this._run?.state.hasScheduler ?? true;
  }

  get trouble(): TroubleText | null {
    const error = this._run?.state.error ?? this._lives.current?.state.error;
    const isTold = Object.keys(this.wrong).length > 0;
    return error && !isTold ? troubleOf(error, this._trans) : null;
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

  setScope(scope: Scope): void {
    if (this._run) {
      this._scopes.set(this._run, scope);
      this._emit();
    }
  }

  start(parameters: Readonly<Record<string, FieldValue>>): void {
    this._task.choose(null, null);
    void this._run?.start({ selectors: this.choice.selectors, parameters });
  }

  follow(run: string): void {
    this._task.choose(null, null);
    void this._run?.follow(run);
  }

  cancel(): void {
    void this._run?.cancel();
  }

  showOutputs(): void {
    if (this.run) {
      this._showOutputs(this.run.run.run_id, this._task.failing);
    }
  }

  retry(): void {
    this._lives.current?.refresh();
    this._run?.refresh();
  }

  choose(task: string | null): void {
    this._task.choose(this.run?.run.run_id ?? null, task);
  }

  open(): void {
    const panel = this._run?.panel;
    const task = this._task.task;
    if (!panel || !task) {
      return;
    }
    void openAtTask(panel, task, this._translator);
  }

  showCells(cells: readonly string[], line?: number): void {
    const panel = this._lives.current?.panel;
    if (panel) {
      void showCells(panel, cells, line, this._trans);
    }
  }

  look(isLooking: boolean): void {
    this._isLooking = isLooking;
    this._follow();
  }

  private _follow(): void {
    const live = this._isLooking ? this._lives.current : null;
    const run = this._isLooking ? this._runs.current : null;
    if (live !== this._live) {
      this._watch?.dispose();
      this._live?.changed.disconnect(this._followLast, this);
      live?.changed.connect(this._followLast, this);
      this._live = live;
      this._watch = live?.watch() ?? null;
    }
    if (run !== this._run) {
      this._task.choose(null, null);
      this._run?.changed.disconnect(this._moved, this);
      run?.changed.connect(this._moved, this);
      this._run = run;
      this._dag = null;
      this._stands = null;
      this._newest.forget();
    }
    this._followLast();
  }

  /** What is known of the DAG's last run is shown at once. */
  private _followLast(): void {
    if (this._run && this.dag && this._dag !== this.dag.dag_id) {
      this._dag = this.dag.dag_id;
      void this._run.followLast(this._dag);
      this._newest.forget();
      void this._newest.ask(this._dag);
    }
    this._emit();
  }

  private _moved(): void {
    const stands = this.run && `${this.run.run.run_id} ${this.run.run.state}`;
    if (stands !== this._stands && this._dag) {
      this._stands = stands;
      void this._newest.ask(this._dag);
    }
    this._task.follow(this.run);
    this._emit();
  }

  private _emit(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _dag: string | null = null;
  private _isLooking = false;
  private _live: LiveDag | null = null;
  private readonly _newest: NewestRuns;
  private _run: NotebookRun | null = null;
  private readonly _scopes = new WeakMap<NotebookRun, Scope>();
  /** The run and state that the history was last read for. */
  private _stands: string | null = null;
  private readonly _task: ChosenTask;
  private readonly _trans: TranslationBundle;
  private _watch: IDisposable | null = null;
}
