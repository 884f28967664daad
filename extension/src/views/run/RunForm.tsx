import { type FormEvent, type ReactElement, useId, useState } from 'react';
import type { DagForm } from '../../api/types';
import { changedValues, type Field, type FieldValue, isWrong } from '../../model/parameters';
import type { Choice, Scope } from '../../model/scope';
import type { RunSource, Spoken } from './source';

export interface RunFormProps extends Spoken {
  source: RunSource;
  dag: DagForm;
}

/** What to run, and with which parameters. */
export function RunForm({ source, dag, trans }: RunFormProps): ReactElement {
  const { choice, fields, scope, wrong } = source;
  const [values, setValues] = useState<ReadonlyMap<string, FieldValue>>(new Map());
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const given = (field: Field) => values.get(field.name) ?? field.initial;
  const isAllRight = fields.every(
    field => given(field) === field.initial || !isWrong(field.kind, given(field))
  );
  const problemOf = (field: Field): string | null => {
    if (given(field) !== field.initial && isWrong(field.kind, given(field))) {
      return wordsOf(field, trans);
    }
    return touched.has(field.name) ? null : (wrong[field.name] ?? null);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isAllRight) {
      setTouched(new Set());
      source.start(changedValues(fields, values));
    }
  };
  const change = (field: Field, value: FieldValue) => {
    setValues(new Map(values).set(field.name, value));
    setTouched(new Set(touched).add(field.name));
  };
  return (
    <form className="nbf-run" onSubmit={submit} noValidate>
      <div className="nbf-row">
        <Scopes {...{ scope, dag, trans }} onScope={one => source.setScope(one)} />
        <button
          type="submit"
          className="nbf-button nbf-main"
          disabled={source.isBusy || !isAllRight || choice.tasks.length === 0}
        >
          {buttonText(choice, scope, trans)}
        </button>
      </div>
      {fields.length > 0 && (
        <fieldset className="nbf-fields">
          <legend>{trans.__('Parameters of this run')}</legend>
          {fields.map(field => (
            <Parameter
              key={field.name}
              field={field}
              value={given(field)}
              problem={problemOf(field)}
              onChange={value => change(field, value)}
            />
          ))}
        </fieldset>
      )}
    </form>
  );
}

type Trans = Spoken['trans'];

function buttonText(choice: Choice, scope: Scope, trans: Trans): string {
  const count = choice.tasks.length;
  if (scope.kind === 'failed' && count === 0) {
    return trans.__('Nothing failed');
  }
  return trans._n('Run %1 task', 'Run %1 tasks', count);
}

interface ScopesProps {
  scope: Scope;
  dag: DagForm;
  trans: Trans;
  onScope: (scope: Scope) => void;
}

function Scopes({ scope, dag, trans, onScope }: ScopesProps): ReactElement {
  const task = 'task' in scope ? scope.task : (dag.tasks[0]?.name ?? '');
  const choose = (kind: string, name: string) => {
    if (kind === 'all' || kind === 'failed') {
      onScope({ kind });
    } else if (kind === 'task' || kind === 'from' || kind === 'to') {
      onScope({ kind, task: name });
    }
  };
  return (
    <>
      <select
        className="nbf-input"
        aria-label={trans.__('What to run')}
        value={scope.kind}
        onChange={event => choose(event.target.value, task)}
      >
        <option value="all">{trans.__('All tasks')}</option>
        <option value="task">{trans.__('Only the task')}</option>
        <option value="from">{trans.__('From the task on')}</option>
        <option value="to">{trans.__('Up to the task')}</option>
        <option value="failed">{trans.__('What failed last time')}</option>
      </select>
      {'task' in scope && (
        <select
          className="nbf-input"
          aria-label={trans.__('Task')}
          value={task}
          onChange={event => choose(scope.kind, event.target.value)}
        >
          {dag.tasks.map(one => (
            <option key={one.name}>{one.name}</option>
          ))}
        </select>
      )}
    </>
  );
}

interface ParameterProps {
  field: Field;
  value: FieldValue;
  problem: string | null;
  onChange: (value: FieldValue) => void;
}

function Parameter({ field, value, problem, onChange }: ParameterProps): ReactElement {
  const id = useId();
  const described = { 'aria-describedby': `${id}-help`, 'aria-invalid': problem !== null };
  return (
    <div className="nbf-field" data-wrong={problem !== null}>
      <label htmlFor={id}>
        {field.name} <span className="nbf-quiet">{field.type}</span>
      </label>
      {typeof value === 'boolean' ? (
        <input
          id={id}
          type="checkbox"
          checked={value}
          onChange={event => onChange(event.target.checked)}
          {...described}
        />
      ) : (
        <input
          id={id}
          className="nbf-input"
          type={field.kind === 'date' ? 'date' : 'text'}
          inputMode={field.kind === 'int' || field.kind === 'float' ? 'decimal' : 'text'}
          value={value}
          onChange={event => onChange(event.target.value)}
          {...described}
        />
      )}
      <p
        id={`${id}-help`}
        className={problem === null ? 'nbf-quiet' : 'nbf-wrong'}
        role={problem === null ? undefined : 'alert'}
      >
        {problem === null ? field.help : `✕ ${problem}`}
      </p>
    </div>
  );
}

function wordsOf(field: Field, trans: Trans): string {
  switch (field.kind) {
    case 'int':
      return trans.__('%1 must be a whole number', field.name);
    case 'float':
      return trans.__('%1 must be a number', field.name);
    default:
      return trans.__('%1 must be a date', field.name);
  }
}
