import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { WidgetTracker } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Widget } from '@lumino/widgets';
import { serverPath } from '../model/paths';
import { DAG_PANEL } from '../views/DagPanel';
import type { HistoryPanel } from '../views/run/HistoryPanel';
import { bringForward, isInMain } from './bringForward';
import { FACTORY, type MakeHistory } from './historyDocument';

/** How long a notebook may take to open beside its runs. */
const PATIENCE = 15_000;

/** Where runs are shown: documents and tabs in JupyterLab, on the right in Notebook 7. */
export class Histories {
  make: MakeHistory | null = null;

  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _notebooks: INotebookTracker,
    private readonly _all: WidgetTracker<HistoryPanel>,
    private readonly _hasMainArea: boolean
  ) {}

  /** The notebook that is worked in. */
  get current(): string | null {
    return this._notebooks.currentWidget?.context.path ?? null;
  }

  /**
   * Show the runs of a notebook beside it, where its DAG is if that is shown: a third column would
   * be narrow. In Notebook 7 those of another one are shown in a new tab of the browser.
   */
  async open(path: string): Promise<void> {
    if (!this._hasMainArea && path === this.current) {
      this._onTheRight('nbflow-history', path);
      return;
    }
    const hasDag = isInMain(this._app, DAG_PANEL);
    const notebook = this.find(path);
    const ref = hasDag ? DAG_PANEL : (notebook?.id ?? null);
    const mode = notebook && !hasDag ? 'split-right' : 'tab-after';
    await this._app.commands.execute('docmanager:open', {
      path,
      factory: FACTORY,
      options: { mode, ref }
    });
  }

  /** Show the runs of all notebooks. */
  async openAll(): Promise<void> {
    if (!this._hasMainArea) {
      this._onTheRight('nbflow-all-runs', null);
      return;
    }
    let panel = this._all.currentWidget;
    if (!panel || panel.isDisposed) {
      panel = this.make?.(null).panel ?? null;
    }
    if (panel) {
      panel.id = 'nbflow-all-runs';
      if (!panel.isAttached) {
        this._app.shell.add(panel, 'main');
        await this._all.add(panel);
      }
      bringForward(this._app, panel);
    }
  }

  /** Return the notebook of a path, opened if it isn't; null where none can be beside its runs. */
  async openNotebook(path: string): Promise<NotebookPanel | null> {
    let panel = this.find(path);
    if (!panel && this._hasMainArea) {
      panel = await this._app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
      const late = new Promise<void>(resolve => setTimeout(resolve, PATIENCE));
      await Promise.race([panel?.revealed, late]);
    }
    if (panel) {
      bringForward(this._app, panel);
    }
    return panel;
  }

  /** Return the notebook of a path if it is open. */
  find(path: string): NotebookPanel | null {
    const isIt = (panel: NotebookPanel) => serverPath(panel.context.path) === serverPath(path);
    return this._notebooks.find(isIt) ?? null;
  }

  private _onTheRight(id: string, path: string | null): void {
    let panel: Widget | undefined = [...this._app.shell.widgets('right')].find(
      one => one.id === id
    );
    if (!panel) {
      panel = this.make?.(path).panel;
      if (panel) {
        panel.id = id;
        this._app.shell.add(panel, 'right', { rank: 515 });
      }
    }
    if (panel) {
      bringForward(this._app, panel);
    }
  }
}
