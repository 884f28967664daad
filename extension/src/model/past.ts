const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1]
];

/** The locale whose dates and numbers go with a language of ours. */
export function localeOf(lang: 'en' | 'ko'): string {
  return lang === 'ko' ? 'ko-KR' : 'en-GB';
}

/** How long ago an instant is, in words: `3 min ago`. */
export function ago(instant: string, now: number, lang: 'en' | 'ko'): string {
  const seconds = Math.trunc((Date.parse(instant) - now) / 1000);
  const [unit, size] = UNITS.find(([, one]) => Math.abs(seconds) >= one) ?? ['second', 1];
  // Whole days that have passed are no days of the calendar: `yesterday` may be another one.
  const numeric = unit === 'second' ? 'auto' : 'always';
  const words = new Intl.RelativeTimeFormat(localeOf(lang), { numeric, style: 'short' });
  return words.format(Math.trunc(seconds / size), unit);
}

/** An instant in a zone, by default the reader's. */
export function inZone(instant: string, lang: 'en' | 'ko', timeZone?: string): string {
  return new Date(instant).toLocaleString(localeOf(lang), { timeZone });
}

/** An instant in the reader's zone, and in a schedule's where that one has another time. */
export function exactly(instant: string, lang: 'en' | 'ko', zone: string | null = null): string {
  const here = inFull(instant, lang);
  if (zone === null) {
    return here;
  }
  try {
    const isOneClock = inZone(instant, lang, zone) === inZone(instant, lang);
    return isOneClock ? here : `${here}\n${inFull(instant, lang, zone)} (${zone})`;
  } catch {
    // A zone that this browser doesn't know.
    return here;
  }
}

/** An instant with what its clock is called; without a zone, in the reader's. */
function inFull(instant: string, lang: 'en' | 'ko', timeZone?: string): string {
  const format = { dateStyle: 'medium', timeStyle: 'long', timeZone } as const;
  return new Intl.DateTimeFormat(localeOf(lang), format).format(new Date(instant));
}
