import type { ReactElement } from 'react';
import type { RunForm } from '../../api/types';
import { inOneLine } from '../../model/comparing';
import { duration } from '../../model/durations';
import { toldApart } from '../../model/instants';
import { exactly, inZone } from '../../model/past';
import { Ago } from '../Ago';
import { State } from './State';
import type { Spoken } from './source';

export interface RunTableProps extends Spoken {
  runs: readonly RunForm[];
  /** The run that is looked at. */
  current: string | null;
  onRun: (run: string) => void;
  /** Runs that are ticked, where they can be. */
  picked?: readonly string[];
  onPick?: (run: string) => void;
  /** Tell which DAG each is of; a click shows its runs alone. */
  onDag?: ((dag: string) => void) | undefined;
}

/** Runs, one a line: a click shows one of them. */
export function RunTable(props: RunTableProps): ReactElement {
  const { runs, current, picked, onPick, onDag, trans, lang } = props;
  const slots = slotsOf(runs, lang);
  return (
    <table className="nbf-table">
      <thead>
        <tr>
          {onPick && (
            <th scope="col">
              <span className="nbf-unseen">{trans.__('Compare')}</span>
            </th>
          )}
          <th scope="col">{trans.__('When')}</th>
          {onDag && <th scope="col">{trans.__('DAG')}</th>}
          <th scope="col">{trans.__('State')}</th>
          <th scope="col">{trans.__('Duration')}</th>
          <th scope="col">{trans.__('Cause')}</th>
          <th scope="col">{trans.__('Parameters')}</th>
        </tr>
      </thead>
      <tbody>
        {runs.map(run => (
          <tr key={run.run_id} aria-current={run.run_id === current}>
            {onPick && (
              <td>
                <input
                  type="checkbox"
                  aria-label={trans.__('Compare the run of %1', inZone(run.created, lang))}
                  checked={picked?.includes(run.run_id) ?? false}
                  onChange={() => onPick(run.run_id)}
                />
              </td>
            )}
            <td>
              <button
                type="button"
                className="nbf-link"
                title={captionOf(run, lang)}
                onClick={() => props.onRun(run.run_id)}
              >
                <Ago instant={run.created} lang={lang} isTold />
              </button>
            </td>
            {onDag && (
              <td>
                <button type="button" className="nbf-link" onClick={() => onDag(run.dag_id)}>
                  {run.dag_id}
                </button>
              </td>
            )}
            <td>
              <State state={run.state} lang={lang} />
            </td>
            <td className="nbf-time">{run.seconds === null ? '' : duration(run.seconds)}</td>
            <td title={exactlyFor(run, lang)}>{causeOf(run, slots, trans)}</td>
            <td className="nbf-given">{inOneLine(run.parameters)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** When exactly a run was asked for, and its id. */
export function captionOf(run: RunForm, lang: Spoken['lang']): string {
  return `${exactly(run.created, lang, run.timezone)}\n${run.run_id}`;
}

/** The instant that a run is for, where that is not simply when it was asked for. */
function exactlyFor(run: RunForm, lang: Spoken['lang']): string | undefined {
  const { kind, logical_date: slot, timezone } = run;
  return kind === 'manual' || slot === null ? undefined : exactly(slot, lang, timezone);
}

/** The instants that runs are for, in words that tell them apart. */
export function slotsOf(
  runs: readonly RunForm[],
  lang: Spoken['lang']
): ReadonlyMap<string, string> {
  return toldApart(
    runs.flatMap(run => run.logical_date ?? []),
    slot => inZone(slot, lang)
  );
}

/** What made a run, and the instant that it is for. */
export function causeOf(
  run: RunForm,
  slots: ReadonlyMap<string, string>,
  trans: Spoken['trans']
): string {
  const made = run.cause ?? kindOf(run.kind, trans);
  const slot = run.kind === 'manual' ? undefined : slots.get(run.logical_date ?? '');
  return slot === undefined ? made : trans.__('%1, for %2', made, slot);
}

/** What made runs, in words. */
export function kindOf(kind: string, trans: Spoken['trans']): string {
  switch (kind) {
    case 'scheduled':
      return trans.__('its schedule');
    case 'backfill':
      return trans.__('a backfill');
    case 'manual':
      return trans.__('by hand');
    case 'triggered':
      return trans.__('a trigger');
    default:
      return kind;
  }
}
