import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ApiError } from '../api/client';
import type { DagForm, MarkChange } from '../api/types';
import { choose } from '../model/scope';
import type { Marking } from '../notebook/marking';
import { SuggestionList } from '../views/SuggestionList';
import { telling } from './openNotebook';

/** Cells are made setup, parameters, scratch work, or nothing special. */
export type RoleWord = Extract<MarkChange, { kind: 'role' }>['role'];

/** What somebody entered in a dialog; nothing if it was left. */
type Answer = Promise<{ value: string | null }>;

/** What people do with the cells of an open notebook: ask, have it worked out, apply. */
export class Tagging {
  constructor(private readonly _trans: TranslationBundle) {}

  /** Make the selected cells a task, under a name that is new or that of a task there is. */
  async makeTask(marking: Marking, name?: string): Promise<void> {
    await telling(this._trans, async () => {
      const cells = marking.selected;
      if (cells.length === 0) {
        Notification.info(this._trans.__('Select at least one code cell.'), { autoClose: 5000 });
        return;
      }
      const make = (task: string) => marking.change({ kind: 'task', cells, task });
      if (name) {
        await make(name);
        return;
      }
      const names = await taggedTasks(marking);
      await this._untilItFits('', (text, label) => this._askForTask(names, text, label), make);
    });
  }

  async markCells(marking: Marking, role: RoleWord): Promise<void> {
    await telling(this._trans, () =>
      marking.change({ kind: 'role', cells: marking.selected, role })
    );
  }

  async renameTask(marking: Marking): Promise<void> {
    await this._ofActive(marking, async task => {
      const title = this._trans.__('Rename the task %1', task);
      const okLabel = this._trans.__('Rename');
      await this._untilItFits(
        task,
        (text, label) => InputDialog.getText({ title, label, text, okLabel }),
        async name => {
          if (name !== task) {
            await marking.change({ kind: 'rename', task, name });
          }
        }
      );
    });
  }

  async splitTask(marking: Marking): Promise<void> {
    await this._ofActive(marking, async (task, cell) => {
      const title = this._trans.__('Let a new task begin here');
      const okLabel = this._trans.__('Split');
      await this._untilItFits(
        `${task}-2`,
        (text, label) => InputDialog.getText({ title, label, text, okLabel }),
        name => marking.change({ kind: 'split', cell, task: name })
      );
    });
  }

  async orderAfter(marking: Marking): Promise<void> {
    await this._ofActive(marking, async (task, _, dag) => {
      // What waits for the task can't come before it.
      const later = choose({ kind: 'from', task }, dag, new Map()).tasks;
      const items = dag.tasks.map(one => one.name).filter(one => !later.includes(one));
      if (items.length === 0) {
        const said = this._trans.__('No task can come before %1: all others wait for it.', task);
        Notification.info(said, { autoClose: 8000 });
        return;
      }
      const { value } = await InputDialog.getMultipleItems({
        title: this._trans.__('Run %1 after', task),
        items,
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

  private _askForTask(names: readonly string[], text: string, label: string): Answer {
    return InputDialog.getItem({
      title: this._trans.__('Turn the selected cells into a task'),
      label,
      items: ['', ...names],
      current: text,
      editable: true,
      okLabel: this._trans.__('Make the task')
    });
  }

  /** Ask for a name, and again with what is wrong with it: nobody types a long one twice. */
  private async _untilItFits(
    first: string,
    ask: (text: string, label: string) => Answer,
    change: (name: string) => Promise<void>
  ): Promise<void> {
    let [text, label] = [first, this._trans.__('Name')];
    for (;;) {
      const name = (await ask(text, label)).value?.trim();
      if (!name) {
        return;
      }
      try {
        await change(name);
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || error.problem.status !== 422) {
          throw error;
        }
        const { detail, hint } = error.problem;
        [text, label] = [name, `${detail} ${hint}`.trim()];
      }
    }
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
