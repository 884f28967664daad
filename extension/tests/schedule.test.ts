import { describe, expect, it } from 'vitest';
import { hunksOf } from '../src/model/diff';
import {
  CHANNELS,
  channelOf,
  entriesOf,
  entryText,
  listOf,
  newTrigger,
  TRIGGERS,
  toChannel,
  triggerOf,
  withEvent
} from '../src/model/entries';
import {
  allInTimezone,
  daysBefore,
  inItsZone,
  spansInTimezone,
  toldApart,
  whereIAm
} from '../src/model/instants';
import { begin, expressionOf, KINDS, presetOf } from '../src/model/presets';
import {
  changed,
  isSame,
  problemAt,
  rebased,
  settingsIn,
  textAt,
  withSettings
} from '../src/model/settings';

const TODAY = new Date(2026, 11, 31);

describe('choices of a schedule', () => {
  it.each(['0 6 45 * *', '0 6 0 * *', 'once 2026-12-01T09:00Z', 'once tomorrow'])(
    '%s is no choice, but written',
    expression => expect(presetOf(expression)).toEqual({ kind: 'custom', expression })
  );

  it.each([
    ['0 6 * * *', { kind: 'daily', time: '06:00' }],
    ['@daily', { kind: 'daily', time: '00:00' }],
    ['30 17 * * 1-5', { kind: 'weekdays', time: '17:30' }],
    ['5 * * * *', { kind: 'hourly', minute: 5 }],
    ['0 9 * * 7', { kind: 'weekly', day: 0, time: '09:00' }],
    ['0 9 15 * *', { kind: 'monthly', date: 15, time: '09:00' }],
    ['every 15 m', { kind: 'every', count: 15, unit: 'm' }],
    ['once 2026-12-01T09:00', { kind: 'once', at: '2026-12-01T09:00' }],
    ['manual', { kind: 'none' }],
    ['', { kind: 'none' }]
  ])('%s is recognised', (written, preset) => {
    expect(presetOf(written)).toEqual(preset);
  });

  it.each(['*/5 * * * *', '0 6 1 * 1', '0 24 * * *', '99 6 * * *', '0 6 * 1 *', '@reboot', 'x'])(
    '%s is none of them and stays as it is written',
    written => {
      expect(expressionOf(presetOf(written))).toBe(written);
      expect(presetOf(written).kind).toBe('custom');
    }
  );

  it('writes what it reads, whichever is chosen after whichever', () => {
    for (const before of KINDS) {
      for (const kind of KINDS.filter(one => one !== 'custom')) {
        const preset = begin(kind, begin(before, { kind: 'none' }, TODAY), TODAY);
        expect(presetOf(expressionOf(preset))).toEqual(preset);
      }
    }
  });

  it('keeps the time of day when another choice is made', () => {
    expect(begin('weekly', { kind: 'daily', time: '17:30' }, TODAY)).toMatchObject({
      time: '17:30'
    });
    expect(begin('once', { kind: 'none' }, TODAY)).toEqual({
      kind: 'once',
      at: '2027-01-01T06:00'
    });
  });
});

