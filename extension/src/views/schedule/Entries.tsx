import type { ReactElement, ReactNode } from 'react';
import { type Entry, entriesOf, listOf } from '../../model/entries';
import type { PartProps } from './source';

interface EntriesProps extends Omit<PartProps, 'lang'> {
  /** The setting whose list it is. */
  setting: 'on' | 'notify';
  title: string;
  /** What removes an entry, by its number from 1. */
  remove: (number: number) => string;
  add: string;
  /** What is added first. */
  first: Entry;
  fields: (entry: Entry, number: number, put: (entry: Entry) => void) => ReactNode;
}

/** The entries of a list in the settings, each with its fields. */
export function Entries(props: EntriesProps): ReactElement {
  const { source, trans, setting, fields } = props;
  const entries = entriesOf(source.settings[setting]);
  const write = (next: readonly Entry[]) => source.set([setting], listOf(next));
  const put = (number: number) => (entry: Entry) =>
    write(entries.map((one, index) => (index === number ? entry : one)));
  return (
    <fieldset className="nbf-fields nbf-entries">
      <legend>{props.title}</legend>
      {entries.map((entry, number) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: entries are known by their place alone
          key={number}
          className="nbf-entry"
        >
          {fields(entry, number, put(number))}
          <button
            type="button"
            className="nbf-button"
            aria-label={props.remove(number + 1)}
            onClick={() => write(entries.filter((_, index) => index !== number))}
          >
            {trans.__('Remove')}
          </button>
        </div>
      ))}
      <button type="button" className="nbf-button" onClick={() => write([...entries, props.first])}>
        {props.add}
      </button>
    </fieldset>
  );
}
