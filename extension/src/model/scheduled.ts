/** What is known of a DAG that may run by itself. */
export interface MaybeScheduled {
  readonly path: string | null;
  readonly paused: boolean | null;
  readonly schedule: string | null;
  readonly schedule_in_words: string;
}

/** What to say of notebooks that run by their schedule, by the names they have in a folder. */
export function scheduledIn(
  folder: string,
  dags: readonly MaybeScheduled[]
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { path, paused, schedule, schedule_in_words } of dags) {
    const at = path?.lastIndexOf('/') ?? -1;
    if (path && schedule && paused === false && path.slice(0, Math.max(0, at)) === folder) {
      found.set(path.slice(at + 1), schedule_in_words || schedule);
    }
  }
  return found;
}
