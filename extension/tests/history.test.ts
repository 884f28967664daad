import { afterEach, describe, expect, it, vi } from 'vitest';
import { change, figure, inOneLine, longer, parameterPairs, ticked } from '../src/model/comparing';
import { ago, exactly } from '../src/model/past';

const NOW = Date.parse('2026-03-01T12:00:00Z');

describe('instants that are past or to come', () => {
  it.each([
    ['2026-03-01T11:59:58Z', '2 sec ago', '2초 전'],
    ['2026-03-01T11:57:00Z', '3 min ago', '3분 전'],
    ['2026-03-01T09:30:00Z', '2 hr ago', '2시간 전'],
    ['2026-02-28T11:00:00Z', '1 day ago', '1일 전'],
    ['2026-03-02T20:00:00Z', 'in 1 day', '1일 후'],
    ['2026-03-01T14:00:00Z', 'in 2 hr', '2시간 후']
  ])('%s is told as people do', (instant, english, korean) => {
    expect(ago(instant, NOW, 'en').replace('hrs', 'hr').replace('secs', 'sec')).toBe(english);
    expect(ago(instant, NOW, 'ko')).toBe(korean);
  });
});

describe('an instant in full', () => {
  afterEach(() => vi.unstubAllEnvs());
  const told = (zone: string | null, lang: 'en' | 'ko' = 'en') =>
    exactly('2026-03-01T12:00:00Z', lang, zone).split('\n');

  it('is told where the reader is, and where the schedule is', () => {
    vi.stubEnv('TZ', 'Europe/London');
    expect(told('Asia/Seoul')).toEqual([
      '1 Mar 2026, 12:00:00 GMT',
      '1 Mar 2026, 21:00:00 GMT+9 (Asia/Seoul)'
    ]);
    expect(told('Asia/Seoul', 'ko')[1]).toContain('9시 0분 0초');
  });

  it.each([null, 'UTC', 'Africa/Abidjan', 'Mars/Olympus'])(
    'is told once without another clock to tell of: %s',
    zone => {
      vi.stubEnv('TZ', 'Europe/London');
      expect(told(zone)).toEqual(['1 Mar 2026, 12:00:00 GMT']);
    }
  );
});

describe('two runs', () => {
  it('have parameters side by side, and a run that was not given one says nothing', () => {
    const pairs = parameterPairs({ rows: 3, day: 'mon' }, { rows: 3, names: ['a'] });
    expect(pairs).toEqual([
      { name: 'rows', first: '3', second: '3', differs: false },
      { name: 'day', first: '"mon"', second: null, differs: true },
      { name: 'names', first: null, second: '["a"]', differs: true }
    ]);
  });

  it('differ in time by what people can see', () => {
    expect(longer(1, 3.25)).toBe('+2.3 s');
    expect(longer(3, 2.7)).toBe('−300 ms');
    expect(longer(2, 2.0001)).toBe('');
    expect(longer(null, 2)).toBe('');
  });

  it('differ in figures with their sign', () => {
    expect(figure(0.1 + 0.2)).toBe('0.3');
    expect([1234567, 1234568].map(figure)).toEqual(['1234567', '1234568']);
    expect(figure(null)).toBe('');
    expect(change(-12.5)).toBe('−12.5');
    expect(change(0)).toBe('');
  });

  it('are the last two that were ticked', () => {
    expect(ticked([], 'a')).toEqual(['a']);
    expect(ticked(['a', 'b'], 'c')).toEqual(['b', 'c']);
    expect(ticked(['a', 'b'], 'a')).toEqual(['b']);
  });

  it('say what they were given in one line', () => {
    expect(inOneLine({ rows: 3, names: ['a'] })).toBe('rows = 3, names = ["a"]');
  });
});
