import { duration } from './durations';

/** A name with what two runs say of it; null where one says nothing. */
export interface Pair {
  readonly name: string;
  readonly first: string | null;
  readonly second: string | null;
  readonly differs: boolean;
}

type Values = Readonly<Record<string, unknown>>;

/** The parameters of two runs, as people write them. */
export function parameterPairs(first: Values, second: Values): Pair[] {
  return Object.keys({ ...first, ...second }).map(name => {
    const [one, other] = [written(first, name), written(second, name)];
    return { name, first: one, second: other, differs: one !== other };
  });
}

/** A parameter as it is shown; null where a run was not given it. */
function written(given: Values, name: string): string | null {
  return name in given ? JSON.stringify(given[name]) : null;
}

/** What was given to a run, in one line. */
export function inOneLine(given: Values): string {
  return Object.entries(given)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join(', ');
}

/** How much longer the second took: `+1.2 s`, `−300 ms`; nothing where that can't be told. */
export function longer(first: number | null, second: number | null): string {
  if (first === null || second === null) {
    return '';
  }
  const more = second - first;
  return Math.abs(more) < 0.0005 ? '' : `${more < 0 ? '−' : '+'}${duration(Math.abs(more))}`;
}

/** A figure as people read it. */
export function figure(value: number | null): string {
  const isWhole = Number.isSafeInteger(value);
  return value === null ? '' : String(isWhole ? value : Number(value.toPrecision(6)));
}

/** How much a figure changed, with its sign. */
export function change(value: number | null): string {
  return value === null || value === 0 ? '' : `${value < 0 ? '−' : '+'}${figure(Math.abs(value))}`;
}

/** The two runs to compare after one more is ticked, or no longer: the last two ticks count. */
export function ticked(picked: readonly string[], run: string): readonly string[] {
  return picked.includes(run) ? picked.filter(one => one !== run) : [...picked.slice(-1), run];
}

interface Made {
  readonly run_id: string;
  readonly created: string;
}

/** Ids of runs in the order in which they were made, whichever was ticked first. */
export function olderFirst(picked: readonly string[], runs: readonly Made[]): string[] {
  const made = new Map(runs.map(run => [run.run_id, run.created]));
  return [...picked].sort((a, b) => (made.get(a) ?? '').localeCompare(made.get(b) ?? ''));
}
