import type { SketchForm } from '../src/api/types';

/** A sketch of boxes by name, lines as [source, target, label], frames as lists of boxes. */
export function sketchOf(
  names: readonly string[],
  lines: readonly (readonly [number, number, string])[],
  frames: readonly (readonly number[])[] = []
): SketchForm {
  return {
    title: 'DAG a',
    summary: '',
    roomy: false,
    boxes: names.map((name, index) => ({
      id: `n${index}`,
      task: name,
      members: [],
      lines: [name],
      note: '',
      look: null,
      width: 100,
      height: 34,
      folded: false,
      stacked: false,
      condition: null,
      title: name
    })),
    lines: lines.map(([source, target, label], index) => ({
      id: `e${index}`,
      source: `n${source}`,
      target: `n${target}`,
      kind: 'data',
      label,
      label_width: 40,
      dot: false,
      page: false,
      bold: false,
      title: `${source} → ${target}`
    })),
    frames: frames.map((boxes, index) => ({
      id: `g${index}`,
      label: 'one kernel',
      boxes: boxes.map(box => `n${box}`)
    })),
    chips: []
  };
}