describe('settings of a DAG', () => {
  it('are changed at a place and left alone elsewhere', () => {
    const before = { schedule: '@daily', defaults: { retries: 1, timeout: '1h' } };
    expect(changed(before, ['defaults', 'retries'], 2)).toEqual({
      schedule: '@daily',
      defaults: { retries: 2, timeout: '1h' }
    });
    expect(changed(before, ['schedule'], undefined)).toEqual({ defaults: before.defaults });
    expect(before.schedule).toBe('@daily');
  });

  it('keep what somebody else changed meanwhile, with what was changed here over it', () => {
    const before = { schedule: '@daily', timezone: 'UTC', defaults: { retries: 1 }, owner: 'a' };
    const mine = { schedule: '0 6 * * *', timezone: 'UTC', defaults: { retries: 2 } };
    const theirs = {
      ...before,
      timezone: 'Asia/Seoul',
      defaults: { retries: 1, timeout: '1h' },
      catchup: 'all'
    };
    expect(rebased(before, mine, theirs)).toEqual({
      schedule: '0 6 * * *',
      timezone: 'Asia/Seoul',
      defaults: { retries: 2, timeout: '1h' },
      catchup: 'all'
    });
    expect(rebased(before, before, theirs)).toEqual(theirs);
    expect(rebased({}, { defaults: { retries: 1 } }, {})).toEqual({ defaults: { retries: 1 } });
    expect(rebased({}, { defaults: { retries: 1 } }, { defaults: { pool: 'gpu' } })).toEqual({
      defaults: { retries: 1, pool: 'gpu' }
    });
  });

  it('are the same in whichever order they are written', () => {
    expect(isSame({ schedule: '@daily', owner: 'a' }, { owner: 'a', schedule: '@daily' })).toBe(
      true
    );
    expect(isSame({ owner: 'a' }, {})).toBe(false);
    expect(isSame({ on: [{ dag: 'a' }] }, { on: [{ dag: 'a' }] })).toBe(true);
    expect(isSame({ on: ['a', 'b'] }, { on: ['b', 'a'] })).toBe(false);
    expect(isSame({ on: [] }, { on: {} })).toBe(false);
  });

  it('tell their text, also where nothing stands', () => {
    expect(textAt({ defaults: { retries: 0 } }, ['defaults', 'retries'])).toBe('0');
    expect(textAt({ defaults: null }, ['defaults', 'retries'])).toBe('');
  });

  it('find the problem of a field or of a part of it', () => {
    const problem = { field: 'on.1.metric', code: 'NBF117', error: true, message: 'm', hint: '' };
    expect(problemAt([problem], 'on.1')).toBe(problem);
    expect(problemAt([problem], 'on.10')).toBe(null);
  });

  it('leave the rest of the metadata as it is, and nothing where nothing is said', () => {
    const nbflow = { version: 1, dag: { schedule: '@daily' }, task: { name: 'a' } };
    expect(settingsIn(nbflow)).toEqual({ schedule: '@daily' });
    expect(withSettings(nbflow, {})).toEqual({ version: 1, task: { name: 'a' } });
    expect(withSettings({ version: 1, dag: {} }, {})).toBeUndefined();
    expect(withSettings(undefined, { schedule: '@daily' })).toEqual({
      version: 1,
      dag: { schedule: '@daily' }
    });
  });
});

describe('instants', () => {
  it('are told in the zone they are written in', () => {
    expect(inItsZone('2026-11-27T06:00:00+09:00', 'en')).toBe('Fri, 27 Nov 2026 06:00 +09:00');
    expect(inItsZone('2026-11-27T06:00:00+09:00', 'ko')).toContain('(금)');
    expect(inItsZone('never', 'en')).toBe('never');
  });

  it('are told where the reader is', () => {
    expect(whereIAm('2026-11-26T21:00:00Z', 'en', 'Europe/Berlin')).toBe('Thu, 26 Nov 2026 22:00');
  });

  it('of an hour that comes twice are told with their offset, the others without', () => {
    const [before, first, again] = [4, 5, 6].map(hour => `2026-11-01T0${hour}:00:00Z`);
    const told = (lang: string) =>
      [...allInTimezone([before, first, again] as string[], 'America/New_York', lang).values()].map(
        one => one.slice(one.indexOf('2026'))
      );
    expect(told('en')).toEqual([
      '2026 00:00 (America/New_York)',
      '2026 01:00 -04:00 (America/New_York)',
      '2026 01:00 -05:00 (America/New_York)'
    ]);
    expect(told('ko').map(one => one.replace(/.*\) (?=\d)/, ''))).toEqual([
      '00:00 (America/New_York)',
      '01:00 -04:00 (America/New_York)',
      '01:00 -05:00 (America/New_York)'
    ]);
    expect([...allInTimezone(['2026-11-01T05:00:00Z'], 'Mars/Olympus', 'en').values()]).toEqual([
      '2026-11-01T05:00:00Z'
    ]);
  });

  it('that spans end at are told apart among all of them, or as they are in an unknown zone', () => {
    const [before, first, again] = ['04', '05', '06'].map(hour => `2026-11-01T${hour}:00:00Z`);
    const spans = [
      { first, last: first },
      { first: again, last: again },
      { first: before, last: again }
    ] as { first: string; last: string }[];
    const day = 'Sun, 1 Nov 2026';
    expect(spansInTimezone(spans, 'America/New_York', 'en')).toEqual([
      `${day} 01:00 -04:00 (America/New_York)`,
      `${day} 01:00 -05:00 (America/New_York)`,
      `${day} 00:00 – ${day} 01:00 -05:00 (America/New_York)`
    ]);
    expect(spansInTimezone(spans, 'Mars/Olympus', 'en')).toEqual([
      first,
      again,
      `${before} – ${again}`
    ]);
  });

  it('that read the same where it is UTC have an offset, too', () => {
    const told = toldApart(
      ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'],
      () => '01:30',
      'Europe/London'
    );
    expect([...told.values()]).toEqual(['01:30 +01:00', '01:30 +00:00']);
  });
});

