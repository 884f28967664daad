import type { ReactElement } from 'react';
import {
  type Entry,
  entryText,
  newTrigger,
  TRIGGERS,
  type TriggerWord,
  triggerOf
} from '../../model/entries';
import { problemAt } from '../../model/settings';
import { Entries } from './Entries';
import { Field } from './Field';
import type { PartProps } from './source';
import { triggerWord } from './words';

type Trans = PartProps['trans'];

/** What makes it run beside the clock. */
export function Triggers({ source, trans }: PartProps): ReactElement {
  return (
    <Entries
      {...{ source, trans }}
      setting="on"
      title={trans.__('What else makes it run')}
      remove={number => trans.__('Remove trigger %1', number)}
      add={trans.__('Add a trigger')}
      first={newTrigger('dag')}
      fields={(entry, number, put) => (
        <Trigger {...{ entry, number, source, trans }} onChange={put} />
      )}
    />
  );
}

interface TriggerProps {
  entry: Entry;
  number: number;
  source: PartProps['source'];
  trans: Trans;
  onChange: (entry: Entry) => void;
}

function Trigger({ entry, number, source, trans, onChange }: TriggerProps): ReactElement {
  const kind = triggerOf(entry);
  const problem = problemAt(source.answer?.problems ?? [], `on.${number}`);
  return (
    <>
      <Field label={trans.__('Trigger %1', number + 1)} problem={kind === 'code' ? problem : null}>
        {control => (
          <select
            {...control}
            value={kind}
            onChange={event =>
              onChange(newTrigger(TRIGGERS.find(one => one === event.target.value) ?? 'dag'))
            }
          >
            {TRIGGERS.map(one => (
              <option key={one} value={one}>
                {triggerWord(one, trans)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {kind !== 'code' && (
        <Field label={wantedWord(kind, trans)} help={helpOf(kind, trans)} problem={problem}>
          {control => (
            <input
              {...control}
              type="text"
              spellCheck={false}
              value={entryText(entry, kind)}
              onChange={event => onChange({ ...entry, [kind]: event.target.value })}
            />
          )}
        </Field>
      )}
      {kind === 'dag' && (
        <Field label={trans.__('Has')} problem={null}>
          {control => (
            <select
              {...control}
              value={entryText(entry, 'state') || 'success'}
              onChange={event => onChange({ ...entry, state: event.target.value })}
            >
              <option value="success">{trans.__('succeeded')}</option>
              <option value="failure">{trans.__('failed')}</option>
              <option value="end">{trans.__('ended, however')}</option>
            </select>
          )}
        </Field>
      )}
      {kind === 'metric' && (
        <Field label={trans.__('Of the DAG')} help={trans.__('Empty: of this one')} problem={null}>
          {control => (
            <input
              {...control}
              type="text"
              value={entryText(entry, 'dag')}
              onChange={event => onChange({ ...entry, dag: event.target.value || undefined })}
            />
          )}
        </Field>
      )}
    </>
  );
}

function wantedWord(kind: TriggerWord, trans: Trans): string {
  switch (kind) {
    case 'files':
      return trans.__('Files');
    case 'metric':
      return trans.__('Condition');
    default:
      return trans.__('DAG');
  }
}

function helpOf(kind: TriggerWord, trans: Trans): string {
  switch (kind) {
    case 'files':
      return trans.__('A pattern from the notebook’s folder, like inbox/*.csv');
    case 'metric':
      return trans.__('Like metric("accuracy") < 0.9');
    default:
      return trans.__('Its name');
  }
}
