import type { ReactElement } from 'react';
import {
  CHANNELS,
  channelOf,
  type Entry,
  EVENTS,
  entryText,
  eventsOf,
  toChannel,
  withEvent
} from '../../model/entries';
import { problemAt } from '../../model/settings';
import { Entries } from './Entries';
import { Field } from './Field';
import type { PartProps } from './source';
import { channelWord, eventWord } from './words';

/** Who is told of what. */
export function Notifications({ source, trans }: PartProps): ReactElement {
  return (
    <Entries
      {...{ source, trans }}
      setting="notify"
      title={trans.__('Who is told')}
      remove={number => trans.__('Remove notification %1', number)}
      add={trans.__('Add somebody')}
      first={{ email: '' }}
      fields={(entry, number, put) => (
        <Target {...{ entry, number, source, trans }} onChange={put} />
      )}
    />
  );
}

interface TargetProps {
  entry: Entry;
  number: number;
  source: PartProps['source'];
  trans: PartProps['trans'];
  onChange: (entry: Entry) => void;
}

function Target({ entry, number, source, trans, onChange }: TargetProps): ReactElement {
  const channel = channelOf(entry);
  return (
    <>
      <Field label={trans.__('Notification %1', number + 1)} problem={null}>
        {control => (
          <select
            {...control}
            value={channel}
            onChange={event =>
              onChange(
                toChannel(entry, CHANNELS.find(one => one === event.target.value) ?? 'email')
              )
            }
          >
            {CHANNELS.map(one => (
              <option key={one} value={one}>
                {channelWord(one, trans)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field
        label={channel === 'email' ? trans.__('Addresses') : trans.__('Address')}
        help={
          channel === 'email'
            ? trans.__('Several with commas between')
            : trans.__('https://…, or $NAME of a variable of the scheduler that holds it')
        }
        problem={problemAt(source.answer?.problems ?? [], `notify.${number}`)}
      >
        {control => (
          <input
            {...control}
            type="text"
            spellCheck={false}
            value={entryText(entry, channel)}
            onChange={event => onChange({ ...entry, [channel]: event.target.value })}
          />
        )}
      </Field>
      <fieldset className="nbf-events">
        <legend>{trans.__('Of what')}</legend>
        {EVENTS.map(one => (
          <label key={one}>
            <input
              type="checkbox"
              checked={eventsOf(entry).includes(one)}
              onChange={event => onChange(withEvent(entry, one, event.target.checked))}
            />
            {eventWord(one, trans)}
          </label>
        ))}
      </fieldset>
    </>
  );
}
