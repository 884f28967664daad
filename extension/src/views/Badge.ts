import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import type { Finding } from '../api/types';
import { lookOf } from '../look/states';
import type { BadgeText } from '../model/badges';
import { type Ran, timeOf } from '../model/lastRan';
import { exactly } from '../model/past';

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
    private readonly _lang: 'en' | 'ko',
    private readonly _actions: BadgeActions
  ) {
    super();
    this.addClass('nbf-badge');
    this._ran.hidden = true;
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
      const line = element('span', 'nbf-badge-line');
      line.append(this._chip(text), this._ran);
      this.node.replaceChildren(line, ...text.findings.map(one => this._finding(one)));
    }
  }

  /** Say how the task stood in its last run, or stands in the one that goes on. */
  tellRan(ran: Ran | null, now: number): void {
    const time = ran ? timeOf(ran, now) : '';
    const said = JSON.stringify([ran, time]);
    if (said !== this._saidRan) {
      this._saidRan = said;
      this._ran.hidden = ran === null;
      this._ran.replaceChildren(...(ran ? this._outcome(ran, time) : []));
      this._ran.title = ran ? this._ranCaption(ran) : '';
    }
  }

  private _outcome(ran: Ran, time: string): HTMLElement[] {
    const state = element('span', 'nbf-state');
    state.dataset.state = ran.state;
    const look = lookOf(ran.state);
    state.append(icon(look.icon), look.word[this._lang]);
    const took = element('span', 'nbf-time');
    took.textContent = time;
    const reason = element('span', 'nbf-badge-reason');
    reason.textContent = ran.state === 'success' ? '' : ran.reason;
    return [state, took, reason].filter(one => one.textContent !== '');
  }

  private _ranCaption(ran: Ran): string {
    const trans = this._trans;
    const when = exactly(ran.ended ?? ran.started ?? ran.created, this._lang, ran.timezone);
    const said = ran.ended ? trans.__('Last run: ended %1', when) : trans.__('Since %1', when);
    return [said, ran.reason].filter(Boolean).join('\n');
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

  private readonly _ran = element('span', 'nbf-badge-ran');
  private _said = '';
  private _saidRan = '';
}

const SVG = 'http://www.w3.org/2000/svg';

function icon(path: string): SVGElement {
  const drawn = document.createElementNS(SVG, 'svg');
  const line = document.createElementNS(SVG, 'path');
  for (const [name, value] of Object.entries({ d: path, fill: 'none', stroke: 'currentColor' })) {
    line.setAttribute(name, value);
  }
  line.setAttribute('stroke-width', '1.9');
  drawn.setAttribute('viewBox', '0 0 16 16');
  drawn.setAttribute('aria-hidden', 'true');
  drawn.append(line);
  return drawn;
}

function element(name: 'button' | 'span', className: string): HTMLElement {
  const made = document.createElement(name);
  made.className = className;
  if (made instanceof HTMLButtonElement) {
    made.type = 'button';
  }
  return made;
}
