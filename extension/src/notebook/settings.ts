import type { INotebookModel } from '@jupyterlab/notebook';
import type { Api } from '../api/client';
import type { SettingsAnswer } from '../api/types';
import {
  changed,
  isSame,
  rebased,
  type Settings,
  settingsIn,
  withSettings
} from '../model/settings';
import { AskedAnew } from './askedAnew';

const KEY = 'nbflow';
const QUIET = 120;

/** Settings of a DAG while somebody changes them; the server says what they mean. */
export class SettingsDraft extends AskedAnew {
  constructor(
    private readonly _api: Api,
    private readonly _path: string,
    private _settings: Settings
  ) {
    super(QUIET);
    this._before = _settings;
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

  set(path: readonly string[], value: unknown): void {
    this._settings = changed(this._settings, path, value);
    this.change();
  }

  /** Whether the notebook got other settings meanwhile; then this is theirs with what was changed. */
  rebase(theirs: Settings): boolean {
    if (isSame(theirs, this._before)) {
      return false;
    }
    this._settings = rebased(this._before, this._settings, theirs);
    this._before = theirs;
    this.change();
    return true;
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

  private _check(settings: Settings, signal?: AbortSignal): Promise<SettingsAnswer> {
    return this._api.checkSettings({ path: this._path, settings, count: 5 }, signal);
  }

  protected async ask(signal: AbortSignal): Promise<void> {
    try {
      this._answer = await this._check(this._settings, signal);
      this._error = null;
    } catch (error) {
      this._error = error as Error;
    }
  }

  private _answer: SettingsAnswer | null = null;
  /** The notebook's settings which this started from. */
  private _before: Settings;
  private _error: Error | null = null;
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
