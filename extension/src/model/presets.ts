import { daysBefore } from './instants';

/** Schedules that people choose instead of writing them; what an expression means the server knows. */
export type Preset =
  | { readonly kind: 'none' }
  | { readonly kind: 'hourly'; readonly minute: number }
  | { readonly kind: 'daily' | 'weekdays'; readonly time: string }
  | { readonly kind: 'weekly'; readonly day: number; readonly time: string }
  | { readonly kind: 'monthly'; readonly date: number; readonly time: string }
  | { readonly kind: 'every'; readonly count: number; readonly unit: Unit }
  | { readonly kind: 'once'; readonly at: string }
  | { readonly kind: 'custom'; readonly expression: string };

export type PresetKind = Preset['kind'];

export type Unit = 'm' | 'h' | 'd' | 'w' | 'mo';

export const KINDS: readonly PresetKind[] = [
  'none',
  'every',
  'hourly',
  'daily',
  'weekdays',
  'weekly',
  'monthly',
  'once',
  'custom'
];

export const UNITS: readonly Unit[] = ['m', 'h', 'd', 'w', 'mo'];

const FIELDS = /^(\d{1,2}) (\d{1,2}|\*) (\d{1,2}|\*) \* (\d|1-5|\*)$/;
const EVERY = /^every\s+(\d+)\s*(m|h|d|w|mo)$/i;
const ONCE = /^once\s+(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)$/i;
const NAMED: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *'
};

/** The choice that says the same as an expression; `custom` for all that no choice says. */
export function presetOf(expression: string | null): Preset {
  const text = (expression ?? '').trim();
  if (text === '' || text.toLowerCase() === 'manual') {
    return { kind: 'none' };
  }
  const every = EVERY.exec(text);
  if (every) {
    return { kind: 'every', count: Number(every[1]), unit: every[2]?.toLowerCase() as Unit };
  }
  const once = ONCE.exec(text);
  if (once?.[1]) {
    return { kind: 'once', at: once[1] };
  }
  return ofCron(NAMED[text.toLowerCase()] ?? text) ?? { kind: 'custom', expression: text };
}

function ofCron(cron: string): Preset | null {
  const [, minute, hour, date, day] = FIELDS.exec(cron) ?? [];
  if (minute === undefined || hour === undefined || Number(minute) > 59 || Number(hour) > 23) {
    return null;
  }
  if (hour === '*') {
    return date === '*' && day === '*' ? { kind: 'hourly', minute: Number(minute) } : null;
  }
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (date !== '*') {
    const isDate = Number(date) >= 1 && Number(date) <= 31;
    return day === '*' && isDate ? { kind: 'monthly', date: Number(date), time } : null;
  }
  switch (day) {
    case '*':
      return { kind: 'daily', time };
    case '1-5':
      return { kind: 'weekdays', time };
    default:
      return { kind: 'weekly', day: Number(day) % 7, time };
  }
}

/** What is written into the notebook for a choice. */
export function expressionOf(preset: Preset): string | null {
  switch (preset.kind) {
    case 'none':
      return null;
    case 'hourly':
      return `${preset.minute} * * * *`;
    case 'daily':
      return `${clock(preset.time)} * * *`;
    case 'weekdays':
      return `${clock(preset.time)} * * 1-5`;
    case 'weekly':
      return `${clock(preset.time)} * * ${preset.day}`;
    case 'monthly':
      return `${clock(preset.time)} ${preset.date} * *`;
    case 'every':
      return `every ${preset.count}${preset.unit}`;
    case 'once':
      return `once ${preset.at}`;
    case 'custom':
      return preset.expression;
  }
}

/** What a kind of choice begins with; the time of day of the choice before is kept. */
export function begin(kind: PresetKind, before: Preset, today: Date): Preset {
  const time = 'time' in before ? before.time : '06:00';
  switch (kind) {
    case 'none':
      return { kind };
    case 'hourly':
      return { kind, minute: 0 };
    case 'daily':
    case 'weekdays':
      return { kind, time };
    case 'weekly':
      return { kind, day: 1, time };
    case 'monthly':
      return { kind, date: 1, time };
    case 'every':
      return { kind, count: 15, unit: 'm' };
    case 'once':
      return { kind, at: `${daysBefore(today, -1)}T${time}` };
    case 'custom':
      return { kind, expression: expressionOf(before) ?? '0 6 * * *' };
  }
}

function clock(time: string): string {
  const [hour = '0', minute = '0'] = time.split(':');
  return `${Number(minute)} ${Number(hour)}`;
}
