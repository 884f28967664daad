import { type ReactElement, type ReactNode, useLayoutEffect, useRef } from 'react';
import type { AttemptForm, TaskInstanceAnswer } from '../../api/types';
import { State } from './State';
import type { Spoken, TaskActions } from './source';

export interface TaskDetailsProps extends Spoken {
  task: TaskInstanceAnswer;
  log: string;
  /** What people call cells, by id. */
  numbers: ReadonlyMap<string, string>;
  actions: TaskActions;
  /** More that can be asked for. */
  children?: ReactNode;
}

/** A task of a run: its cells one by one, what went wrong, and what it wrote. */
export function TaskDetails(props: TaskDetailsProps): ReactElement {
  const { task, log, numbers, actions, trans, lang } = props;
  const last = task.attempts.at(-1);
  return (
    <section className="nbf-of-task" aria-label={trans.__('Task %1', task.task.task)}>
      <p className="nbf-row">
        <strong>{task.task.task}</strong>
        <State state={task.task.state} lang={lang} />
        {task.attempts.length > 1 && (
          <span className="nbf-quiet">{trans.__('try %1', task.attempts.length)}</span>
        )}
      </p>
      {last && <Cells {...{ last, numbers, actions, trans, lang }} />}
      {last?.error && (
        <div className="nbf-trouble" role="alert">
          <strong>{`${last.error.name}: ${last.error.message}`}</strong>
          <details>
            <summary>{trans.__('Traceback')}</summary>
            <pre>{last.error.traceback}</pre>
          </details>
        </div>
      )}
      {last?.outcome && (
        <p className="nbf-row">
          <button type="button" className="nbf-button" onClick={() => actions.open()}>
            {last.error?.cell
              ? trans.__('Open at the failing cell')
              : trans.__('Open with its inputs')}
          </button>
          <span className="nbf-quiet">
            {trans.__('A fresh kernel gets what the task found; nothing is run again.')}
          </span>
        </p>
      )}
      {props.children && <p className="nbf-row">{props.children}</p>}
      <Log text={log} trans={trans} lang={lang} />
    </section>
  );
}

interface CellsProps extends Spoken {
  last: AttemptForm;
  numbers: ReadonlyMap<string, string>;
  actions: TaskActions;
}

const OF_CELLS: Readonly<Record<string, string>> = {
  completed: 'success',
  failed: 'failed',
  running: 'running',
  skipped: 'skipped',
  cancelled: 'cancelled',
  timed_out: 'failed',
  killed: 'failed'
};

/** Cells that were gone through; one that failed has ended, but nothing of it is done. */
const WELL: readonly string[] = ['completed', 'skipped'];

function Cells({ last, numbers, actions, trans, lang }: CellsProps): ReactElement | null {
  if (last.cells.length === 0) {
    return null;
  }
  const done = last.cells.filter(cell => WELL.includes(cell.status)).length;
  return (
    <>
      <p className="nbf-quiet">{trans.__('%1 of %2 cells done', done, last.cells.length)}</p>
      <ol className="nbf-cells" aria-label={trans.__('Cells')}>
        {last.cells.map(cell => (
          <li key={cell.cell}>
            <button
              type="button"
              className="nbf-link"
              onClick={() => actions.showCells([cell.cell])}
            >
              {trans.__('cell %1', numbers.get(cell.cell) ?? cell.cell)}
            </button>{' '}
            <State state={OF_CELLS[cell.status] ?? 'none'} lang={lang} />
          </li>
        ))}
      </ol>
    </>
  );
}

/** The end of a log; it stays at the end while it grows, unless somebody scrolled up. */
function Log({ text, trans }: { text: string } & Spoken): ReactElement {
  const place = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it moves when the text does
  useLayoutEffect(() => {
    if (place.current && isAtEnd.current) {
      place.current.scrollTop = place.current.scrollHeight;
    }
  }, [text]);
  return (
    <pre
      ref={place}
      className="nbf-log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
      tabIndex={0}
      role="log"
      aria-label={trans.__('Log')}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 8;
      }}
    >
      {text || trans.__('It has written nothing yet.')}
    </pre>
  );
}
