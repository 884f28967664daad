import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { Activity } from '../api/types';
import { lookOf } from '../look/states';

/** How many runs go on and how many failed, in the status bar: a click lists them. */
export class StatusItem extends ReactWidget {
  constructor(
    private readonly _counts: () => Activity | null,
    private readonly _trans: TranslationBundle,
    private readonly _onClick: () => void
  ) {
    super();
    this.addClass('nbf-status');
  }

  protected override render(): ReactElement | null {
    const counts = this._counts();
    if (!counts) {
      return null;
    }
    const trans = this._trans;
    const goesOn = counts.queued + counts.running;
    const said = [
      trans._n('%1 run goes on', '%1 runs go on', goesOn),
      trans._n('%1 run failed', '%1 runs failed', counts.failed)
    ].join(', ');
    return (
      <button type="button" title={said} aria-label={said} onClick={this._onClick}>
        nbflow
        <Count state="running" count={goesOn} />
        <Count state="failed" count={counts.failed} />
      </button>
    );
  }
}

function Count({ state, count }: { state: string; count: number }): ReactElement {
  return (
    <span className={count > 0 ? 'nbf-state' : 'nbf-none'} data-state={state}>
      <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
        <path d={lookOf(state).icon} fill="none" stroke="currentColor" strokeWidth="1.9" />
      </svg>
      {count}
    </span>
  );
}
