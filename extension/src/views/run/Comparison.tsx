import { type ReactElement, type ReactNode, useState } from 'react';
import type { Comparison as Compared, RunForm } from '../../api/types';
import { change, figure, longer, type Pair, parameterPairs } from '../../model/comparing';
import { duration } from '../../model/durations';
import { inZone } from '../../model/past';
import type { HistorySource } from './historySource';
import { OutputsFrame } from './OutputsFrame';
import { captionOf, causeOf, slotsOf } from './RunTable';
import { State } from './State';
import type { Spoken } from './source';

export interface ComparisonProps extends Spoken {
  comparison: Compared;
  source: HistorySource;
}

/** Two runs side by side: what was given, what it took, what came of it, and what differs. */
export function Comparison(props: ComparisonProps): ReactElement {
  const { comparison, source, trans } = props;
  const { run, other, metrics, outputs } = comparison;
  const parameters = parameterPairs(run.parameters, other.parameters);
  return (
    <section className="nbf-one nbf-compared" aria-label={trans.__('Two runs side by side')}>
      <div className="nbf-row">
        <h2>{trans.__('Two runs side by side')}</h2>
        <button type="button" className="nbf-button" onClick={() => source.endComparison()}>
          {trans.__('Close')}
        </button>
      </div>
      <Runs {...props} />
      {parameters.length > 0 && <Parameters pairs={parameters} {...props} />}
      <Tasks {...props} />
      {metrics.length > 0 && <Metrics {...props} />}
      {outputs === null ? (
        <p className="nbf-verdict">
          {trans.__('One of the runs left no executed notebook to compare.')}
        </p>
      ) : outputs.length === 0 ? (
        <p className="nbf-verdict">{trans.__('All cells have the same outputs.')}</p>
      ) : (
        <Outputs {...props} />
      )}
      {outputs !== null && <Pages {...props} />}
    </section>
  );
}

interface PairTableProps extends ComparisonProps {
  title: string;
  /** What stands in the column of names. */
  of: string;
  /** What stands right of both runs. */
  beside?: string;
  children: ReactNode;
}

/** A table with a column for each run. */
function PairTable(props: PairTableProps): ReactElement {
  const { comparison, title, of, beside, lang } = props;
  return (
    <table className="nbf-table nbf-pairs">
      <caption>{title}</caption>
      <thead>
        <tr>
          {of ? <th scope="col">{of}</th> : <td />}
          {[comparison.run, comparison.other].map(run => (
            <th scope="col" key={run.run_id} title={captionOf(run, lang)}>
              {inZone(run.created, lang)}
            </th>
          ))}
          {beside !== undefined && <th scope="col">{beside}</th>}
        </tr>
      </thead>
      <tbody>{props.children}</tbody>
    </table>
  );
}

/** A line of such a table; whether the runs differ is told by a sign, not by its weight alone. */
function Line(props: {
  name: string;
  differs: boolean;
  cells: readonly ReactNode[];
  trans: Spoken['trans'];
}): ReactElement {
  return (
    <tr data-differs={props.differs}>
      <th scope="row">
        {props.name}
        {props.differs && (
          <span role="img" className="nbf-differs" aria-label={props.trans.__('differs')}>
            {' ≠'}
          </span>
        )}
      </th>
      {props.cells.map((cell, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the columns are always the same
        <td key={at}>{cell}</td>
      ))}
    </tr>
  );
}

function Runs(props: ComparisonProps): ReactElement {
  const { comparison, trans, lang } = props;
  const both = [comparison.run, comparison.other];
  const slots = slotsOf(both, lang);
  const line = (name: string, of: (run: RunForm) => string, show?: (run: RunForm) => ReactNode) => (
    <Line
      name={name}
      differs={of(comparison.run) !== of(comparison.other)}
      cells={both.map(run => (show ?? of)(run))}
      trans={trans}
    />
  );
  const took = (run: RunForm) => (run.seconds === null ? '' : duration(run.seconds));
  return (
    <PairTable {...props} title={trans.__('Runs')} of="">
      {line(
        trans.__('State'),
        run => run.state,
        run => (
          <State state={run.state} lang={lang} />
        )
      )}
      {line(trans.__('Duration'), took)}
      {line(trans.__('Cause'), run => causeOf(run, slots, trans))}
      {line(
        trans.__('Version'),
        run => run.version,
        run => (
          <code title={run.version}>{run.version.slice(0, 12)}</code>
        )
      )}
    </PairTable>
  );
}

