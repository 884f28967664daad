import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import type { SettingsAnswer } from '../../api/types';
import type { Settings } from '../../model/settings';

/** Settings of a DAG while somebody changes them. */
export interface SettingsSource {
  /** Emitted when anything below is new. */
  readonly changed: ISignal<object, unknown>;
  readonly settings: Settings;
  /** What the server says of them; null before it said anything. */
  readonly answer: SettingsAnswer | null;
  readonly error: Error | null;
  /** Give a setting a value; undefined takes it off, so that its default holds. */
  set(path: readonly string[], value: unknown): void;
}

/** What every part of the form needs. */
export interface PartProps {
  source: SettingsSource;
  trans: TranslationBundle;
  lang: 'en' | 'ko';
}
