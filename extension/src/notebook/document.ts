import type { INotebookModel } from '@jupyterlab/notebook';

/** An nbformat document without outputs, which no compile looks at. */
export type NotebookDocument = Record<string, unknown>;

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
