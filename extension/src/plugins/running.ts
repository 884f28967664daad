import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import { troubleOf } from '../api/trouble';
import type { DagForm } from '../api/types';
import { runIcon } from '../look/icons';
import { adoptStates } from '../look/states';
import { type Scope, taskOfCell } from '../model/scope';
import type { LiveDags } from '../notebook/lives';
import type { NotebookRun } from '../notebook/run';
import type { NotebookRuns } from '../notebook/runs';
import { DAG_PANEL } from '../views/DagPanel';
import { RunPanel } from '../views/run/RunPanel';
import { bringForward, isInMain } from './bringForward';
import { ILiveDags } from './lives';
import { spoken } from './openNotebook';
import { Outputs } from './outputs';
import { CurrentRun } from './runSource';
import { INotebookRuns } from './runs';

const OPEN = 'nbflow:open-run';

/** The panel that runs and follows, and the commands that run the open notebook or a part of it. */
export const runningPlugin: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-nbflow/extension:running',
  description: 'Runs tasks of the open notebook and follows them.',
  autoStart: true,
  requires: [ILiveDags, INotebookRuns],
  optional: [ITranslator, ICommandPalette, ILabShell, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    lives: LiveDags,
    runs: NotebookRuns,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null
  ): void => {
    adoptStates(document);
    const { trans, lang } = spoken(translator);
    const tracker = new WidgetTracker<RunPanel>({ namespace: 'nbflow-run' });
    const outputs = new Outputs(app, runs, trans, labShell !== null, restorer);
    const source = new CurrentRun(
      lives,
      runs,
      translator ?? nullTranslator,
      (run, cell) => void outputs.show(run, cell)
    );
    const runner = new Runner(app, lives, runs, source, trans, labShell !== null, async () => {
      const panel = new RunPanel(source, trans, lang);
      await tracker.add(panel);
      return panel;
    });
    for (const command of commandsOf(runner, runs, trans)) {
      app.commands.addCommand(command.id, {
        label: command.label,
        caption: command.caption,
        ...(command.icon ? { icon: command.icon } : {}),
        describedBy: { args: { type: 'object', properties: {} } },
        isEnabled: command.isEnabled ?? (() => lives.current !== null),
        execute: command.execute
      });
      palette?.addItem({ command: command.id, category: 'nbflow' });
    }
    void restorer?.restore(tracker, { command: OPEN, name: () => 'run' });
  }
};

interface Command {
  id: string;
  label: string;
  caption: string;
  icon?: LabIcon;
  isEnabled?: () => boolean;
  execute: () => Promise<void>;
}

function commandsOf(runner: Runner, runs: NotebookRuns, trans: TranslationBundle): Command[] {
  return [
    {
      id: OPEN,
      label: trans.__('Show runs of tasks'),
      caption: trans.__('Run tasks of the open notebook, and follow them'),
      icon: runIcon,
      isEnabled: () => true,
      execute: () => runner.open()
    },
    {
      id: 'nbflow:run-all',
      label: trans.__('Run all tasks'),
      caption: trans.__('Run the DAG of the open notebook as it is, saved or not'),
      icon: runIcon,
      execute: () => runner.run(() => ({ kind: 'all' }))
    },
    {
      id: 'nbflow:run-task',
      label: trans.__('Run this task'),
      caption: trans.__('Run the task of the active cell, with what earlier runs stored'),
      execute: () => runner.run((dag, cell) => runner.around('task', dag, cell))
    },
    {
      id: 'nbflow:run-from-task',
      label: trans.__('Run from this task on'),
      caption: trans.__('Run the task of the active cell and all that wait for it'),
      execute: () => runner.run((dag, cell) => runner.around('from', dag, cell))
    },
    {
      id: 'nbflow:run-to-task',
      label: trans.__('Run up to this task'),
      caption: trans.__('Run the task of the active cell and all that it waits for'),
      execute: () => runner.run((dag, cell) => runner.around('to', dag, cell))
    },
    {
      id: 'nbflow:run-failed',
      label: trans.__('Run what failed'),
      caption: trans.__('Run what did not succeed in the last run; what succeeded stays'),
      execute: () => runner.run(() => ({ kind: 'failed' }))
    },
    {
      id: 'nbflow:cancel-run',
      label: trans.__('Cancel the run'),
      caption: trans.__('End the run of the open notebook'),
      isEnabled: () => runs.current?.isGoingOn ?? false,
      execute: async () => runs.current?.cancel()
    }
  ];
}

