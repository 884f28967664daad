import type { ReactElement } from 'react';
import type { RunForm } from '../../api/types';
import { duration } from '../../model/durations';
import { State } from './State';
import type { Spoken } from './source';

export interface RunHistoryProps extends Spoken {
  runs: readonly RunForm[];
  /** The run that is looked at. */
  current: string | null;
  onRun: (run: string) => void;
}

/** The newest runs of the notebook, scheduled ones too: a click shows one of them. */
export function RunHistory(props: RunHistoryProps): ReactElement | null {
  const { runs, current, trans, lang } = props;
  if (runs.length === 0) {
    return null;
  }
  return (
    <details className="nbf-history">
      <summary>{trans.__('Runs of this notebook')}</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{trans.__('When')}</th>
            <th scope="col">{trans.__('State')}</th>
            <th scope="col">{trans.__('Duration')}</th>
            <th scope="col">{trans.__('Cause')}</th>
            <th scope="col">{trans.__('Parameters')}</th>
          </tr>
        </thead>
        <tbody>
          {runs.map(run => (
            <tr key={run.run_id} aria-current={run.run_id === current}>
              <td>
                <button
                  type="button"
                  className="nbf-link"
                  title={run.run_id}
                  onClick={() => props.onRun(run.run_id)}
                >
                  {new Date(run.created).toLocaleString(lang === 'ko' ? 'ko-KR' : 'en-GB')}
                </button>
              </td>
              <td>
                <State state={run.state} lang={lang} />
              </td>
              <td className="nbf-time">{run.seconds === null ? '' : duration(run.seconds)}</td>
              <td>{run.cause ?? kindOf(run.kind, trans)}</td>
              <td>{parametersOf(run.parameters)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function kindOf(kind: string, trans: Spoken['trans']): string {
  switch (kind) {
    case 'scheduled':
      return trans.__('its schedule');
    case 'backfill':
      return trans.__('a backfill');
    case 'manual':
      return trans.__('by hand');
    default:
      return kind;
  }
}

function parametersOf(given: Readonly<Record<string, unknown>>): string {
  return Object.entries(given)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join(', ');
}
