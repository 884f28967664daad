import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, type TranslationBundle } from '@jupyterlab/translation';
import { LayoutEngine } from '../layout/engine';
import { dagIcon } from '../look/icons';
import { adoptColours } from '../look/sheet';
import type { CurrentDeployment } from '../notebook/deployed';
import type { LiveDags } from '../notebook/lives';
import type { NotebookRuns } from '../notebook/runs';
import { DagPanel } from '../views/DagPanel';
import { RUN_PANEL } from '../views/run/RunPanel';
import { bringForward, isInMain } from './bringForward';
import { IDeployment } from './deployed';
import { ILiveDags, SETTINGS } from './lives';
import { spoken } from './openNotebook';
import { INotebookRuns } from './runs';
import { CurrentNotebook } from './source';

export const OPEN = 'nbflow:open-dag';

/** The panel with the DAG, and the command that opens it. */
export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: SETTINGS,
  description: 'Shows the DAG of the open notebook.',
  autoStart: true,
  requires: [ILiveDags, INotebookRuns, IDeployment],
  optional: [ITranslator, ICommandPalette, ILabShell, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    lives: LiveDags,
    runs: NotebookRuns,
    deployed: CurrentDeployment,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null
  ): void => {
    adoptColours(document);
    const { trans, lang } = spoken(translator);
    const tracker = new WidgetTracker<DagPanel>({ namespace: 'nbflow-dag' });
    const makeSource = () =>
      new CurrentNotebook(lives, trans, runs, lang, deployed, id => void app.commands.execute(id));
    const opener = new Opener(app, lives, trans, tracker, labShell !== null, makeSource);
    app.commands.addCommand(OPEN, {
      label: trans.__('Show the DAG'),
      caption: trans.__('Show the DAG of the open notebook, live'),
      icon: dagIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            task: { type: 'string', description: 'The task to choose in the picture.' }
          }
        }
      },
      execute: args => opener.open(typeof args.task === 'string' ? args.task : null)
    });
    palette?.addItem({ command: OPEN, category: 'nbflow' });
    void restorer?.restore(tracker, { command: OPEN, name: () => 'dag' });
  }
};

/** Makes the one panel, and puts it where there is room. */
class Opener {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _lives: LiveDags,
    private readonly _trans: TranslationBundle,
    private readonly _tracker: WidgetTracker<DagPanel>,
    private readonly _hasMainArea: boolean,
    private readonly _makeSource: () => CurrentNotebook
  ) {}

  /** Above the runs of tasks, or beside the notebook, in JupyterLab; on the right in Notebook 7. */
  async open(task: string | null): Promise<void> {
    const panel = this._panel();
    if (task !== null) {
      panel.showTask(task);
    }
    if (!panel.isAttached) {
      if (this._hasMainArea) {
        const hasRuns = isInMain(this._app, RUN_PANEL);
        const ref = hasRuns ? RUN_PANEL : (this._lives.current?.panel.id ?? null);
        const mode = hasRuns ? 'split-top' : 'split-right';
        this._app.shell.add(panel, 'main', { mode, ref, activate: false });
      } else {
        this._app.shell.add(panel, 'right', { rank: 500 });
      }
    }
    if (!this._tracker.has(panel)) {
      await this._tracker.add(panel);
    }
    bringForward(this._app, panel);
  }

  private _panel(): DagPanel {
    if (!this._current || this._current.isDisposed) {
      const source = this._makeSource();
      this._current = new DagPanel(source, this._engine, this._trans);
      this._current.disposed.connect(() => source.dispose());
    }
    return this._current;
  }

  private readonly _engine = new LayoutEngine();
  private _current: DagPanel | null = null;
}
