import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import type { DayForm } from '../../api/types';
import {
  addDays,
  addMonths,
  daysOf,
  dayText,
  isDay,
  monthOf,
  monthText,
  picked,
  sameDate,
  weekdays,
  weeksOf
} from '../../model/months';
import { StateIcon } from '../run/State';
import { useSignal } from '../useSignal';
import { dayState, slotsText } from './words';

/** The month that is shown. */
export interface MonthSource {
  readonly changed: ISignal<object, unknown>;
  readonly month: string;
  readonly days: ReadonlyMap<string, DayForm> | null;
  show(month: string): void;
}

interface CalendarProps {
  source: MonthSource;
  range: { first: string; last: string };
  choose: (range: { first: string; last: string }) => void;
  trans: TranslationBundle;
  lang: 'en' | 'ko';
}

/** A month with the slots of its days: a click begins a range, the next one ends it. */
export function Calendar({ source, range, choose, trans, lang }: CalendarProps): ReactElement {
  useSignal(source.changed);
  const { month, days } = source;
  const [begun, setBegun] = useState(false);
  const [current, setCurrent] = useState(isDay(range.last) ? range.last : daysOf(month).first);
  const grid = useRef<HTMLTableElement>(null);
  const wantsFocus = useRef(false);
  const active = monthOf(current) === month ? current : daysOf(month).first;
  useEffect(() => {
    if (wantsFocus.current) {
      wantsFocus.current = false;
      grid.current?.querySelector<HTMLElement>(`[data-day="${active}"]`)?.focus();
    }
  }, [active]);

  const go = (day: string) => {
    wantsFocus.current = day !== active;
    setCurrent(day);
    source.show(monthOf(day));
  };
  const pick = (day: string) => {
    const next = picked(day, range, begun);
    setBegun(next.begun);
    setCurrent(day);
    choose({ first: next.first, last: next.last });
  };
  // Where the dialog doesn't hear it first: some of its releases take the arrows for themselves.
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const next = walked(event.key, active);
      if (next && event.target instanceof Element && grid.current?.contains(event.target)) {
        event.preventDefault();
        event.stopPropagation();
        go(next);
      }
    };
    document.addEventListener('keydown', onKeyDown, true);
    return () => document.removeEventListener('keydown', onKeyDown, true);
  });
  const turn = (label: string, sign: string, count: number) => (
    <button
      type="button"
      className="jp-Button jp-mod-minimal"
      aria-label={label}
      title={label}
      onClick={() => source.show(addMonths(month, count))}
    >
      {sign}
    </button>
  );
  return (
    <section className="nbf-calendar" aria-busy={days === null}>
      <div className="nbf-month">
        {turn(trans.__('The month before'), '‹', -1)}
        <span className="nbf-head" aria-live="polite">
          {monthText(month, lang)}
        </span>
        {turn(trans.__('The month after'), '›', 1)}
      </div>
      <table ref={grid} aria-label={trans.__('Slots of %1', monthText(month, lang))}>
        <thead>
          <tr>
            {weekdays(lang).map(day => (
              <th key={day.long} scope="col" abbr={day.long}>
                {day.short}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeksOf(month, lang).map(week => (
            <tr key={week[0]}>
              {week.map(day =>
                monthOf(day) !== month ? (
                  <td key={day} />
                ) : (
                  <Day
                    key={day}
                    {...{ day, trans, lang, pick }}
                    found={days?.get(day)}
                    isKnown={days !== null}
                    isCurrent={day === active}
                    isChosen={range.first <= day && day <= range.last}
                  />
                )
              )}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="nbf-quiet">
        {begun
          ? trans.__('Now choose the last day, or another first one.')
          : trans.__('Choose the first day, then the last.')}
      </p>
    </section>
  );
}

interface DayProps {
  day: string;
  found: DayForm | undefined;
  isKnown: boolean;
  isCurrent: boolean;
  isChosen: boolean;
  pick: (day: string) => void;
  trans: TranslationBundle;
  lang: 'en' | 'ko';
}

function Day({
  day,
  found,
  isKnown,
  isCurrent,
  isChosen,
  pick,
  trans,
  lang
}: DayProps): ReactElement {
  const state = found && dayState(found);
  const none = isKnown ? trans.__('no slot') : trans.__('its slots are not known');
  const slots = found ? slotsText(found, trans, lang) : none;
  return (
    <td data-chosen={isChosen}>
      <button
        type="button"
        data-day={day}
        tabIndex={isCurrent ? 0 : -1}
        aria-pressed={isChosen}
        aria-label={`${dayText(day, lang)}: ${slots}`}
        title={slots}
        onClick={() => pick(day)}
      >
        <span>{Number(day.slice(8))}</span>
        {state && (
          <span className="nbf-state" data-state={state}>
            <StateIcon state={state} />
          </span>
        )}
      </button>
    </td>
  );
}

/** The day that a key leads to; null for keys that lead nowhere. */
function walked(key: string, day: string): string | null {
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -7,
    ArrowDown: 7
  };
  if (key in steps) {
    return addDays(day, steps[key] as number);
  }
  const { first, last } = daysOf(monthOf(day));
  switch (key) {
    case 'Home':
      return first;
    case 'End':
      return last;
    case 'PageUp':
      return sameDate(day, addMonths(monthOf(day), -1));
    case 'PageDown':
      return sameDate(day, addMonths(monthOf(day), 1));
    default:
      return null;
  }
}
