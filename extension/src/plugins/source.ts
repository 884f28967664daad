import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { troubleOf } from '../api/trouble';
import type { CompileAnswer } from '../api/types';
import { lookOf } from '../look/states';
import type { CurrentDeployment } from '../notebook/deployed';
import type { LastRan } from '../notebook/lastRan';
import type { LiveDag } from '../notebook/live';
import type { LiveDags } from '../notebook/lives';
import type { NotebookRuns } from '../notebook/runs';
import type { DagSource } from '../views/DagPanel';
import type { DagDeed } from '../views/deploy/DeployedBar';
import type { RanState } from '../views/runStates';
import type { TroubleText } from '../views/Trouble';
import { DEEDS } from './deployed';
import { showCells } from './showing';

/** Whichever notebook is worked in, as the panel's source. */
export class CurrentNotebook implements DagSource {
  constructor(
    private readonly _lives: LiveDags,
    private readonly _trans: TranslationBundle,
    private readonly _runs: NotebookRuns,
    readonly lang: 'en' | 'ko',
    readonly deployed: CurrentDeployment,
    private readonly _execute: (command: string) => void
  ) {
    _lives.currentChanged.connect(this._follow, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get notebook(): string | null {
    return this._lives.current?.panel.id ?? null;
  }

  get answer(): CompileAnswer | null {
    return this._lives.current?.state.answer ?? null;
  }

  get unfolded(): readonly string[] {
    return this._lives.current?.unfolded ?? [];
  }

  get states(): ReadonlyMap<string, RanState> {
    const tasks = this._ran?.tasks ?? null;
    if (tasks !== this._tasks) {
      this._tasks = tasks;
      const known = [...(tasks ?? [])].map(([name, ran]): [string, RanState] => [
        name,
        { ...ran, word: lookOf(ran.state).word[this.lang] }
      ]);
      this._states = new Map(known);
    }
    return this._states;
  }

  get trouble(): TroubleText | null {
    const error = this._lives.current?.state.error;
    return error ? troubleOf(error, this._trans) : null;
  }

  retry(): void {
    this._lives.current?.refresh();
  }

  ask(deed: DagDeed): void {
    this._execute(DEEDS[deed]);
  }

  showCells(cells: readonly string[], line?: number): void {
    const panel = this._lives.current?.panel;
    if (panel) {
      void showCells(panel, cells, line, this._trans);
    }
  }

  unfold(sections: readonly string[]): void {
    this._lives.current?.unfold(sections);
  }

  look(isLooking: boolean): void {
    this._isLooking = isLooking;
    this.deployed.watch(isLooking);
    this._follow();
  }

  dispose(): void {
    this._lives.currentChanged.disconnect(this._follow, this);
    this.look(false);
    Signal.clearData(this);
  }

  private _follow(): void {
    const live = this._isLooking ? this._lives.current : null;
    if (live !== this._watched) {
      this._watch?.dispose();
      this._watched?.changed.disconnect(this._emit, this);
      this._ran?.changed.disconnect(this._moved, this);
      this._watched = live;
      this._ran = live && this._runs.lastOf(live.panel);
      this._watched?.changed.connect(this._emit, this);
      this._ran?.changed.connect(this._moved, this);
      this._makeRoom();
      this._watch = this._ran?.watch() ?? null;
    }
    this._emit();
  }

  private _moved(): void {
    this._makeRoom();
    this._emit();
  }

  /** Boxes have a second line once there is something to say in it. */
  private _makeRoom(): void {
    if (this._ran && this._ran.tasks.size > 0) {
      this._watched?.makeRoom();
    }
  }

  private _emit(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _isLooking = false;
  private _ran: LastRan | null = null;
  private _watch: IDisposable | null = null;
  private _states: ReadonlyMap<string, RanState> = new Map();
  private _tasks: LastRan['tasks'] | null = null;
  private _watched: LiveDag | null = null;
}
