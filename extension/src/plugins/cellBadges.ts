import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import type { PanelLayout } from '@lumino/widgets';
import { type BadgeText, badgesOf } from '../model/badges';
import { hasMarks } from '../model/marks';
import { documentOf } from '../notebook/document';
import { jumpToCells } from '../notebook/jump';
import type { LastRan } from '../notebook/lastRan';
import type { LiveDag } from '../notebook/live';
import { Badge } from '../views/Badge';
import type { Spoken } from './openNotebook';

/** Behind the cell's header, before its input. */
const PLACE = 1;
const SECOND = 1000;

/** The badges of one notebook; cells that are drawn when scrolled to get theirs then. */
export class CellBadges implements IDisposable {
  constructor(
    private readonly _panel: NotebookPanel,
    private readonly _live: LiveDag,
    private readonly _ran: LastRan,
    private readonly _spoken: Spoken,
    private readonly _showTask: (task: string) => void
  ) {
    _live.changed.connect(this._tell, this);
    _ran.changed.connect(this._tellRan, this);
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
    this._ran.changed.disconnect(this._tellRan, this);
    clearInterval(this._clock);
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
      this._watch = this._ran.watch();
    } else if (!this._isEnabled) {
      this._watch?.dispose();
      this._watch = null;
    }
  }

  private _tell(): void {
    const dag = this._live.state.answer?.dag;
    const isTold = dag !== undefined && this._isEnabled;
    this._texts = isTold ? badgesOf(dag) : new Map();
    const cells = new Set<Cell>(this._panel.content.widgets);
    for (const [cell, badge] of this._badges) {
      if (!cells.has(cell)) {
        badge.dispose();
        this._badges.delete(cell);
      }
    }
    for (const cell of cells) {
      const text = this._texts.get(cell.model.id) ?? null;
      if (text !== null || this._badges.has(cell)) {
        this._badgeOf(cell).tell(text);
      }
    }
    this._tellRan();
  }

  /** Where a task is named, how its last run ended; each second while one goes on. */
  private _tellRan(): void {
    const now = Date.now();
    let goesOn = false;
    for (const [cell, badge] of this._badges) {
      const text = this._texts.get(cell.model.id);
      const ran = (text?.isTagged && this._ran.tasks.get(text.task)) || null;
      goesOn ||= ran?.state === 'running';
      badge.tellRan(ran, now);
    }
    clearInterval(this._clock);
    this._clock = goesOn ? setInterval(() => this._tellRan(), SECOND) : undefined;
  }

  private _badgeOf(cell: Cell): Badge {
    const known = this._badges.get(cell);
    if (known) {
      return known;
    }
    const badge = new Badge(this._spoken.trans, this._spoken.lang, {
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
  private _clock: ReturnType<typeof setInterval> | undefined;
  private _isDisposed = false;
  private _isEnabled = true;
  private _texts: ReadonlyMap<string, BadgeText> = new Map();
  private _watch: IDisposable | null = null;
}

function cellsOf(panel: NotebookPanel): Record<string, unknown>[] {
  const model = panel.context.isReady ? panel.context.model : null;
  return model ? (documentOf(model).cells as Record<string, unknown>[]) : [];
}
