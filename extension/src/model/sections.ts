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

/** What a box or line of a sketch is about, which its id tells in no other sketch. */
export function subjectOf(id: string | null, sketch: SketchForm): string | null {
  const task = (box: string | undefined) => sketch.boxes.find(one => one.id === box)?.task;
  const line = sketch.lines.find(one => one.id === id);
  const subject = line ? [task(line.source), task(line.target)] : task(id ?? undefined);
  return subject === undefined ? null : JSON.stringify(subject);
}

/** The id that something has in a sketch; null if it isn't in it. */
export function idOf(subject: string | null, sketch: SketchForm): string | null {
  const parts = [...sketch.boxes, ...sketch.lines];
  const found = subject && parts.find(({ id }) => subjectOf(id, sketch) === subject);
  return found ? found.id : null;
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
