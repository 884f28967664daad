import type { NotebookPanel } from '@jupyterlab/notebook';
import type { ITranslator } from '@jupyterlab/translation';
import type { NotebookRuns } from '../notebook/runs';

/** What the history needs of the application. */
export interface HistoryTools {
  readonly runs: NotebookRuns;
  readonly translator: ITranslator;
  readonly places: {
    /** Return the notebook of a path, opened if it isn't; null where none can be beside it. */
    openNotebook(path: string): Promise<NotebookPanel | null>;
  };
  /** Show the outputs of a run, from a cell on. */
  showOutputs(run: string, cell: string | null): void;
}
