import type { INotebookModel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { SettingsAnswer } from '../api/types';
import { Coalescer } from '../model/coalescer';
import { changed, type Settings, settingsIn, withSettings } from '../model/settings';

const KEY = 'nbflow';
const QUIET = 120;

/** Settings of a DAG while somebody changes them; the server says what they mean. */
export class SettingsDraft implements IDisposable {
  constructor(
    private readonly _api: Api,
    private readonly _path: string,
    private _settings: Settings
  ) {
    this._coalescer.request();
  }

  /** Emitted when they changed, and when the server has answered. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get settings(): Settings {
    return this._settings;
  }

  /** What the server said last; null before it did. */
  get answer(): SettingsAnswer | null {
    return this._answer;
  }

  /** Why it says nothing. */
  get error(): Error | null {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  set(path: readonly string[], value: unknown): void {
    this._settings = changed(this._settings, path, value);
    this._coalescer.request();
    this._changed.emit();
  }

  /** What the server says of the settings as they are at this moment; null if it says nothing. */
  async finish(): Promise<SettingsAnswer | null> {
    try {
      this._answer = await this._check(this._settings);
      this._error = null;
      return this._answer;
    } catch (error) {
      this._error = error as Error;
      return null;
    }
  }

  dispose(): void {
    this._isDisposed = true;
    this._coalescer.dispose();
    Signal.clearData(this);
  }

  private _check(settings: Settings, signal?: AbortSignal): Promise<SettingsAnswer> {
    return this._api.checkSettings({ path: this._path, settings, count: 5 }, signal);
  }

  private async _work(signal: AbortSignal): Promise<void> {
    try {
      this._answer = await this._check(this._settings, signal);
      this._error = null;
    } catch (error) {
      this._error = error as Error;
    }
    if (!signal.aborted) {
      this._changed.emit();
    }
  }

  private _answer: SettingsAnswer | null = null;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _coalescer = new Coalescer(signal => this._work(signal), QUIET);
  private _error: Error | null = null;
  private _isDisposed = false;
}

/** The settings that an open notebook holds. */
export function settingsOf(model: INotebookModel): Settings {
  return settingsIn(model.getMetadata(KEY));
}

/** Put settings into an open notebook; all else of its metadata stays. */
export function writeSettings(model: INotebookModel, settings: Settings): void {
  const next = withSettings(model.getMetadata(KEY), settings);
  if (next === undefined) {
    model.deleteMetadata(KEY);
  } else {
    model.setMetadata(KEY, next);
  }
}
