/** Entries of the lists `on` and `notify`, as people change them. */
export type Entry = Readonly<Record<string, unknown>>;

export type TriggerWord = 'dag' | 'files' | 'code' | 'metric';

export const TRIGGERS: readonly TriggerWord[] = ['dag', 'files', 'metric', 'code'];

export type ChannelWord = 'email' | 'slack' | 'webhook';

export const CHANNELS: readonly ChannelWord[] = ['email', 'slack', 'webhook'];

export const EVENTS = ['failure', 'recovery', 'missed'] as const;

/** The entries of a list, which may be written as one entry, or short as text; each has its place. */
export function entriesOf(value: unknown): Entry[] {
  const list = value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
  return list.map(one => {
    if (one === 'code') {
      return { code: true };
    }
    if (typeof one === 'string') {
      return { metric: one };
    }
    return typeof one === 'object' && one !== null ? (one as Entry) : {};
  });
}

/** What is written for entries: nothing if there is none. */
export function listOf(entries: readonly Entry[]): readonly Entry[] | undefined {
  return entries.length > 0 ? entries : undefined;
}

export function triggerOf(entry: Entry): TriggerWord {
  return (['metric', 'files', 'code'] as const).find(key => entry[key] !== undefined) ?? 'dag';
}

/** A trigger of a kind, to be filled in. */
export function newTrigger(kind: TriggerWord): Entry {
  return kind === 'code' ? { code: true } : { [kind]: '' };
}

export function channelOf(entry: Entry): ChannelWord {
  return CHANNELS.find(key => entry[key] !== undefined) ?? 'email';
}

/** The same entry by another channel. */
export function toChannel(entry: Entry, channel: ChannelWord): Entry {
  const { email: _, slack: _1, webhook: _2, ...others } = entry;
  return { [channel]: '', ...others };
}

/** What an entry holds at a key, as one text. */
export function entryText(entry: Entry, key: string): string {
  const value = entry[key];
  return Array.isArray(value) ? value.join(', ') : String(value ?? '');
}

/** The events that an entry tells of; all if it names none. */
export function eventsOf(entry: Entry): readonly string[] {
  return Array.isArray(entry.on) ? entry.on : EVENTS;
}

/** The entry with an event told of, or not. */
export function withEvent(entry: Entry, event: string, isTold: boolean): Entry {
  const on = EVENTS.filter(one => (one === event ? isTold : eventsOf(entry).includes(one)));
  return { ...entry, on };
}
