import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import type { DagForm, RunAnswer, RunForm, TaskInstanceAnswer } from '../../api/types';
import type { Field, FieldValue } from '../../model/parameters';
import type { Choice, Scope } from '../../model/scope';
import type { TroubleText } from '../Trouble';
import type { Watched } from '../WatchingPanel';

/** What the panel of runs shows. */
export interface RunSource extends RunActions, Watched {
  /** Emitted when anything below is new. */
  readonly changed: ISignal<object, unknown>;
  /** Something that is another for each open notebook; null if none is open. */
  readonly notebook: string | null;
  /** The notebook as it is compiled now; null before that. */
  readonly dag: DagForm | null;
  readonly scope: Scope;
  readonly choice: Choice;
  readonly fields: readonly Field[];
  /** What is wrong with parameters, by name, as the server says. */
  readonly wrong: Readonly<Record<string, string>>;
  readonly run: RunAnswer | null;
  /** The newest runs, the last one first. */
  readonly history: readonly RunForm[];
  readonly isGoingOn: boolean;
  /** Whether a run goes on, or is being asked for. */
  readonly isBusy: boolean;
  readonly hasScheduler: boolean;
  readonly trouble: TroubleText | null;
  /** The task of the run that is looked at, with its log as far as it is there. */
  readonly chosen: string | null;
  readonly task: TaskInstanceAnswer | null;
  readonly log: string;
}

/** What can be asked for of the task that is looked at. */
export interface TaskActions {
  /** Load what the chosen task found into a fresh kernel, and show the cell that failed. */
  open(): void;
  showCells(cells: readonly string[], line?: number): void;
}

/** What can be asked for. */
export interface RunActions extends TaskActions {
  setScope(scope: Scope): void;
  start(values: Readonly<Record<string, FieldValue>>): void;
  /** Look at another run. */
  follow(run: string): void;
  cancel(): void;
  /** Show the outputs of the run beside the notebook. */
  showOutputs(): void;
  /** Ask the server again. */
  retry(): void;
  choose(task: string | null): void;
}

/** What every part of the panel needs to speak. */
export interface Spoken {
  trans: TranslationBundle;
  lang: 'en' | 'ko';
}
