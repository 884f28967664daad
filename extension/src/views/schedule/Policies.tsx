import type { ReactElement } from 'react';
import { problemAt, textAt } from '../../model/settings';
import { Field } from './Field';
import type { PartProps } from './source';

type Trans = PartProps['trans'];

/** Between which days, what becomes of runs that can't begin in time, and how often to try again. */
export function Policies({ source, trans }: PartProps): ReactElement {
  return (
    <fieldset className="nbf-fields">
      <legend>{trans.__('How it runs')}</legend>
      <Text
        label={trans.__('Not before')}
        path={['start_date']}
        help={trans.__('Like 2026-12-01 or 2026-12-01T09:00')}
        {...{ source, trans }}
      />
      <Text label={trans.__('Not after')} path={['end_date']} {...{ source, trans }} />
      <Choice
        label={trans.__('Runs missed while nobody was there')}
        setting="catchup"
        words={[
          ['none', trans.__('run none of them')],
          ['latest', trans.__('run the newest')],
          ['all', trans.__('run every one')]
        ]}
        {...{ source, trans }}
      />
      <Choice
        label={trans.__('While the run before goes on')}
        setting="overlap"
        words={[
          ['queue', trans.__('wait for it')],
          ['skip', trans.__('leave the new one out')],
          ['cancel_other', trans.__('cancel the older one')]
        ]}
        {...{ source, trans }}
      />
      <Text
        label={trans.__('Runs at a time')}
        path={['max_active_runs']}
        isNumber
        {...{ source, trans }}
      />
      <Text
        label={trans.__('Retries of a task that fails')}
        path={['defaults', 'retries']}
        isNumber
        {...{ source, trans }}
      />
      <Text
        label={trans.__('Wait between tries')}
        path={['defaults', 'retry_delay']}
        help={trans.__('Seconds, or 90s, 15m, 2h, 1d')}
        {...{ source, trans }}
      />
    </fieldset>
  );
}

interface TextProps {
  label: string;
  path: readonly string[];
  help?: string;
  isNumber?: boolean;
  source: PartProps['source'];
  trans: Trans;
}

/** A setting as text; its default stands there in grey. */
function Text({ label, path, help, isNumber, source }: TextProps): ReactElement {
  const write = (text: string) =>
    source.set(path, text === '' ? undefined : isNumber ? Number(text) : text);
  return (
    <Field
      label={label}
      {...(help ? { help } : {})}
      problem={problemAt(source.answer?.problems ?? [], path.join('.'))}
    >
      {control => (
        <input
          {...control}
          type={isNumber ? 'number' : 'text'}
          placeholder={textAt(source.answer?.defaults ?? {}, path)}
          value={textAt(source.settings, path)}
          onChange={event => write(event.target.value)}
        />
      )}
    </Field>
  );
}

interface ChoiceProps {
  label: string;
  setting: string;
  words: readonly (readonly [string, string])[];
  source: PartProps['source'];
  trans: Trans;
}

function Choice({ label, setting, words, source }: ChoiceProps): ReactElement {
  const chosen =
    textAt(source.settings, [setting]) || textAt(source.answer?.defaults ?? {}, [setting]);
  return (
    <Field label={label} problem={problemAt(source.answer?.problems ?? [], setting)}>
      {control => (
        <select
          {...control}
          value={chosen}
          onChange={event => source.set([setting], event.target.value)}
        >
          {!words.some(([value]) => value === chosen) && <option>{chosen}</option>}
          {words.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