/** Opens the panel, and runs what a command means. */
class Runner {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _lives: LiveDags,
    private readonly _runs: NotebookRuns,
    private readonly _source: CurrentRun,
    private readonly _trans: TranslationBundle,
    private readonly _hasMainArea: boolean,
    private readonly _make: () => Promise<RunPanel>
  ) {}

  /** Below the DAG or beside the notebook in JupyterLab; on the right in Notebook 7. */
  async open(): Promise<void> {
    if (!this._panel || this._panel.isDisposed) {
      this._panel = await this._make();
    }
    const panel = this._panel;
    if (!panel.isAttached && this._hasMainArea) {
      const hasDag = isInMain(this._app, DAG_PANEL);
      const ref = hasDag ? DAG_PANEL : (this._lives.current?.panel.id ?? null);
      const mode = hasDag ? 'split-bottom' : 'split-right';
      this._app.shell.add(panel, 'main', { mode, ref, activate: false });
    } else if (!panel.isAttached) {
      this._app.shell.add(panel, 'right', { rank: 510 });
    }
    bringForward(this._app, panel);
  }

  /** Run at once what has no parameters; else show the form first. */
  async run(scopeOf: (dag: DagForm, cell: string | null) => Scope | null): Promise<void> {
    const live = this._lives.current;
    if (!live) {
      return;
    }
    const cell = live.panel.content.activeCell?.model.id ?? null;
    try {
      const { dag } = await live.compileNow();
      const scope = scopeOf(dag, cell);
      if (!scope) {
        return;
      }
      await this.open();
      const run = this._runs.of(live.panel);
      await run.followLast(dag.dag_id);
      if (this._lives.current !== live) {
        this._tell(this._trans.__('Nothing was run: another notebook came to the front.'));
        return;
      }
      this._source.setScope(scope);
      if (this._source.isBusy) {
        this._tell(
          this._trans.__('A run of this notebook goes on: wait for its end, or cancel it.')
        );
      } else if (this._source.choice.tasks.length === 0) {
        this._tellOfNothing(scope, run);
      } else if (dag.parameters.length === 0) {
        this._source.start({});
      } else {
        this._panel?.askForParameters();
      }
    } catch (error) {
      const { title, hint } = troubleOf(error as Error, this._trans);
      Notification.error(`${title} ${hint}`, { autoClose: 8000 });
    }
  }

  /** The scope around the task of a cell; nothing, and a word about it, beside the tasks. */
  around(kind: 'task' | 'from' | 'to', dag: DagForm, cell: string | null): Scope | null {
    const task = cell === null ? null : taskOfCell(cell, dag);
    if (task === null) {
      this._tell(this._trans.__('The active cell is part of no task.'));
      return null;
    }
    return { kind, task };
  }

  private _tellOfNothing(scope: Scope, { state }: NotebookRun): void {
    if (scope.kind !== 'failed') {
      this._tell(this._trans.__('There is no task to run yet.'));
    } else if (state.answer !== null) {
      this._tell(this._trans.__('Nothing failed in the last run.'));
    } else if (state.error === null) {
      this._tell(this._trans.__('This notebook has not been run yet.'));
    } // Else the panel says what is wrong.
  }

  private _tell(said: string): void {
    Notification.info(said, { autoClose: 5000 });
  }

  private _panel: RunPanel | null = null;
}