function Parameters(props: ComparisonProps & { pairs: readonly Pair[] }): ReactElement {
  const { trans } = props;
  const shown = (value: string | null) =>
    value ?? <span className="nbf-quiet">{trans.__('as in the notebook')}</span>;
  return (
    <PairTable {...props} title={trans.__('Parameters')} of={trans.__('Parameter')}>
      {props.pairs.map(({ name, first, second, differs }) => (
        <Line key={name} cells={[shown(first), shown(second)]} {...{ name, differs, trans }} />
      ))}
    </PairTable>
  );
}

function Tasks(props: ComparisonProps): ReactElement {
  const { comparison, trans, lang } = props;
  const shown = (state: string | null, seconds: number | null) =>
    state === null ? (
      <span className="nbf-quiet">{trans.__('not in this run')}</span>
    ) : (
      <>
        <State state={state} lang={lang} />{' '}
        <span className="nbf-time">{seconds === null ? '' : duration(seconds)}</span>
      </>
    );
  return (
    <PairTable
      {...props}
      title={trans.__('Tasks')}
      of={trans.__('Task')}
      beside={trans.__('Longer by')}
    >
      {comparison.tasks.map(one => (
        <Line
          key={one.task}
          name={one.task}
          differs={one.state !== one.other_state}
          cells={[
            shown(one.state, one.seconds),
            shown(one.other_state, one.other_seconds),
            <span key="more" className="nbf-time">
              {longer(one.seconds, one.other_seconds)}
            </span>
          ]}
          trans={trans}
        />
      ))}
    </PairTable>
  );
}

function Metrics(props: ComparisonProps): ReactElement {
  const { comparison, trans } = props;
  return (
    <PairTable
      {...props}
      title={trans.__('Metrics')}
      of={trans.__('Metric')}
      beside={trans.__('Change')}
    >
      {comparison.metrics.map(one => (
        <Line
          key={`${one.task} ${one.name}`}
          name={`${one.task} · ${one.name}`}
          differs={one.value !== one.other}
          cells={[figure(one.value), figure(one.other), change(one.change)]}
          trans={trans}
        />
      ))}
    </PairTable>
  );
}

function Outputs(props: ComparisonProps): ReactElement {
  const { comparison, source, trans } = props;
  const shown = (text: string | null) =>
    text === null ? (
      <span className="nbf-quiet">{trans.__('no such cell')}</span>
    ) : (
      <pre>{text}</pre>
    );
  return (
    <PairTable
      {...props}
      title={trans.__('Outputs that differ, at the first place')}
      of={trans.__('Cell')}
    >
      {(comparison.outputs ?? []).map(one => (
        <tr key={`${one.cell} ${one.what}`}>
          <th scope="row">
            <button type="button" className="nbf-link" onClick={() => source.showCells([one.cell])}>
              {trans.__('cell %1', source.numbers.get(one.cell) ?? one.cell)}
            </button>
            <code>{one.line}</code>
            <span className="nbf-quiet">{one.what}</span>
          </th>
          <td>{shown(one.text)}</td>
          <td>{shown(one.other_text)}</td>
        </tr>
      ))}
    </PairTable>
  );
}

/** The pages of both runs, once somebody asks for them: each in a frame that reaches nothing. */
function Pages({ comparison, source, trans, lang }: ComparisonProps): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const first = comparison.outputs?.[0]?.cell;
  return (
    <details onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{trans.__('All outputs side by side')}</summary>
      {isOpen && (
        <div className="nbf-pages">
          {[comparison.run, comparison.other].map(run => (
            <OutputsFrame
              key={run.run_id}
              url={source.pageUrl(run.run_id, first)}
              title={trans.__('Outputs of the run of %1', inZone(run.created, lang))}
            />
          ))}
        </div>
      )}
    </details>
  );
}
