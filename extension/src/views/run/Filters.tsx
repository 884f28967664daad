import type { ReactElement } from 'react';
import { lookOf } from '../../look/states';
import type { HistorySource } from './historySource';
import { kindOf } from './RunTable';
import type { Spoken } from './source';

export interface FiltersProps extends Spoken {
  source: HistorySource;
}

const STATES = ['queued', 'running', 'success', 'failed', 'cancelled'] as const;
const KINDS = ['manual', 'scheduled', 'triggered', 'backfill'] as const;

/** Which runs to list, and what to do with those that are ticked. */
export function Filters({ source, trans, lang }: FiltersProps): ReactElement {
  const { picked } = source;
  const { filter } = source.list;
  return (
    <div className="nbf-row nbf-filters">
      <select
        className="nbf-input"
        aria-label={trans.__('State of the runs')}
        value={filter.state ?? ''}
        onChange={event => source.setFilter({ ...filter, state: event.target.value || null })}
      >
        <option value="">{trans.__('Every state')}</option>
        {STATES.map(state => (
          <option key={state} value={state}>
            {lookOf(state).word[lang]}
          </option>
        ))}
      </select>
      <select
        className="nbf-input"
        aria-label={trans.__('What made the runs')}
        value={filter.kind ?? ''}
        onChange={event => source.setFilter({ ...filter, kind: event.target.value || null })}
      >
        <option value="">{trans.__('Every cause')}</option>
        {KINDS.map(kind => (
          <option key={kind} value={kind}>
            {kindOf(kind, trans)}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="nbf-button"
        disabled={picked.length < 2}
        title={trans.__('Tick two runs to see what differs')}
        onClick={() => source.compare()}
      >
        {trans.__('Compare 2 runs')}
      </button>
    </div>
  );
}
