import { Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { jumpToCells } from '../notebook/jump';

/** Show cells of an open notebook, or tell that they are there no longer. */
export async function showCells(
  panel: NotebookPanel,
  cells: readonly string[],
  line: number | undefined,
  trans: TranslationBundle
): Promise<void> {
  if (!(await jumpToCells(panel, cells, line))) {
    const said = trans.__('What it was about is no longer in the notebook.');
    Notification.info(said, { autoClose: 5000 });
  }
}
