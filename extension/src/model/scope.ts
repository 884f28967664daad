import type { DagForm } from '../api/types';

/** Which tasks of a notebook to run. */
export type Scope =
  | { readonly kind: 'all' }
  | { readonly kind: 'task' | 'from' | 'to'; readonly task: string }
  | { readonly kind: 'failed' };

/** The tasks that a scope means, in page order, and how the server is told. */
export interface Choice {
  readonly tasks: readonly string[];
  readonly selectors: readonly string[];
}

/** States by task, as far as known. */
export type States = ReadonlyMap<string, { readonly state: string }>;

const DONE: readonly string[] = ['success', 'skipped', 'removed'];

/** Choose tasks; `states` are those of the last run, for what failed in it. */
export function choose(scope: Scope, dag: DagForm, states: States): Choice {
  const names = dag.tasks.map(task => task.name);
  if (scope.kind === 'all') {
    return { tasks: names, selectors: [] };
  }
  if (scope.kind === 'failed') {
    const tasks = names.filter(name => {
      const state = states.get(name)?.state;
      return state !== undefined && !DONE.includes(state);
    });
    return { tasks, selectors: tasks };
  }
  if (!names.includes(scope.task)) {
    return { tasks: [], selectors: [] };
  }
  const chosen = reach(scope.kind, scope.task, dag);
  return { tasks: names.filter(name => chosen.has(name)), selectors: [selector(scope)] };
}

/** The task that a cell is part of; null for one beside the tasks. */
export function taskOfCell(cell: string, dag: DagForm): string | null {
  return dag.tasks.find(task => task.cells.includes(cell))?.name ?? null;
}

function selector({ kind, task }: { kind: 'task' | 'from' | 'to'; task: string }): string {
  return kind === 'to' ? `+${task}` : kind === 'from' ? `${task}+` : task;
}

function reach(kind: 'task' | 'from' | 'to', task: string, dag: DagForm): Set<string> {
  const next = new Map(dag.tasks.map(one => [one.name, [] as string[]]));
  if (kind !== 'task') {
    for (const { name, waits_for } of dag.tasks) {
      for (const before of waits_for) {
        next.get(kind === 'to' ? name : before)?.push(kind === 'to' ? before : name);
      }
    }
  }
  const found = new Set([task]);
  for (const name of found) {
    for (const one of next.get(name) ?? []) {
      found.add(one);
    }
  }
  return found;
}
