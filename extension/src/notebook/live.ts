import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { CompileAnswer } from '../api/types';
import { Coalescer } from '../model/coalescer';
import { serverPath } from '../model/paths';
import { documentOf, keepsIds, type NotebookDocument } from './document';

/** How a notebook stands; `answer` is the last that came, `error` why there is no newer one. */
export interface LiveState {
  readonly answer: CompileAnswer | null;
  readonly error: Error | null;
}

/** What is compiled: the notebook as it stands in the editor, drawn with these sections open. */
interface AsIs {
  readonly notebook: NotebookDocument;
  readonly path: string;
  readonly keeps_ids: boolean;
  readonly sketch: boolean;
  readonly unfold: string[];
  readonly roomy: boolean;
}

/** The DAG of an open notebook, compiled anew after each change while somebody looks. */
export class LiveDag implements IDisposable {
  constructor(
    readonly panel: NotebookPanel,
    private readonly _api: Api,
    quiet: number
  ) {
    this._coalescer = new Coalescer(signal => this._compile(signal), quiet);
    this._context = panel.context;
    this._context.ready.then(() => this._listen());
    panel.disposed.connect(this.dispose, this);
  }

  /** Emitted when there is a new answer or error. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): LiveState {
    return this._state;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Milliseconds without a keystroke before a compile. */
  set quiet(milliseconds: number) {
    this._coalescer.quiet = milliseconds;
  }

  /** Look at it: it is compiled until nobody looks any more. */
  watch(): IDisposable {
    this._watchers += 1;
    this._request();
    return new DisposableDelegate(() => {
      this._watchers -= 1;
    });
  }

  /** The sections of a large DAG that are drawn open. */
  get unfolded(): readonly string[] {
    return this._unfolded;
  }

  /** Draw these sections open, `all` for every one. */
  unfold(sections: readonly string[]): void {
    this._unfolded = sections;
    this._request();
  }

  /** From now on draw boxes with room to say how their tasks stand. */
  makeRoom(): void {
    if (!this._isRoomy) {
      this._isRoomy = true;
      this._request();
    }
  }

  /** Compile soon, even if nothing changed. */
  refresh(): void {
    this._sent = '';
    this._request();
  }

  /** Compile it as it is at this moment, whoever looks; `state` is then no older than that. */
  async compileNow(): Promise<CompileAnswer> {
    await this._context.ready;
    const request = this._asIs();
    return this._ask(request, JSON.stringify(request));
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._coalescer.dispose();
    Signal.clearData(this);
  }

  private _listen(): void {
    if (this._isDisposed) {
      return;
    }
    this._context.model.contentChanged.connect(this._request, this);
    this._context.model.metadataChanged.connect(this._request, this);
    this._context.pathChanged.connect(this._request, this);
    this._isReady = true;
    this._request();
  }

  private _request(): void {
    if (this._watchers > 0 && this._isReady) {
      this._coalescer.request();
    }
  }

  private async _compile(signal: AbortSignal): Promise<void> {
    const request = this._asIs();
    const text = JSON.stringify(request);
    if (text !== this._sent) {
      // What went wrong is told by the state.
      await this._ask(request, text, signal).catch(() => null);
    }
  }

  /** Answers may come in another order than they were asked for: an older one tells nothing new. */
  private async _ask(request: AsIs, text: string, signal?: AbortSignal): Promise<CompileAnswer> {
    this._sent = text;
    this._asked += 1;
    const turn = this._asked;
    try {
      const answer = await this._api.compile(request, signal);
      this._set(turn, { answer, error: null });
      return answer;
    } catch (error) {
      this._sent = '';
      this._set(turn, { answer: this._state.answer, error: error as Error });
      throw error;
    }
  }

  private _asIs(): AsIs {
    return {
      notebook: documentOf(this._context.model),
      path: serverPath(this._context.path),
      keeps_ids: keepsIds(this._context.model, this._context.path),
      sketch: true,
      unfold: [...this._unfolded],
      roomy: this._isRoomy
    };
  }

  private _set(turn: number, state: LiveState): void {
    if (turn > this._told && !this._isDisposed) {
      this._told = turn;
      this._state = state;
      this._changed.emit();
    }
  }

  /** How many compiles were asked for, and which of them the state is of. */
  private _asked = 0;
  private _told = 0;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _coalescer: Coalescer;
  private readonly _context: DocumentRegistry.IContext<INotebookModel>;
  private _isDisposed = false;
  private _isReady = false;
  private _isRoomy = false;
  private _sent = '';
  private _state: LiveState = { answer: null, error: null };
  private _unfolded: readonly string[] = [];
  private _watchers = 0;
}
