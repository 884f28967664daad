import type { RunAnswer } from '../api/types';
import { clock, duration } from './durations';

/** How a task stood in the last run that it was part of. */
export interface Ran {
  readonly state: string;
  readonly seconds: number | null;
  readonly started: string | null;
  readonly ended: string | null;
  /** Why it ended as it did. */
  readonly reason: string;
  /** When its run was asked for. */
  readonly created: string;
  /** The zone of its DAG's schedule. */
  readonly timezone: string | null;
}

/** What it takes to tell how long something took. */
type Timed = Pick<Ran, 'state' | 'seconds' | 'started'>;

/** What is known of tasks, and what one more run says of them; an older run says nothing new. */
export function withRun(
  known: ReadonlyMap<string, Ran>,
  { run, tasks }: RunAnswer
): ReadonlyMap<string, Ran> {
  const found = new Map(known);
  for (const { task, state, seconds, started, ended, reason } of tasks) {
    const before = found.get(task);
    if (!before || Date.parse(before.created) <= Date.parse(run.created)) {
      const { created, timezone } = run;
      found.set(task, { state, seconds, started, ended, reason, created, timezone });
    }
  }
  return found;
}

/** How long a task or run took, or takes by now, in words; nothing if it has not begun. */
export function timeOf(ran: Timed, now: number): string {
  const seconds = secondsOf(ran, now);
  const inWords = ran.state === 'running' ? clock : duration;
  return seconds === null ? '' : inWords(seconds);
}

/** Seconds that something took, or takes by now; null if it has not begun. */
function secondsOf(ran: Timed, now: number): number | null {
  if (ran.state === 'running' && ran.started !== null) {
    return Math.max(0, (now - Date.parse(ran.started)) / 1000);
  }
  return ran.seconds;
}
