import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import type { LiveDags } from '../notebook/lives';
import { NotebookRuns } from '../notebook/runs';
import { ILiveDags } from './lives';

/** The followed runs of the open notebooks: states by task, for whoever colours by them. */
export const INotebookRuns = new Token<NotebookRuns>('@jupyter-nbflow/extension:INotebookRuns');

/** Follows runs of open notebooks for whoever looks at them. */
export const runsPlugin: JupyterFrontEndPlugin<NotebookRuns> = {
  id: '@jupyter-nbflow/extension:runs',
  description: 'Follows the runs of open notebooks.',
  autoStart: true,
  provides: INotebookRuns,
  requires: [INotebookTracker, ILiveDags],
  activate: (_: JupyterFrontEnd, tracker: INotebookTracker, lives: LiveDags): NotebookRuns =>
    new NotebookRuns(tracker, lives.api)
};
