import { describe, expect, it } from 'vitest';
import { type MaybeScheduled, scheduledIn } from '../src/model/scheduled';

const dag = (path: string | null, more: Partial<MaybeScheduled> = {}): MaybeScheduled => ({
  path,
  paused: false,
  schedule: '0 6 * * *',
  schedule_in_words: 'At 06:00',
  ...more
});

describe('notebooks that run by a schedule', () => {
  it('are those of the folder, by their names', () => {
    const dags = [dag('a.ipynb'), dag('work/b.ipynb'), dag('work/deep/c.ipynb'), dag(null)];
    expect([...scheduledIn('', dags)]).toEqual([['a.ipynb', 'At 06:00']]);
    expect([...scheduledIn('work', dags)]).toEqual([['b.ipynb', 'At 06:00']]);
  });

  it('are not those that are paused, not deployed, or without a schedule', () => {
    const dags = [
      dag('a.ipynb', { paused: true }),
      dag('b.ipynb', { paused: null }),
      dag('c.ipynb', { schedule: null }),
      dag('d.ipynb', { schedule_in_words: '' })
    ];
    expect([...scheduledIn('', dags)]).toEqual([['d.ipynb', '0 6 * * *']]);
  });
});
