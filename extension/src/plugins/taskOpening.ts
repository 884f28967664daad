import { Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { ITranslator } from '@jupyterlab/translation';
import { jumpToCells } from '../notebook/jump';
import { openTask } from '../notebook/opening';
import type { WatchedTask } from '../notebook/task';

/** Load what a task of a run found into a fresh kernel, and show the cell that failed. */
export async function openAtTask(
  panel: NotebookPanel,
  task: WatchedTask,
  translator: ITranslator
): Promise<void> {
  const last = task.answer?.attempts.at(-1);
  const failing = last?.error?.cell;
  const cells = failing ? [failing] : (last?.cells ?? []).map(one => one.cell);
  try {
    const said = await openTask(panel, task.run, task.task, translator);
    if (said !== null) {
      await jumpToCells(panel, cells, last?.error?.line ?? undefined);
      Notification.success(said, { autoClose: 10_000 });
    }
  } catch (problem) {
    const trans = translator.load('nbflow');
    const title = trans.__('The inputs of %1 could not be loaded.', task.task);
    Notification.error(`${title} ${(problem as Error).message}`, { autoClose: false });
  }
}
