import type { DagForm, Finding, MembershipForm } from '../api/types';

/** What a cell's badge says. */
export interface BadgeText {
  readonly role: 'task' | 'setup' | 'parameters' | 'skip';
  /** The task's name. */
  readonly task: string;
  /** The cell says so itself; else it only belongs there by its place on the page. */
  readonly isTagged: boolean;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * What to say at each cell. A notebook in which no cell is tagged is one task as a whole: its cells
 * get no badge unless something is wrong with them.
 */
export function badgesOf(dag: DagForm): ReadonlyMap<string, BadgeText> {
  const isTagged = dag.membership.some(one => one.tagged);
  const tasks = new Map(dag.tasks.map(task => [task.name, task]));
  const findings = byCell(dag.diagnostics);
  const found = new Map<string, BadgeText>();
  for (const place of dag.membership) {
    const here = (findings.get(place.cell) ?? []).filter(one => one.severity !== 'info');
    if (!isTagged && here.length === 0) {
      continue;
    }
    const task = tasks.get(place.task ?? '');
    found.set(place.cell, {
      role: roleOf(place),
      task: place.task ?? '',
      isTagged: place.tagged,
      reads: task?.needs ?? [],
      writes: [...new Set([...(task?.binds ?? []), ...(task?.mutates ?? [])])],
      findings: here
    });
  }
  return found;
}

function roleOf(place: MembershipForm): BadgeText['role'] {
  if (place.task !== null) {
    return 'task';
  }
  return place.role === 'setup' || place.role === 'parameters' ? place.role : 'skip';
}

function byCell(findings: readonly Finding[]): Map<string | null, Finding[]> {
  const found = new Map<string | null, Finding[]>();
  for (const finding of findings) {
    found.set(finding.cell, [...(found.get(finding.cell) ?? []), finding]);
  }
  return found;
}
