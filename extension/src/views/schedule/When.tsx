import { type ReactElement, useId, useState } from 'react';
import {
  begin,
  expressionOf,
  KINDS,
  type Preset,
  type PresetKind,
  presetOf
} from '../../model/presets';
import { problemAt, textAt } from '../../model/settings';
import { Choice } from './Choice';
import { Field } from './Field';
import type { PartProps } from './source';
import { kindWord } from './words';

/** When it runs by itself: a choice or an expression, and the zone that it is meant in. */
export function When({
  source,
  trans,
  zones
}: PartProps & { zones: readonly string[] }): ReactElement {
  const [isCustom, setCustom] = useState(false);
  const problems = source.answer?.problems ?? [];
  const expression = textAt(source.settings, ['schedule']);
  const found = presetOf(expression);
  const kind = isCustom ? 'custom' : found.kind;
  const write = (preset: Preset) => source.set(['schedule'], expressionOf(preset) ?? undefined);
  const choose = (next: PresetKind) => {
    setCustom(next === 'custom');
    write(begin(next, found, new Date()));
  };
  return (
    <fieldset className="nbf-fields">
      <legend>{trans.__('When it runs')}</legend>
      <Field label={trans.__('Repeats')} problem={null}>
        {control => (
          <select
            {...control}
            value={kind}
            onChange={event => choose(KINDS.find(one => one === event.target.value) ?? 'custom')}
          >
            {KINDS.map(one => (
              <option key={one} value={one}>
                {kindWord(one, trans)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Choice preset={isCustom ? null : found} trans={trans} onChange={write} />
      {kind !== 'none' && (
        <Field
          label={trans.__('Written')}
          help={trans.__('Cron, @daily, every 15m, or once 2026-12-01T09:00')}
          problem={problemAt(problems, 'schedule')}
        >
          {control => (
            <input
              {...control}
              type="text"
              spellCheck={false}
              value={expression}
              onChange={event => {
                // Emptied, it is still what somebody writes in.
                setCustom(isCustom || event.target.value === '');
                source.set(['schedule'], event.target.value || undefined);
              }}
            />
          )}
        </Field>
      )}
      <Zone source={source} trans={trans} zones={zones} />
    </fieldset>
  );
}

function Zone({
  source,
  trans,
  zones
}: Pick<PartProps, 'source' | 'trans'> & { zones: readonly string[] }): ReactElement {
  const list = useId();
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <Field
      label={trans.__('Time zone')}
      help={trans.__('Where its times are meant; yours is %1', here)}
      problem={problemAt(source.answer?.problems ?? [], 'timezone')}
    >
      {control => (
        <>
          <input
            {...control}
            type="text"
            list={list}
            spellCheck={false}
            placeholder={textAt(source.answer?.defaults ?? {}, ['timezone'])}
            value={textAt(source.settings, ['timezone'])}
            onChange={event => source.set(['timezone'], event.target.value || undefined)}
          />
          <datalist id={list}>
            {[here, ...zones.filter(one => one !== here)].map(one => (
              <option key={one} value={one} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}
