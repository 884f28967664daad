/** Months of a calendar. Days are written as in ISO 8601, months as their first seven letters. */

const ISO = /^\d{4}-\d{2}-\d{2}$/;
const FIRST = '1900-01-01';

/** The month that a day lies in. */
export function monthOf(day: string): string {
  return day.slice(0, 7);
}

/** The day so many days later, or earlier. */
export function addDays(day: string, count: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + count);
  return at.toISOString().slice(0, 10);
}

/** The month so many months later, or earlier. */
export function addMonths(month: string, count: number): string {
  const at = new Date(`${month}-01T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + count);
  return at.toISOString().slice(0, 7);
}

/** The first and the last day of a month. */
export function daysOf(month: string): { first: string; last: string } {
  return { first: `${month}-01`, last: addDays(`${addMonths(month, 1)}-01`, -1) };
}

/** The same date in another month, or the last one that it has. */
export function sameDate(day: string, month: string): string {
  const { last } = daysOf(month);
  const date = Math.min(Number(day.slice(8)), Number(last.slice(8)));
  return `${month}-${String(date).padStart(2, '0')}`;
}

/** The weeks that a month has days in, each of seven days, those of the months beside it included. */
export function weeksOf(month: string, lang: string): string[][] {
  const { first, last } = daysOf(month);
  const weeks: string[][] = [];
  let day = addDays(first, -column(first, lang));
  while (day <= last) {
    const begin = day;
    weeks.push(Array.from({ length: 7 }, (_, at) => addDays(begin, at)));
    day = addDays(day, 7);
  }
  return weeks;
}

/** In which column of its week a day stands: weeks begin on Sunday in Korea, on Monday elsewhere. */
export function column(day: string, lang: string): number {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return lang === 'ko' ? weekday : (weekday + 6) % 7;
}

/** The range that is chosen when a day is picked: a new one, or its end if its begin was picked. */
export function picked(
  day: string,
  range: { first: string; last: string },
  begun: boolean
): { first: string; last: string; begun: boolean } {
  return begun && day >= range.first
    ? { first: range.first, last: day, begun: false }
    : { first: day, last: day, begun: true };
}

/** A month in words. */
export function monthText(month: string, lang: string): string {
  return text(`${month}-01`, lang, { month: 'long', year: 'numeric' });
}

/** A day in words. */
export function dayText(day: string, lang: string): string {
  return text(day, lang, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
}

/** The names of the days of a week, short and whole, in the order in which they stand. */
export function weekdays(lang: string): { short: string; long: string }[] {
  const [week = []] = weeksOf('2021-02', lang);
  return week.map(day => ({
    short: text(day, lang, { weekday: 'short' }),
    long: text(day, lang, { weekday: 'long' })
  }));
}

/** Whether it is a whole day, and not something half typed: of a year, a browser gives each digit. */
export function isDay(text: string): boolean {
  return ISO.test(text) && text >= FIRST && !Number.isNaN(Date.parse(text));
}

function text(day: string, lang: string, how: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(lang === 'ko' ? 'ko' : 'en-GB', {
    ...how,
    timeZone: 'UTC'
  }).format(new Date(`${day}T00:00:00Z`));
}
