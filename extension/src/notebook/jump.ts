import type { NotebookPanel } from '@jupyterlab/notebook';

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
