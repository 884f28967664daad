import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Api } from '../api/client';
import type { CompileAnswer, MarkAnswer, MarkChange, Suggestions } from '../api/types';
import { serverPath } from '../model/paths';
import { documentOf, type NotebookDocument } from './document';

/** An open notebook whose cells can be marked; the server knows the rules, undo takes all back. */
export class Marking {
  constructor(
    readonly panel: NotebookPanel,
    private readonly _api: Api
  ) {}

  /** The ids of the selected code cells. */
  get selected(): string[] {
    const code = this.panel.content.selectedCells.filter(cell => cell.model.type === 'code');
    return code.map(cell => cell.model.id);
  }

  /** The notebook compiled as it is now. */
  compile(): Promise<CompileAnswer> {
    return this._api.compile(this._document());
  }

  /** The tasks that are proposed for it. */
  suggest(): Promise<Suggestions> {
    return this._api.suggest(this._document());
  }

  /** Mark cells. What somebody typed in them meanwhile stays. */
  async change(change: MarkChange): Promise<void> {
    const sent = this._document();
    const answer = await this._api.mark({ ...sent, change });
    this._apply(answer, sourcesOf(sent.notebook));
  }

  private _apply(answer: MarkAnswer, sent: ReadonlyMap<string, string>): void {
    const model = this.panel.context.model;
    const wanted = new Map(answer.cells.map(one => [one.cell, one]));
    model.sharedModel.transact(() => {
      for (const { id, sharedModel: cell } of model.cells) {
        const marks = wanted.get(id);
        if (!marks) {
          continue;
        }
        if (marks.tags.length > 0) {
          cell.setMetadata('tags', marks.tags);
        } else if (cell.getMetadata('tags') !== undefined) {
          cell.deleteMetadata('tags');
        }
        if (marks.source !== sent.get(id) && cell.getSource() === sent.get(id)) {
          cell.setSource(marks.source);
        }
      }
    });
  }

  private _document(): { notebook: NotebookDocument; path: string } {
    const { model, path } = this.panel.context;
    return { notebook: documentOf(model), path: serverPath(path) };
  }
}

function sourcesOf(notebook: NotebookDocument): Map<string, string> {
  const cells = notebook.cells as { id: string; source: string }[];
  return new Map(cells.map(cell => [cell.id, cell.source]));
}
