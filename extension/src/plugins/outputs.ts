import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { NotebookRuns } from '../notebook/runs';
import { DAG_PANEL } from '../views/DagPanel';
import { OutputsPanel, type ShownRun } from '../views/run/OutputsPanel';
import { RUN_PANEL } from '../views/run/RunPanel';
import { bringForward, isInMain } from './bringForward';
import { pageUrl } from './pageUrl';

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
      execute: async ({ run, cell }) => {
        if (typeof run === 'string') {
          await this.show(run, typeof cell === 'string' ? cell : null);
        }
      }
    });
    void restorer?.restore(this._tracker, {
      command: OPEN,
      args: panel => ({ ...(panel.shown ?? {}) }),
      name: () => 'outputs',
      when: _app.serviceManager.ready
    });
  }

  /** Beside the notebook in JupyterLab, which stays in sight; on the right in Notebook 7. */
  async show(run: string, cell: string | null): Promise<void> {
    if (!this._panel || this._panel.isDisposed) {
      this._panel = new OutputsPanel(this._trans, shown => this._urlOf(shown));
    }
    const panel = this._panel;
    panel.showRun({ run, cell });
    if (!panel.isAttached && this._hasMainArea) {
      this._app.shell.add(panel, 'main', { ...this._place(), activate: false });
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

  /** Where the DAG is, else above the runs of tasks, else next to the notebook. */
  private _place(): DocumentRegistry.IOpenOptions {
    if (isInMain(this._app, DAG_PANEL)) {
      return { mode: 'tab-after', ref: DAG_PANEL };
    }
    if (isInMain(this._app, RUN_PANEL)) {
      return { mode: 'split-top', ref: RUN_PANEL };
    }
    return { mode: 'split-right', ref: this._runs.current?.panel.id ?? null };
  }

  private _urlOf({ run, cell }: ShownRun): string {
    return pageUrl(this._runs.api, run, cell ?? undefined);
  }

  private _panel: OutputsPanel | null = null;
  private readonly _tracker = new WidgetTracker<OutputsPanel>({ namespace: 'nbflow-outputs' });
}
