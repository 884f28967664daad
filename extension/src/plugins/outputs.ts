import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { NotebookRuns } from '../notebook/runs';
import { OutputsPanel, type ShownRun } from '../views/run/OutputsPanel';
import { bringForward } from './bringForward';

export const OPEN = 'nbflow:open-outputs';

/** Opens the one panel with outputs of a run, and opens it again after a reload. */
export class Outputs {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _runs: NotebookRuns,
    private readonly _trans: TranslationBundle,
    private readonly _hasMainArea: boolean,
    restorer: ILayoutRestorer | null
  ) {
    const text = { type: 'string' } as const;
    _app.commands.addCommand(OPEN, {
      label: _trans.__('Show the outputs of a run'),
      describedBy: {
        args: { type: 'object', properties: { run: text, cell: text }, required: ['run'] }
      },
      execute: args => this.show(String(args.run), typeof args.cell === 'string' ? args.cell : null)
    });
    void restorer?.restore(this._tracker, {
      command: OPEN,
      args: panel => ({ ...(panel.shown ?? {}) }),
      name: () => 'outputs',
      when: _app.serviceManager.ready
    });
  }

  /** As a tab beside the notebook in JupyterLab; on the right in Notebook 7. */
  async show(run: string, cell: string | null): Promise<void> {
    if (!this._panel || this._panel.isDisposed) {
      this._panel = new OutputsPanel(this._trans, shown => this._urlOf(shown));
    }
    const panel = this._panel;
    panel.showRun({ run, cell });
    if (!panel.isAttached && this._hasMainArea) {
      const ref = this._runs.current?.panel.id ?? null;
      this._app.shell.add(panel, 'main', { mode: 'tab-after', ref, activate: false });
    } else if (!panel.isAttached) {
      this._app.shell.add(panel, 'right', { rank: 520 });
    }
    if (this._tracker.has(panel)) {
      await this._tracker.save(panel);
    } else {
      await this._tracker.add(panel);
    }
    bringForward(this._app, panel);
  }

  private _urlOf({ run, cell }: ShownRun): string {
    const isLight = document.body.dataset.jpThemeLight !== 'false';
    return this._runs.api.pageUrl(run, isLight ? 'light' : 'dark', cell ?? undefined);
  }

  private _panel: OutputsPanel | null = null;
  private readonly _tracker = new WidgetTracker<OutputsPanel>({ namespace: 'nbflow-outputs' });
}
