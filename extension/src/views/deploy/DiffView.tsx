import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { CellChangeForm, CompareAnswer } from '../../api/types';
import { hunksOf } from '../../model/diff';
import { DialogBody } from '../DialogBody';

interface FoundProps {
  found: CompareAnswer;
  trans: TranslationBundle;
}

interface DiffProps extends FoundProps {
  /** Whether another version was deployed while an older one was looked at. */
  isStale: boolean;
}

/** What a deploy would change, for a dialog. All of it is text: nothing of a notebook is parsed. */
export class DiffView extends DialogBody {
  constructor(
    private readonly _found: CompareAnswer,
    private readonly _isStale: boolean,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('nbf-schedule');
    this.addClass('nbf-diff');
  }

  protected override render(): ReactElement {
    return <Body found={this._found} isStale={this._isStale} trans={this._trans} />;
  }
}

function Body({ found, isStale, trans }: DiffProps): ReactElement {
  return (
    <>
      {isStale && (
        <p className="nbf-wrong" role="alert">
          {trans.__(
            'What is deployed was changed meanwhile, not from here: nothing was deployed. This is how it stands now.'
          )}
        </p>
      )}
      <p className="nbf-head">{stateText(found, trans)}</p>
      <Settings found={found} trans={trans} />
      <Tasks found={found} trans={trans} />
      <Edges found={found} trans={trans} />
      <Cells cells={found.cells} reason={found.no_cells} trans={trans} />
    </>
  );
}

function stateText({ drift, dag_id }: CompareAnswer, trans: TranslationBundle): string {
  switch (drift) {
    case 'never':
      return trans.__('%1 is not deployed: it runs by hand only.', dag_id);
    case 'same':
      return trans.__('%1 is deployed as it is here.', dag_id);
    default:
      return trans.__('%1 is deployed, and this notebook differs from it.', dag_id);
  }
}

function Settings({ found, trans }: FoundProps): ReactElement | null {
  return found.settings.length === 0 ? null : (
    <section>
      <h2>{trans.__('Settings')}</h2>
      <table className="nbf-fires">
        <thead>
          <tr>
            <th scope="col">{trans.__('Setting')}</th>
            <th scope="col">{trans.__('Deployed')}</th>
            <th scope="col">{trans.__('Here')}</th>
          </tr>
        </thead>
        <tbody>
          {found.settings.map(one => (
            <tr key={one.setting}>
              <td>{one.setting}</td>
              <td className="nbf-quiet">{one.before || '–'}</td>
              <td>{one.after || '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Tasks({ found, trans }: FoundProps): ReactElement | null {
  const groups: [string, string, readonly string[]][] = [
    ['+', trans.__('New tasks'), found.added],
    ['±', trans.__('Changed tasks'), found.changed],
    ['−', trans.__('Tasks that go'), found.removed]
  ];
  const shown = groups.filter(([, , names]) => names.length > 0);
  return shown.length === 0 ? null : (
    <section>
      <h2>{trans.__('Tasks')}</h2>
      {shown.map(([sign, word, names]) => (
        <p key={sign}>
          {sign} {word}: {names.join(', ')}
        </p>
      ))}
    </section>
  );
}

function Edges({ found, trans }: FoundProps): ReactElement | null {
  return found.edges.length === 0 ? null : (
    <section>
      <h2>{trans.__('Dependencies')}</h2>
      <ul className="nbf-changes">
        {found.edges.map(one => (
          <li key={`${one.source} ${one.target} ${one.new} ${one.why}`}>
            {one.new ? '+' : '−'} {one.source} → {one.target}{' '}
            <span className="nbf-quiet">{one.why}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface CellsProps {
  cells: readonly CellChangeForm[] | null;
  reason: string | null;
  trans: TranslationBundle;
}

function Cells({ cells, reason, trans }: CellsProps): ReactElement | null {
  if (cells === null) {
    return (
      <p className="nbf-quiet">
        {reason ??
          trans.__('To see the cells that differ, install nbdime where the Jupyter server runs.')}
      </p>
    );
  }
  return cells.length === 0 ? null : (
    <section>
      <h2>{trans.__('Cells')}</h2>
      {cells.map(one => (
        <Cell key={`${one.kind} ${one.place} ${one.cell}`} cell={one} trans={trans} />
      ))}
    </section>
  );
}

function Cell({ cell, trans }: { cell: CellChangeForm; trans: TranslationBundle }): ReactElement {
  const title = cellTitle(cell, trans);
  return (
    <figure className="nbf-cell-change">
      <figcaption>
        {title}
        {cell.settings.length > 0 && (
          <span className="nbf-quiet"> · {cell.settings.join(', ')}</span>
        )}
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre tabIndex={0}>
        {hunksOf(cell.lines).map((hunk, index) =>
          hunk.kind === 'gap' ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of an answer stay in order
            <span key={index} className="nbf-gap">
              {`  ⋯ ${trans._n('%1 line', '%1 lines', hunk.count)}\n`}
            </span>
          ) : (
            hunk.lines.map((line, number) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the lines of an answer stay in order
              <span key={`${index} ${number}`} data-sign={line.sign}>
                {`${line.sign} ${line.text}\n`}
              </span>
            ))
          )
        )}
      </pre>
    </figure>
  );
}

function cellTitle({ kind, place }: CellChangeForm, trans: TranslationBundle): string {
  switch (kind) {
    case 'added':
      return trans.__('New cell %1', place);
    case 'removed':
      return trans.__('Cell %1 goes', place);
    case 'changed':
      return trans.__('Cell %1', place);
  }
}
