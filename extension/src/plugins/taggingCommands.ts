import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { DagForm, MarkChange } from '../api/types';
import type { Marking } from '../notebook/marking';
import { SuggestionList } from '../views/SuggestionList';
import { telling } from './openNotebook';

/** Cells are made setup, parameters, scratch work, or nothing special. */
export type RoleWord = Extract<MarkChange, { kind: 'role' }>['role'];

/** What people do with the cells of an open notebook: ask, have it worked out, apply. */
export class Tagging {
  constructor(private readonly _trans: TranslationBundle) {}

  /** Make the selected cells a task, under a name that is new or that of a task there is. */
  async makeTask(marking: Marking, name?: string): Promise<void> {
    await telling(this._trans, async () => {
      const cells = marking.selected;
      const task = name ?? (await this._askForTask(await taggedTasks(marking)));
      if (task) {
        await marking.change({ kind: 'task', cells, task });
      }
    });
  }

  async markCells(marking: Marking, role: RoleWord): Promise<void> {
    await telling(this._trans, () =>
      marking.change({ kind: 'role', cells: marking.selected, role })
    );
  }

  async renameTask(marking: Marking): Promise<void> {
    await this._ofActive(marking, async task => {
      const { value } = await InputDialog.getText({
        title: this._trans.__('Rename the task %1', task),
        label: this._trans.__('Name'),
        text: task,
        okLabel: this._trans.__('Rename')
      });
      if (value && value !== task) {
        await marking.change({ kind: 'rename', task, name: value });
      }
    });
  }

  async splitTask(marking: Marking): Promise<void> {
    await this._ofActive(marking, async (task, cell) => {
      const { value } = await InputDialog.getText({
        title: this._trans.__('Let a new task begin here'),
        label: this._trans.__('Name'),
        text: `${task}-2`,
        okLabel: this._trans.__('Split')
      });
      if (value) {
        await marking.change({ kind: 'split', cell, task: value });
      }
    });
  }

  async orderAfter(marking: Marking): Promise<void> {
    await this._ofActive(marking, async (task, _, dag) => {
      const { value } = await InputDialog.getMultipleItems({
        title: this._trans.__('Run %1 after', task),
        items: dag.tasks.map(one => one.name).filter(one => one !== task),
        defaults: dag.edges
          .filter(edge => edge.target === task && edge.kind === 'order')
          .map(edge => edge.source),
        okLabel: this._trans.__('Order')
      });
      if (value) {
        await marking.change({ kind: 'after', task, others: value });
      }
    });
  }

  async suggestTasks(marking: Marking): Promise<void> {
    await telling(this._trans, async () => {
      const found = await marking.suggest();
      if (found.items.length === 0) {
        Notification.info(this._trans.__('Every code cell is part of a task already.'));
        return;
      }
      const { button } = await showDialog({
        title: this._trans.__('Suggested tasks'),
        body: new SuggestionList(found, this._trans),
        buttons: [
          Dialog.cancelButton(),
          Dialog.okButton({
            label: this._trans._n('Tag %1 cell', 'Tag %1 cells', found.items.length)
          })
        ]
      });
      if (button.accept) {
        await marking.change({ kind: 'tasks', items: found.items });
      }
    });
  }

  private async _askForTask(names: readonly string[]): Promise<string | null> {
    const { value } = await InputDialog.getItem({
      title: this._trans.__('Turn the selected cells into a task'),
      label: this._trans.__('Name'),
      items: ['', ...names],
      editable: true,
      okLabel: this._trans.__('Make the task')
    });
    return value?.trim() || null;
  }

  /** Do something with the task that the active cell is part of. */
  private async _ofActive(
    marking: Marking,
    work: (task: string, cell: string, dag: DagForm) => Promise<void>
  ): Promise<void> {
    await telling(this._trans, async () => {
      const cell = marking.panel.content.activeCell?.model.id ?? '';
      const { dag } = await marking.compile();
      const task = dag.membership.find(one => one.cell === cell)?.task;
      if (task) {
        await work(task, cell, dag);
      } else {
        Notification.warning(this._trans.__('The active cell is part of no task.'));
      }
    });
  }
}

/** The names of the tasks that cells are tagged with. */
async function taggedTasks(marking: Marking): Promise<string[]> {
  const { dag } = await marking.compile();
  return [...new Set(dag.membership.flatMap(one => (one.tagged ? (one.task ?? []) : [])))];
}
