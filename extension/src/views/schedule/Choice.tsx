import type { ReactElement } from 'react';
import { type Preset, UNITS } from '../../model/presets';
import { Field } from './Field';
import type { PartProps } from './source';
import { Typed } from './Typed';
import { dayWord, unitWord } from './words';

interface ChoiceProps {
  preset: Preset | null;
  trans: PartProps['trans'];
  onChange: (preset: Preset) => void;
}

/** The rest of a choice: its time, day or number. */
export function Choice({ preset, trans, onChange }: ChoiceProps): ReactElement | null {
  switch (preset?.kind) {
    case 'every':
      return <Every preset={preset} trans={trans} onChange={onChange} />;
    case 'hourly':
      return (
        <Whole
          label={trans.__('Minute')}
          max={59}
          value={preset.minute}
          onChange={minute => onChange({ ...preset, minute })}
        />
      );
    case 'once':
      return (
        <Field label={trans.__('At')} problem={null}>
          {control => (
            <Typed
              {...control}
              type="datetime-local"
              step="any"
              value={preset.at}
              fits={text => text !== ''}
              onValue={at => onChange({ kind: 'once', at })}
            />
          )}
        </Field>
      );
    case 'daily':
    case 'weekdays':
    case 'weekly':
    case 'monthly':
      return <AtTime preset={preset} trans={trans} onChange={onChange} />;
    default:
      return null;
  }
}

type Timed = Extract<Preset, { time: string }>;

function AtTime({
  preset,
  trans,
  onChange
}: { preset: Timed } & Omit<ChoiceProps, 'preset'>): ReactElement {
  return (
    <>
      {preset.kind === 'weekly' && (
        <Field label={trans.__('Day')} problem={null}>
          {control => (
            <select
              {...control}
              value={preset.day}
              onChange={event => onChange({ ...preset, day: Number(event.target.value) })}
            >
              {[1, 2, 3, 4, 5, 6, 0].map(day => (
                <option key={day} value={day}>
                  {dayWord(day, trans)}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {preset.kind === 'monthly' && (
        <Whole
          label={trans.__('Day of the month')}
          min={1}
          max={31}
          value={preset.date}
          onChange={date => onChange({ ...preset, date })}
        />
      )}
      <Field label={trans.__('At')} problem={null}>
        {control => (
          <Typed
            {...control}
            type="time"
            value={preset.time}
            fits={text => text !== ''}
            onValue={time => onChange({ ...preset, time })}
          />
        )}
      </Field>
    </>
  );
}

function Every({
  preset,
  trans,
  onChange
}: { preset: Extract<Preset, { kind: 'every' }> } & Omit<ChoiceProps, 'preset'>): ReactElement {
  return (
    <>
      <Whole
        label={trans.__('Number')}
        min={1}
        value={preset.count}
        onChange={count => onChange({ ...preset, count })}
      />
      <Field label={trans.__('Unit')} problem={null}>
        {control => (
          <select
            {...control}
            value={preset.unit}
            onChange={event =>
              onChange({ ...preset, unit: UNITS.find(one => one === event.target.value) ?? 'm' })
            }
          >
            {UNITS.map(one => (
              <option key={one} value={one}>
                {unitWord(one, trans)}
              </option>
            ))}
          </select>
        )}
      </Field>
    </>
  );
}

interface WholeProps {
  label: string;
  value: number;
  min?: number;
  max?: number;
  onChange: (value: number) => void;
}

function Whole({ label, value, min = 0, max, onChange }: WholeProps): ReactElement {
  const fits = (text: string) =>
    /^\d+$/.test(text) && Number(text) >= min && (max === undefined || Number(text) <= max);
  return (
    <Field label={label} problem={null}>
      {control => (
        <Typed
          {...control}
          type="number"
          min={min}
          max={max}
          value={String(value)}
          fits={fits}
          onValue={text => onChange(Number(text))}
        />
      )}
    </Field>
  );
}
