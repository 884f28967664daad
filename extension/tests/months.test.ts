import { expect, it } from 'vitest';
import {
  addDays,
  addMonths,
  daysOf,
  dayText,
  isDay,
  monthText,
  picked,
  sameDate,
  weekdays,
  weeksOf
} from '../src/model/months';
import { dayState } from '../src/views/backfill/words';

const DAY = {
  day: '2026-11-02',
  slots: 3,
  no_run: 0,
  succeeded: 3,
  failed: 0,
  cancelled: 0,
  goes_on: 0,
  left_out: 0,
  future: 0
};

it('weeks begin on Monday, in Korean on Sunday, and hold every day of the month once', () => {
  for (const [lang, weekday] of [
    ['en', 1],
    ['ko', 0]
  ] as const) {
    for (const month of ['2026-02', '2024-02', '2026-11', '2021-02', '1999-12']) {
      const weeks = weeksOf(month, lang);
      expect(weeks.every(week => week.length === 7)).toBe(true);
      expect(weeks.map(([first]) => new Date(`${first}T00:00Z`).getUTCDay())).toEqual(
        weeks.map(() => weekday)
      );
      const days = weeks.flat().filter(day => day.startsWith(month));
      const { first, last } = daysOf(month);
      expect([days[0], days.at(-1)]).toEqual([first, last]);
      expect(days.length).toBe(Number(last.slice(8)));
      expect(weeks.every(week => week.some(day => day.startsWith(month)))).toBe(true);
    }
  }
});

it('days and months are counted over their ends', () => {
  expect(addDays('2026-02-28', 1)).toBe('2026-03-01');
  expect(addDays('2024-03-01', -1)).toBe('2024-02-29');
  expect(addMonths('2026-12', 1)).toBe('2027-01');
  expect(addMonths('2026-01', -1)).toBe('2025-12');
  expect(sameDate('2026-03-31', '2026-02')).toBe('2026-02-28');
  expect(sameDate('2026-02-14', '2026-03')).toBe('2026-03-14');
});

it('the first day picked begins a range, a later one ends it, an earlier one begins anew', () => {
  const old = { first: '2026-11-01', last: '2026-11-07' };
  const begun = picked('2026-11-10', old, false);
  expect(begun).toEqual({ first: '2026-11-10', last: '2026-11-10', begun: true });
  expect(picked('2026-11-12', begun, begun.begun)).toEqual({
    first: '2026-11-10',
    last: '2026-11-12',
    begun: false
  });
  expect(picked('2026-11-03', begun, begun.begun).first).toBe('2026-11-03');
});

it('months and days are named in the language of the reader', () => {
  expect(monthText('2026-11', 'en')).toBe('November 2026');
  expect(monthText('2026-11', 'ko')).toBe('2026년 11월');
  expect(dayText('2026-11-02', 'en')).toMatch(/^Monday,? 2 November 2026$/);
  expect(weekdays('en').map(day => day.short)).toEqual([
    'Mon',
    'Tue',
    'Wed',
    'Thu',
    'Fri',
    'Sat',
    'Sun'
  ]);
  expect(
    weekdays('ko')
      .map(day => day.short)
      .join('')
  ).toBe('일월화수목금토');
});

it('half a date is none', () => {
  expect(['2026-11-02', '2026-11', '', '2026-13-40'].map(isDay)).toEqual([
    true,
    false,
    false,
    false
  ]);
});

it('a day shows the state that most asks to be looked at', () => {
  expect(dayState(DAY)).toBe('success');
  expect(dayState({ ...DAY, no_run: 1 })).toBe('none');
  expect(dayState({ ...DAY, no_run: 1, goes_on: 1 })).toBe('running');
  expect(dayState({ ...DAY, goes_on: 1, failed: 1 })).toBe('failed');
  expect(dayState({ ...DAY, succeeded: 0, future: 3 })).toBeNull();
});
