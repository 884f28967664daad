/** An instant for people. */

const WRITTEN = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2})(?::\d{2})?(Z|[+-]\d{2}:\d{2})?$/;

/** An instant as written in its own zone, in words: the day, the time, the offset. */
export function inItsZone(local: string, lang: string): string {
  const [, year, month, date, time, offset = ''] = WRITTEN.exec(local) ?? [];
  if (time === undefined) {
    return local;
  }
  const day = new Date(Date.UTC(Number(year), Number(month) - 1, Number(date)));
  return `${dayText(day, lang, 'UTC')} ${time} ${offset}`.trim();
}

/** The same instant where the reader is; `zone` is theirs, by default the browser's. */
export function whereIAm(utc: string, lang: string, zone?: string): string {
  const at = new Date(utc);
  const time = new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    ...(zone ? { timeZone: zone } : {})
  }).format(at);
  return `${dayText(at, lang, zone)} ${time}`;
}

/**
 * Instants as they are told, by what they are: where two would read the same, since the clock is put
 * back between them, with their offset; `zone` is the one they are told in.
 */
export function toldApart(
  instants: readonly string[],
  tell: (utc: string) => string,
  zone?: string
): ReadonlyMap<string, string> {
  const told = new Map(instants.map(utc => [utc, tell(utc)]));
  const once = new Set<string>();
  const twice = new Set([...told.values()].filter(one => once.size === once.add(one).size));
  return new Map(
    [...told].map(([utc, one]) => [utc, twice.has(one) ? `${one} ${offsetOf(utc, zone)}` : one])
  );
}

/** An instant in a zone by its name; as it is where the browser doesn't know the zone. */
export function inTimezone(utc: string, zone: string, lang: string): string {
  return allInTimezone([utc], zone, lang).get(utc) ?? utc;
}

/** Instants in a zone by its name, none of which read the same. */
export function allInTimezone(
  instants: readonly string[],
  zone: string,
  lang: string
): ReadonlyMap<string, string> {
  const told = toldThere(instants, zone, lang);
  return new Map(instants.map(utc => [utc, told ? `${told.get(utc)} (${zone})` : utc]));
}

/** From when to when, in a zone by its name: no two instants of all of them read the same. */
export function spansInTimezone(
  spans: readonly { readonly first: string; readonly last: string }[],
  zone: string,
  lang: string
): readonly string[] {
  const instants = spans.flatMap(({ first, last }) => [first, last]);
  const told = toldThere(instants, zone, lang);
  return spans.map(({ first, last }) => {
    const ends = first === last ? [first] : [first, last];
    return told ? `${ends.map(utc => told.get(utc)).join(' – ')} (${zone})` : ends.join(' – ');
  });
}

/** The day so many days before another one, in ISO form, where the reader is. */
export function daysBefore(day: Date, count: number): string {
  const then = new Date(day.getFullYear(), day.getMonth(), day.getDate() - count);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
}

/** Instants told apart in a zone by its name; null where the browser doesn't know the zone. */
function toldThere(
  instants: readonly string[],
  zone: string,
  lang: string
): ReadonlyMap<string, string> | null {
  try {
    return toldApart(instants, one => whereIAm(one, lang, zone), zone);
  } catch {
    return null;
  }
}

/** How far the clocks of a zone are from UTC at an instant. */
function offsetOf(utc: string, zone: string | undefined): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZoneName: 'longOffset',
    ...(zone ? { timeZone: zone } : {})
  }).formatToParts(new Date(utc));
  const told = parts.find(part => part.type === 'timeZoneName')?.value ?? '';
  return told.slice('GMT'.length) || '+00:00';
}

function dayText(day: Date, lang: string, zone: string | undefined): string {
  return new Intl.DateTimeFormat(lang === 'ko' ? 'ko' : 'en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    ...(zone ? { timeZone: zone } : {})
  }).format(day);
}
