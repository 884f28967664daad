import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { PanelLayout } from '@lumino/widgets';
import { badgesOf } from '../model/badges';
import { hasMarks } from '../model/marks';
import { documentOf } from '../notebook/document';
import { jumpToCells } from '../notebook/jump';
import type { LiveDag } from '../notebook/live';
import { Badge } from '../views/Badge';

/** Behind the cell's header, before its input. */
const PLACE = 1;

/** The badges of one notebook; cells that are drawn when scrolled to get theirs then. */
export class CellBadges implements IDisposable {
  constructor(
    private readonly _panel: NotebookPanel,
    private readonly _live: LiveDag,
    private readonly _trans: TranslationBundle,
    private readonly _showTask: (task: string) => void
  ) {
    _live.changed.connect(this._tell, this);
    void _panel.context.ready.then(() => {
      if (!this.isDisposed) {
        _panel.context.model.contentChanged.connect(this._look, this);
        this._look();
      }
    });
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Show them, or not. */
  set isEnabled(isEnabled: boolean) {
    this._isEnabled = isEnabled;
    this._look();
    this._tell();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._watch?.dispose();
    this._live.changed.disconnect(this._tell, this);
    this._panel.context.model?.contentChanged.disconnect(this._look, this);
    for (const badge of this._badges.values()) {
      badge.dispose();
    }
    this._badges.clear();
  }

  /** A notebook is compiled for its badges as soon as somebody uses nbflow in it. */
  private _look(): void {
    const isWanted = this._isEnabled && (this._watch !== null || hasMarks(cellsOf(this._panel)));
    if (isWanted && this._watch === null) {
      this._watch = this._live.watch();
    } else if (!this._isEnabled) {
      this._watch?.dispose();
      this._watch = null;
    }
  }

  private _tell(): void {
    const dag = this._live.state.answer?.dag;
    const texts = dag && this._isEnabled ? badgesOf(dag) : new Map();
    const cells = new Set<Cell>(this._panel.content.widgets);
    for (const [cell, badge] of this._badges) {
      if (!cells.has(cell)) {
        badge.dispose();
        this._badges.delete(cell);
      }
    }
    for (const cell of cells) {
      const text = texts.get(cell.model.id) ?? null;
      if (text !== null || this._badges.has(cell)) {
        this._badgeOf(cell).tell(text);
      }
    }
  }

  private _badgeOf(cell: Cell): Badge {
    const known = this._badges.get(cell);
    if (known) {
      return known;
    }
    const badge = new Badge(this._trans, {
      showTask: this._showTask,
      showLine: line => void jumpToCells(this._panel, [cell.model.id], line)
    });
    this._badges.set(cell, badge);
    void cell.ready.then(() => {
      if (!cell.isDisposed && !badge.isDisposed) {
        (cell.layout as PanelLayout).insertWidget(PLACE, badge);
      }
    });
    return badge;
  }

  private readonly _badges = new Map<Cell, Badge>();
  private _isDisposed = false;
  private _isEnabled = true;
  private _watch: IDisposable | null = null;
}

function cellsOf(panel: NotebookPanel): Record<string, unknown>[] {
  const model = panel.context.isReady ? panel.context.model : null;
  return model ? (documentOf(model).cells as Record<string, unknown>[]) : [];
}
