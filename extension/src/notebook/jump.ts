import type { NotebookPanel } from '@jupyterlab/notebook';
import { MessageLoop } from '@lumino/messaging';
import { DockPanel } from '@lumino/widgets';

/** Show cells of an open notebook: scroll to the first, select them all; `line` counts from 1. */
export async function jumpToCells(
  panel: NotebookPanel,
  cells: readonly string[],
  line?: number
): Promise<void> {
  const notebook = panel.content;
  const indices = notebook.widgets.flatMap((cell, index) =>
    cells.includes(cell.model.id) ? [index] : []
  );
  const first = indices[0];
  if (first === undefined) {
    return;
  }
  letSee(panel);
  notebook.mode = 'command';
  notebook.deselectAll();
  notebook.activeCellIndex = first;
  const cell = notebook.widgets[first];
  if (!cell) {
    return;
  }
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
}

/** Bring a notebook before the tabs that hide it; who walks the DAG by keyboard keeps the focus. */
function letSee(panel: NotebookPanel): void {
  if (!panel.isVisible && panel.parent instanceof DockPanel) {
    panel.parent.selectWidget(panel);
    // Cells are only scrolled to once they have a place.
    MessageLoop.flush();
  }
}
