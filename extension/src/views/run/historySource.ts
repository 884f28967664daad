import type { ISignal } from '@lumino/signaling';
import type {
  Comparison,
  DagRowForm,
  RunAnswer,
  RunForm,
  TaskInstanceAnswer
} from '../../api/types';
import type { TroubleText } from '../Trouble';
import type { Watched } from '../WatchingPanel';
import type { TaskActions } from './source';

/** What of a run runs again: one task, with all after it, what did not succeed, or everything. */
export type Again =
  | { readonly kind: 'task'; readonly task: string }
  | { readonly kind: 'from'; readonly task: string }
  | { readonly kind: 'failed' }
  | { readonly kind: 'all' };

/** What the run history shows. */
export interface HistorySource extends TaskActions, Watched {
  /** Emitted when anything below is new. */
  readonly changed: ISignal<object, unknown>;
  /** The notebook whose runs these are; null for those of all notebooks. */
  readonly path: string | null;
  /** The DAG whose runs are shown, null for all; and what is known of it. */
  readonly dag: string | null;
  readonly about: DagRowForm | null;
  /** The runs, newest first, as far as they were read; `unread` are ids of runs that can't be read. */
  readonly list: {
    readonly items: readonly RunForm[];
    readonly isRead: boolean;
    readonly hasMore: boolean;
    readonly unread: readonly string[];
    readonly filter: { readonly state: string | null; readonly kind: string | null };
  };
  readonly trouble: TroubleText | null;
  /** The runs that are ticked, and what they have that differs once that was asked for. */
  readonly picked: readonly string[];
  readonly comparison: Comparison | null;
  /** The run that is looked at; and what is known of it, once the server has answered. */
  readonly followed: string | null;
  readonly run: RunAnswer | null;
  readonly isGoingOn: boolean;
  readonly hasScheduler: boolean;
  readonly chosen: string | null;
  readonly task: TaskInstanceAnswer | null;
  readonly log: string;
  /** What people call cells, by id. */
  readonly numbers: ReadonlyMap<string, string>;
  setFilter(filter: { state: string | null; kind: string | null }): void;
  /** Show the runs of one DAG alone, null for those of all. */
  showDag(dag: string | null): void;
  more(): void;
  retry(): void;
  follow(run: string): void;
  /** Look at no run any more. */
  close(): void;
  pick(run: string): void;
  compare(): void;
  endComparison(): void;
  choose(task: string | null): void;
  cancel(): void;
  /** Let tasks run again, once somebody has seen which. */
  again(what: Again): void;
  showOutputs(): void;
  /** Where a run's outputs stand as a page for a sandboxed frame; `cell` is scrolled to. */
  pageUrl(run: string, cell?: string): string;
}
