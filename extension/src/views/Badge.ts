import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import type { Finding } from '../api/types';
import type { BadgeText } from '../model/badges';

export interface BadgeActions {
  /** The task's name was clicked. */
  showTask(task: string): void;
  /** A finding was clicked. */
  showLine(line: number): void;
}

/** The line above a cell: which task it is part of, and what is wrong in it. */
export class Badge extends Widget {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _actions: BadgeActions
  ) {
    super();
    this.addClass('nbf-badge');
  }

  /** Say something else, or nothing. */
  tell(text: BadgeText | null): void {
    const said = JSON.stringify(text);
    if (said === this._said) {
      return;
    }
    this._said = said;
    this.setHidden(text === null);
    if (text !== null) {
      this.node.replaceChildren(this._chip(text), ...text.findings.map(one => this._finding(one)));
    }
  }

  private _chip(text: BadgeText): HTMLElement {
    const chip = element(text.role === 'task' ? 'button' : 'span', 'nbf-badge-chip');
    chip.dataset.role = text.role;
    chip.dataset.tagged = String(text.isTagged);
    chip.textContent = `${text.isTagged ? '' : '↳ '}${this._word(text)}`;
    chip.title = this._caption(text);
    if (text.role === 'task') {
      chip.setAttribute('aria-label', this._caption(text));
      chip.addEventListener('click', () => this._actions.showTask(text.task));
    }
    return chip;
  }

  private _word(text: BadgeText): string {
    const trans = this._trans;
    switch (text.role) {
      case 'task':
        return text.task;
      case 'setup':
        return trans.__('setup');
      case 'parameters':
        return trans.__('parameters');
      case 'skip':
        return trans.__('skipped');
    }
  }

  private _caption(text: BadgeText): string {
    const trans = this._trans;
    const reason = text.isTagged
      ? ''
      : trans.__('This cell has no tag of its own: it belongs here by its place on the page.');
    if (text.role !== 'task') {
      return [this._word(text), reason].filter(Boolean).join('\n');
    }
    return [
      trans.__('Task %1', text.task),
      text.reads.length > 0 ? trans.__('reads: %1', text.reads.join(', ')) : '',
      text.writes.length > 0 ? trans.__('writes: %1', text.writes.join(', ')) : '',
      reason
    ]
      .filter(Boolean)
      .join('\n');
  }

  private _finding(finding: Finding): HTMLElement {
    const row = element('button', 'nbf-badge-finding');
    row.dataset.severity = finding.severity;
    const icon = finding.severity === 'error' ? '✕' : '▲';
    row.append(`${icon} ${finding.code} ${finding.message}`);
    if (finding.hint) {
      const hint = element('span', 'nbf-quiet');
      hint.textContent = ` → ${finding.hint}`;
      row.append(hint);
    }
    row.addEventListener('click', () => this._actions.showLine(finding.line ?? 1));
    return row;
  }

  private _said = '';
}

function element(name: 'button' | 'span', className: string): HTMLElement {
  const made = document.createElement(name);
  made.className = className;
  if (made instanceof HTMLButtonElement) {
    made.type = 'button';
  }
  return made;
}
