import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Token } from '@lumino/coreutils';
import { CurrentDeployment } from '../notebook/deployed';
import type { LiveDags } from '../notebook/lives';
import type { DagDeed } from '../views/deploy/DeployedBar';
import { ILiveDags } from './lives';

/** The commands by what they do to the DAG of the open notebook. */
export const DEEDS: Readonly<Record<DagDeed, string>> = {
  schedule: 'nbflow:edit-schedule',
  deploy: 'nbflow:deploy',
  pause: 'nbflow:pause-dag',
  unpause: 'nbflow:unpause-dag',
  suggest: 'nbflow:suggest-tasks'
};

/** How the DAG of the notebook that is worked in stands on the server. */
export const IDeployment = new Token<CurrentDeployment>('@jupyter-nbflow/extension:IDeployment');

/** Asks how the DAG of the open notebook stands, for whoever shows it. */
export const deployedPlugin: JupyterFrontEndPlugin<CurrentDeployment> = {
  id: '@jupyter-nbflow/extension:deployed',
  description: 'Asks how the DAG of the open notebook stands on the server.',
  autoStart: true,
  provides: IDeployment,
  requires: [ILiveDags],
  activate: (_: JupyterFrontEnd, lives: LiveDags) => new CurrentDeployment(lives)
};
