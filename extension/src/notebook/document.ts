import type { INotebookModel } from '@jupyterlab/notebook';

/** An nbformat document without outputs, which no compile looks at. */
export type NotebookDocument = Record<string, unknown>;

/**
 * Whether the file keeps the ids of cells. Before nbformat 4.5, and as text, it has none: Jupyter
 * makes them up anew each time that it is opened.
 */
export function keepsIds(model: INotebookModel, path: string): boolean {
  return path.endsWith('.ipynb') && model.nbformatMinor >= 5;
}

/** Read the open notebook as it is now, saved or not. */
export function documentOf(model: INotebookModel): NotebookDocument {
  const cells = [];
  for (const cell of model.cells) {
    const isCode = cell.type === 'code';
    cells.push({
      cell_type: cell.type,
      id: cell.id,
      metadata: cell.sharedModel.getMetadata(),
      source: cell.sharedModel.getSource(),
      ...(isCode ? { execution_count: null, outputs: [] } : {})
    });
  }
  return {
    cells,
    metadata: model.sharedModel.getMetadata(),
    nbformat: model.nbformat,
    nbformat_minor: Math.max(5, model.nbformatMinor)
  };
}
