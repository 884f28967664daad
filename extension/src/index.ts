/** nbflow in JupyterLab and Notebook 7: nothing here but the list of plugins. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { livesPlugin } from './plugins/lives';
import { panelPlugin } from './plugins/panel';
import { runningPlugin } from './plugins/running';
import { runsPlugin } from './plugins/runs';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  livesPlugin,
  panelPlugin,
  runsPlugin,
  runningPlugin
];

export default plugins;
