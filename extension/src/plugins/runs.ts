import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import type { LiveDags } from '../notebook/lives';
import { NotebookRuns } from '../notebook/runs';
import { ILiveDags } from './lives';

/** What the server's event bus tells: see `nbflow/server/news.py`. */
const RUN_MOVED = 'urn:nbflow:event:run-moved';

/** The followed runs of the open notebooks: states by task, for whoever colours by them. */
export const INotebookRuns = new Token<NotebookRuns>('@jupyter-nbflow/extension:INotebookRuns');

/** Follows runs of open notebooks for whoever looks at them. */
export const runsPlugin: JupyterFrontEndPlugin<NotebookRuns> = {
  id: '@jupyter-nbflow/extension:runs',
  description: 'Follows the runs of open notebooks.',
  autoStart: true,
  provides: INotebookRuns,
  requires: [INotebookTracker, ILiveDags],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker, lives: LiveDags): NotebookRuns => {
    const runs = new NotebookRuns(tracker, lives);
    app.serviceManager.events.stream.connect((_, told) => {
      if (told.schema_id === RUN_MOVED) {
        runs.hear(String(told.run_id));
      }
    });
    return runs;
  }
};
