/** nbflow in JupyterLab and Notebook 7: nothing here but the list of plugins. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { activityPlugin } from './plugins/activity';
import { backfillingPlugin } from './plugins/backfilling';
import { badgesPlugin } from './plugins/badges';
import { deployedPlugin } from './plugins/deployed';
import { deployingPlugin } from './plugins/deploying';
import { historyPlugin } from './plugins/history';
import { livesPlugin } from './plugins/lives';
import { panelPlugin } from './plugins/panel';
import { runningPlugin } from './plugins/running';
import { runsPlugin } from './plugins/runs';
import { schedulePlugin } from './plugins/schedule';
import { taggingPlugin } from './plugins/tagging';
import { taskFormPlugin } from './plugins/taskForm';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  livesPlugin,
  deployedPlugin,
  panelPlugin,
  badgesPlugin,
  taggingPlugin,
  taskFormPlugin,
  runsPlugin,
  runningPlugin,
  schedulePlugin,
  deployingPlugin,
  backfillingPlugin,
  historyPlugin,
  activityPlugin
];

export default plugins;
