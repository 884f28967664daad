import type { NotebookPanel } from '@jupyterlab/notebook';
import { MessageLoop } from '@lumino/messaging';
import { DockPanel } from '@lumino/widgets';

/**
 * Show cells of an open notebook: scroll to the first, select them all; `line` counts from 1.
 * Returns whether there is any of them.
 */
export async function jumpToCells(
  panel: NotebookPanel,
  cells: readonly string[],
  line?: number
): Promise<boolean> {
  const notebook = panel.content;
  const indices = notebook.widgets.flatMap((cell, index) =>
    cells.includes(cell.model.id) ? [index] : []
  );
  const first = indices[0];
  const cell = first === undefined ? undefined : notebook.widgets[first];
  if (first === undefined || !cell) {
    return false;
  }
  letSee(panel);
  notebook.mode = 'command';
  notebook.deselectAll();
  notebook.activeCellIndex = first;
  await notebook.scrollToCell(cell, 'smart');
  for (const index of indices.slice(1)) {
    const also = notebook.widgets[index];
    if (also) {
      notebook.select(also);
    }
  }
  if (line !== undefined) {
    await cell.ready;
    cell.editor?.setCursorPosition({ line: line - 1, column: 0 });
  }
  return true;
}

/**
 * Bring a notebook before the tabs that hide it. Who walks the DAG by keyboard keeps the focus,
 * unless it is what the notebook hides now.
 */
function letSee(panel: NotebookPanel): void {
  if (!panel.isVisible && panel.parent instanceof DockPanel) {
    const before = document.activeElement;
    panel.parent.selectWidget(panel);
    // Cells are only scrolled to once they have a place.
    MessageLoop.flush();
    if (before?.checkVisibility() === false) {
      panel.activate();
    }
  }
}
