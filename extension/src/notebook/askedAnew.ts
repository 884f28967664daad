import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { Coalescer } from '../model/coalescer';

/** Something of which the server is asked once it is made, and again once changes to it pause. */
export abstract class AskedAnew implements IDisposable {
  /** Ask after so many milliseconds without a change. */
  constructor(quiet: number) {
    this._coalescer = new Coalescer(signal => this._work(signal), quiet);
    this._coalescer.request();
  }

  /** Emitted when it changed, and when the server has answered. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._coalescer.dispose();
    Signal.clearData(this);
  }

  /** Ask for what it has become, and keep the answer or the trouble. */
  protected abstract ask(signal: AbortSignal): Promise<void>;

  /** Say that it changed. */
  protected change(): void {
    this._coalescer.request();
    this._changed.emit();
  }

  private async _work(signal: AbortSignal): Promise<void> {
    await this.ask(signal);
    if (!signal.aborted) {
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _coalescer: Coalescer;
  private _isDisposed = false;
}