describe('lines that changed', () => {
  const lines = (signs: string) =>
    [...signs].map((sign, index) => ({ sign: sign as ' ' | '+' | '-', text: String(index) }));
  const shape = (signs: string) =>
    hunksOf(lines(signs), 1).map(hunk =>
      hunk.kind === 'gap' ? hunk.count : hunk.lines.map(one => one.sign).join('')
    );

  it('are shown with those around them, long stretches that did not are left out', () => {
    expect(shape('    +    -')).toEqual([3, ' + ', 2, ' -']);
    expect(shape('+-')).toEqual(['+-']);
    expect(shape('   ')).toEqual([3]);
    expect(shape('')).toEqual([]);
  });
});

describe('entries of lists', () => {
  it('are read however they are written', () => {
    expect(entriesOf(undefined)).toEqual([]);
    expect(entriesOf({ dag: 'etl' })).toEqual([{ dag: 'etl' }]);
    expect(entriesOf([null, 3, { dag: 'etl' }])).toEqual([{}, {}, { dag: 'etl' }]);
    expect(entriesOf([null]).map(triggerOf)).toEqual(['dag']);
    expect(entriesOf([null]).map(channelOf)).toEqual(['email']);
    expect(entriesOf(['code', 'metric("a") < 1'])).toEqual([
      { code: true },
      { metric: 'metric("a") < 1' }
    ]);
    expect(listOf([])).toBeUndefined();
  });

  it('have one kind, also where a metric is that of another DAG', () => {
    expect(triggerOf({ metric: 'm', dag: 'etl' })).toBe('metric');
    for (const kind of TRIGGERS) {
      expect(triggerOf(newTrigger(kind))).toBe(kind);
    }
    for (const channel of CHANNELS) {
      const entry = toChannel({ email: 'ada@example.org', on: ['missed'] }, channel);
      expect([channelOf(entry), entry.on]).toEqual([channel, ['missed']]);
    }
  });

  it('tell of all events unless they name some', () => {
    const entry = withEvent({ email: 'a@b.org' }, 'missed', false);
    expect(entry.on).toEqual(['failure', 'recovery']);
    expect(withEvent(entry, 'missed', true).on).toEqual(['failure', 'recovery', 'missed']);
    expect(entryText({ email: ['a@b.org', 'c@d.org'] }, 'email')).toBe('a@b.org, c@d.org');
  });
});

describe('days', () => {
  it('are counted where the reader is, over ends of months and years', () => {
    expect(daysBefore(new Date(2027, 0, 3, 23, 59), 7)).toBe('2026-12-27');
    expect(daysBefore(TODAY, -1)).toBe('2027-01-01');
  });
});
