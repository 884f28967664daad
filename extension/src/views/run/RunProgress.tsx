import type { ReactElement, ReactNode } from 'react';
import type { RunAnswer } from '../../api/types';
import { timeOf } from '../../model/lastRan';
import { Ago } from '../Ago';
import { useSeconds } from '../useSeconds';
import { State } from './State';
import type { Spoken } from './source';

export interface RunProgressProps extends Spoken {
  answer: RunAnswer;
  isGoingOn: boolean;
  hasScheduler: boolean;
  chosen: string | null;
  onTask: (task: string) => void;
  onCancel: () => void;
  onOutputs: () => void;
  /** More that can be asked for. */
  children?: ReactNode;
}

/** A run while it goes on, and how it ended: its tasks in page order, each with state and time. */
export function RunProgress(props: RunProgressProps): ReactElement {
  const { answer, isGoingOn, hasScheduler, chosen, trans, lang } = props;
  useSeconds(isGoingOn);
  const { run, tasks } = answer;
  const time = timeOf(run, Date.now());
  return (
    <section className="nbf-progress" aria-label={trans.__('Run')}>
      <p className="nbf-row">
        <span role="status">
          <State state={run.state} lang={lang} />
        </span>
        {time && <span className="nbf-time">{time}</span>}
        <Ago className="nbf-quiet" instant={run.created} zone={run.timezone} lang={lang} />
        {isGoingOn && (
          <button type="button" className="nbf-button" onClick={props.onCancel}>
            {trans.__('Cancel the run')}
          </button>
        )}
        {tasks.some(task => task.ended !== null) && (
          <button type="button" className="nbf-button" onClick={props.onOutputs}>
            {trans.__('Show the outputs')}
          </button>
        )}
        {props.children}
      </p>
      {run.note && <p>{run.note}</p>}
      {run.state === 'queued' && !hasScheduler && (
        <p role="alert">
          {trans.__(
            'No scheduler works: the run waits until one does. Start it with: nbflow scheduler'
          )}
        </p>
      )}
      <ol className="nbf-states" aria-label={trans.__('Tasks of the run')}>
        {tasks.map(task => (
          <li key={task.task}>
            <button
              type="button"
              className="nbf-task-state"
              aria-pressed={task.task === chosen}
              onClick={() => props.onTask(task.task)}
            >
              <span className="nbf-name">{task.task}</span>
              <State state={task.state} lang={lang} />
              <span className="nbf-time">{timeOf(task, Date.now())}</span>
            </button>
            {task.reason && task.state !== 'success' && <p className="nbf-quiet">{task.reason}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}
