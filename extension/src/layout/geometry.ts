import type { SketchForm } from '../api/types';
import type { Direction } from './layout';

/** From this many lines on, curves and many rounds of ordering cost too much. */
const DENSE = 220;
const INCH = 72;

/**
 * Write what Graphviz needs to know as DOT: sizes under made-up ids. No word of a notebook gets into
 * it, so none can break its parser, become a port or carry markup.
 */
export function geometryOf(sketch: SketchForm, direction: Direction): string {
  const dense = sketch.lines.length > DENSE;
  const framed = new Set(sketch.frames.flatMap(frame => frame.boxes));
  const nodes = new Map(
    sketch.boxes.map(box => [box.id, `${box.id}[${size(box.width, box.height)}]`])
  );
  const spacing = `nodesep=0.28 ranksep=0.5 splines=${dense ? 'polyline' : 'spline'}`;
  return [
    `digraph{graph[rankdir=${direction} ${spacing}${dense ? ' nslimit=2 mclimit=0.5' : ''}]`,
    'node[shape=box fixedsize=true label=""]edge[arrowsize=0.7]',
    ...sketch.frames.map(
      frame =>
        `subgraph cluster_${frame.id}{margin=12 labeljust=l label=${space(190, 15)} ` +
        `${frame.boxes.map(box => nodes.get(box) ?? '').join(' ')}}`
    ),
    ...[...nodes].filter(([id]) => !framed.has(id)).map(([, node]) => node),
    ...sketch.lines.map(line => {
      const label = line.label ? ` label=${space(line.label_width + 4, 15)}` : '';
      return `${line.source}->${line.target}[id=${line.id}${label}]`;
    }),
    '}'
  ].join('\n');
}

function size(width: number, height: number): string {
  return `width=${(width / INCH).toFixed(3)} height=${(height / INCH).toFixed(3)}`;
}

/** A label that takes room and holds nothing. */
function space(width: number, height: number): string {
  const sizes = `FIXEDSIZE="TRUE" WIDTH="${Math.round(width)}" HEIGHT="${height}"`;
  return `<<TABLE BORDER="0" CELLPADDING="0" ${sizes}><TR><TD></TD></TR></TABLE>>`;
}
