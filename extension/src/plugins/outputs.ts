import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { NotebookRuns } from '../notebook/runs';
import { OutputsPanel } from '../views/run/OutputsPanel';

/** Opens the one panel with outputs of a run. */
export class Outputs {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _runs: NotebookRuns,
    private readonly _trans: TranslationBundle,
    private readonly _hasMainArea: boolean
  ) {}

  /** As a tab beside the notebook in JupyterLab; on the right in Notebook 7. */
  show(run: string): void {
    if (!this._panel || this._panel.isDisposed) {
      this._panel = new OutputsPanel(this._trans);
    }
    const panel = this._panel;
    if (!panel.isAttached && this._hasMainArea) {
      const ref = this._runs.current?.panel.id ?? null;
      this._app.shell.add(panel, 'main', { mode: 'tab-after', ref, activate: false });
    } else if (!panel.isAttached) {
      this._app.shell.add(panel, 'right', { rank: 520 });
    }
    const isLight = document.body.dataset.jpThemeLight !== 'false';
    panel.showRun(run, this._runs.api.pageUrl(run, isLight ? 'light' : 'dark'));
    this._app.shell.activateById(panel.id);
  }

  private _panel: OutputsPanel | null = null;
}
