/** nbflow in JupyterLab and Notebook 7: nothing here but the list of plugins. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { livesPlugin } from './plugins/lives';
import { panelPlugin } from './plugins/panel';

const plugins: JupyterFrontEndPlugin<unknown>[] = [livesPlugin, panelPlugin];

export default plugins;
