import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { taskIcon } from '../look/icons';
import type { LiveDags } from '../notebook/lives';
import { Marking } from '../notebook/marking';
import { ILiveDags } from './lives';
import { type RoleWord, Tagging } from './taggingCommands';

const MARK = 'nbflow:mark-cells';
const ROLES: readonly RoleWord[] = ['setup', 'parameters', 'skip', 'none'];

/** Commands that turn cells into tasks. */
export const taggingPlugin: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-nbflow/extension:tagging',
  description: 'Turns cells into tasks.',
  autoStart: true,
  requires: [INotebookTracker, ILiveDags],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    lives: LiveDags,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbflow');
    const current = () =>
      tracker.currentWidget ? new Marking(tracker.currentWidget, lives.api) : null;
    for (const [id, options] of commandsOf(trans, current)) {
      app.commands.addCommand(id, options);
      if (id !== MARK) {
        palette?.addItem({ command: id, category: 'nbflow' });
      }
    }
    for (const role of ROLES) {
      palette?.addItem({ command: MARK, args: { role }, category: 'nbflow' });
    }
  }
};

type Options = CommandRegistry.ICommandOptions;
type Args = Readonly<Record<string, unknown>>;

function commandsOf(trans: TranslationBundle, current: () => Marking | null): [string, Options][] {
  const tagging = new Tagging(trans);
  const isEnabled = () => current() !== null;
  const command = (
    label: string,
    work: (marking: Marking, args: Args) => Promise<void>,
    more: Partial<Options> = {}
  ): Options => ({
    label,
    isEnabled,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: async args => {
      const marking = current();
      if (marking) {
        await work(marking, args);
      }
    },
    ...more
  });
  return [
    [
      'nbflow:make-task',
      command(
        trans.__('Turn Cells into a Task…'),
        (marking, args) =>
          tagging.makeTask(marking, typeof args.task === 'string' ? args.task : undefined),
        {
          icon: taskIcon,
          caption: trans.__('Turn the selected cells into a task'),
          describedBy: argument('task', 'The name of the task.')
        }
      )
    ],
    ['nbflow:rename-task', command(trans.__('Rename Task…'), one => tagging.renameTask(one))],
    ['nbflow:order-task', command(trans.__('Run Task After…'), one => tagging.orderAfter(one))],
    ['nbflow:split-task', command(trans.__('Split Task Here…'), one => tagging.splitTask(one))],
    ['nbflow:suggest-tasks', command(trans.__('Suggest Tasks…'), one => tagging.suggestTasks(one))],
    [
      MARK,
      command('', (marking, args) => tagging.markCells(marking, roleOf(args)), {
        label: args => roleLabel(roleOf(args), trans),
        describedBy: argument('role', 'What the cells become: setup, parameters, skip or none.')
      })
    ]
  ];
}

function argument(name: string, description: string): Options['describedBy'] {
  return { args: { type: 'object', properties: { [name]: { type: 'string', description } } } };
}

function roleOf(args: Args): RoleWord {
  return ROLES.find(role => role === args.role) ?? 'none';
}

function roleLabel(role: RoleWord, trans: TranslationBundle): string {
  switch (role) {
    case 'setup':
      return trans.__('Mark Cells as Setup');
    case 'parameters':
      return trans.__('Mark Cell as Parameters');
    case 'skip':
      return trans.__('Leave Cells out of the DAG');
    case 'none':
      return trans.__('Take nbflow Tags off Cells');
  }
}
