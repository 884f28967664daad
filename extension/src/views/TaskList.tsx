import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useContext } from 'react';
import type { DagForm, EdgeForm, TaskForm } from '../api/types';
import { StateIcon } from './run/State';
import { RunStates } from './runStates';

export interface TaskListProps {
  dag: DagForm;
  trans: TranslationBundle;
  onTask: (task: TaskForm) => void;
}

/** The DAG as a list: all that the picture tells, for reading and for screen readers. */
export function TaskList({ dag, trans, onTask }: TaskListProps): ReactElement {
  const reasons = reasonsByTarget(dag.edges);
  return (
    <ol className="nbf-tasks" aria-label={trans.__('Tasks')}>
      {dag.tasks.map(task => (
        <li key={task.name}>
          <button type="button" className="nbf-task" onClick={() => onTask(task)}>
            {task.name}
          </button>
          <Ran task={task.name} />
          <Reasons reasons={reasons.get(task.name) ?? new Map()} trans={trans} />
        </li>
      ))}
    </ol>
  );
}

/** How a task stood last, as the picture's colours tell. */
function Ran({ task }: { task: string }): ReactElement | null {
  const ran = useContext(RunStates).get(task);
  return ran ? (
    <span className="nbf-state" data-state={ran.state}>
      <StateIcon state={ran.state} />
      {ran.word}
    </span>
  ) : null;
}

function Reasons(props: {
  reasons: Map<string, string[]>;
  trans: TranslationBundle;
}): ReactElement {
  if (props.reasons.size === 0) {
    return <p className="nbf-quiet">{props.trans.__('waits for nothing')}</p>;
  }
  return (
    <ul>
      {[...props.reasons].map(([source, why]) => (
        <li key={source}>
          {props.trans.__('waits for %1', source)}
          <span className="nbf-quiet"> · {why.join(' · ')}</span>
        </li>
      ))}
    </ul>
  );
}

/** For each task: the tasks it waits for, with the reasons of each. */
function reasonsByTarget(edges: readonly EdgeForm[]): Map<string, Map<string, string[]>> {
  const found = new Map<string, Map<string, string[]>>();
  for (const edge of edges) {
    const sources = found.get(edge.target) ?? new Map<string, string[]>();
    const why = sources.get(edge.source) ?? [];
    if (!why.includes(edge.why)) {
      why.push(edge.why);
    }
    sources.set(edge.source, why);
    found.set(edge.target, sources);
  }
  return found;
}
