import {
  ILabShell,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { type FileBrowser, IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { ActivityWatch } from '../notebook/activity';
import type { NotebookRuns } from '../notebook/runs';
import { StatusItem } from '../views/StatusItem';
import { markScheduled } from './browserMarks';
import { OPEN_ALL } from './history';
import { INotebookRuns } from './runs';

/** What is told outside of notebooks: the status bar, the launcher, the file browser. */
export const activityPlugin: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-nbflow/extension:activity',
  description: 'Tells in the status bar and the file browser what runs, failed and is scheduled.',
  autoStart: true,
  requires: [INotebookRuns],
  optional: [ITranslator, ILabShell, IStatusBar, ILauncher, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    runs: NotebookRuns,
    translator: ITranslator | null,
    labShell: ILabShell | null,
    statusBar: IStatusBar | null,
    launcher: ILauncher | null,
    browsers: IFileBrowserFactory | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbflow');
    launcher?.add({ command: OPEN_ALL, category: 'nbflow', rank: 1 });
    if (!statusBar && !browsers) {
      return;
    }
    const activity = new ActivityWatch(runs.api);
    void app.restored.then(() => {
      activity.start();
      runs.heard.connect(() => activity.hear());
    });
    if (statusBar) {
      addStatus(app, statusBar, activity, trans);
    }
    const mark = (browser: FileBrowser) => markScheduled(browser, activity, trans);
    browsers?.tracker.forEach(mark);
    browsers?.tracker.widgetAdded.connect((_, browser) => mark(browser));
    if (labShell && browsers) {
      addOpenAnd(app, runs, browsers, trans);
    }
  }
};

function addStatus(
  app: JupyterFrontEnd,
  statusBar: IStatusBar,
  activity: ActivityWatch,
  trans: TranslationBundle
): void {
  const item = new StatusItem(
    () => activity.counts,
    trans,
    () => {
      activity.seen();
      void app.commands.execute(OPEN_ALL);
    }
  );
  const activeStateChanged = new Signal<StatusItem, void>(item);
  activity.changed.connect(() => {
    item.update();
    activeStateChanged.emit();
  });
  statusBar.registerStatusItem('@jupyter-nbflow/extension:activity', {
    item,
    align: 'left',
    rank: 10,
    isActive: () => activity.counts?.is_used ?? false,
    activeStateChanged
  });
}

/** A command for entries of the file browser: open the notebook, then do something with it. */
function addOpenAnd(
  app: JupyterFrontEnd,
  runs: NotebookRuns,
  browsers: IFileBrowserFactory,
  trans: TranslationBundle
): void {
  const next = (args: { command?: unknown }) => String(args.command ?? '');
  const isThere = (args: { command?: unknown }) => app.commands.hasCommand(next(args));
  app.commands.addCommand('nbflow:open-and', {
    label: args => (isThere(args) ? app.commands.label(next(args)) : trans.__('Open the notebook')),
    icon: args => (isThere(args) ? app.commands.icon(next(args)) : undefined),
    isVisible: isThere,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          command: { type: 'string', description: 'The command for the open notebook.' }
        },
        required: ['command']
      }
    },
    execute: async args => {
      const item = browsers.tracker.currentWidget?.selectedItems().next().value;
      if (item) {
        const { path } = item;
        const panel = await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
        await panel?.revealed;
        if (panel && runs.current?.panel === panel) {
          await app.commands.execute(next(args));
        }
      }
    }
  });
}
