import type { BoxForm, DagForm, EdgeForm, SketchForm, TaskForm } from '../api/types';

/** The tasks that a box stands for. */
export function tasksOf(box: BoxForm, dag: DagForm): TaskForm[] {
  const names = new Set(box.members.length > 0 ? box.members : [box.task]);
  return dag.tasks.filter(task => names.has(task.name));
}

/** The box that a task is drawn in. */
export function boxOf(task: string, sketch: SketchForm): BoxForm | undefined {
  return sketch.boxes.find(box => box.task === task || box.members.includes(task));
}

/** What a box or line is about, which its id tells in one sketch alone: a task, or from which to which. */
export type Subject = readonly string[];

/** What a box or line is about; null for none. */
export function subjectOf(id: string | null, sketch: SketchForm): Subject | null {
  const line = sketch.lines.find(one => one.id === id);
  const ids = line ? [line.source, line.target] : [id];
  const tasks = ids.flatMap(one => sketch.boxes.find(box => box.id === one)?.task ?? []);
  return tasks.length > 0 ? tasks : null;
}

/** The id that it has in a sketch; null if it isn't there. */
export function idOf(subject: Subject | null, sketch: SketchForm): string | null {
  const idOfTask = (task?: string) => sketch.boxes.find(box => box.task === task)?.id;
  const [source, target] = (subject ?? []).map(idOfTask);
  if (subject?.length !== 2) {
    return source ?? null;
  }
  return sketch.lines.find(one => one.source === source && one.target === target)?.id ?? null;
}

/** The edges that a line stands for. */
export function edgesOf(lineId: string, sketch: SketchForm, dag: DagForm): EdgeForm[] {
  const line = sketch.lines.find(one => one.id === lineId);
  const names = (id?: string) => {
    const box = sketch.boxes.find(one => one.id === id);
    return new Set(box ? tasksOf(box, dag).map(task => task.name) : []);
  };
  const [sources, targets] = [names(line?.source), names(line?.target)];
  return dag.edges.filter(edge => sources.has(edge.source) && targets.has(edge.target));
}

/** The boxes whose tasks have a text in their names, or in those of their variables. */
export function search(
  sketch: SketchForm,
  dag: DagForm,
  query: string
): ReadonlySet<string> | null {
  const wanted = fold(query.trim());
  if (wanted === '') {
    return null;
  }
  const fits = (text: string) => fold(text).includes(wanted);
  const found = sketch.boxes.filter(
    box =>
      fits(box.task) ||
      tasksOf(box, dag).some(task => [task.name, ...task.binds, ...task.needs].some(fits))
  );
  return new Set(found.map(box => box.id));
}

/** The cells that stand beside the tasks in one way. */
export function cellsBeside(kind: string, dag: DagForm): string[] {
  if (kind === 'broken') {
    const errors = dag.diagnostics.filter(finding => finding.severity === 'error');
    return [...new Set(errors.flatMap(finding => finding.cell ?? []))];
  }
  return dag.membership.filter(one => one.role === kind).map(one => one.cell);
}

function fold(text: string): string {
  return text.normalize('NFC').toLocaleLowerCase();
}
