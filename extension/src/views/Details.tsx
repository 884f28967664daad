import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { BoxForm, DagForm, EdgeForm, LineForm, PlaceForm, SketchForm } from '../api/types';
import { edgesOf, tasksOf } from '../model/sections';

export interface DetailsProps {
  /** A box or line of the sketch; null if none is pointed at or chosen. */
  id: string | null;
  sketch: SketchForm;
  dag: DagForm;
  trans: TranslationBundle;
  onPlace: (place: PlaceForm) => void;
}

/** What a box is, or why a line is there, with the ways to the lines of code. */
export function Details(props: DetailsProps): ReactElement {
  const { id, sketch, trans } = props;
  const box = sketch.boxes.find(one => one.id === id);
  const line = sketch.lines.find(one => one.id === id);
  return (
    <section className="nbf-details" aria-label={trans.__('Reasons')}>
      {box && <OfBox {...props} box={box} />}
      {line && <OfLine {...props} line={line} />}
      {!box && !line && (
        <p className="nbf-quiet">
          {trans.__('Point at an arrow to see why it is there; click a task to go to its cells.')}
        </p>
      )}
    </section>
  );
}

function OfBox({ box, ...props }: DetailsProps & { box: BoxForm }): ReactElement {
  const { dag } = props;
  const [name, ...about] = box.title.split('\n');
  const names = new Set(tasksOf(box, dag).map(task => task.name));
  const incoming = dag.edges.filter(edge => names.has(edge.target) && !names.has(edge.source));
  return (
    <>
      <p className="nbf-head">{name}</p>
      {about.map(text => (
        <p key={text} className="nbf-quiet">
          {text}
        </p>
      ))}
      <Why {...props} edges={incoming} />
    </>
  );
}

function OfLine({ line, ...props }: DetailsProps & { line: LineForm }): ReactElement {
  return (
    <>
      <p className="nbf-head">{line.title.split('\n')[0]}</p>
      <Why {...props} edges={edgesOf(line.id, props.sketch, props.dag)} />
    </>
  );
}

function Why(props: DetailsProps & { edges: readonly EdgeForm[] }): ReactElement | null {
  const { edges, trans, onPlace } = props;
  return edges.length === 0 ? null : (
    <ul className="nbf-why">
      {edges.map(edge => (
        <li key={JSON.stringify(edge)}>
          {edge.why} <Place word={trans.__('Go to writer')} place={edge.writer} onPlace={onPlace} />{' '}
          <Place word={trans.__('Go to reader')} place={edge.reader} onPlace={onPlace} />
        </li>
      ))}
    </ul>
  );
}

interface PlaceProps {
  word: string;
  place: PlaceForm | null;
  onPlace: (place: PlaceForm) => void;
}

function Place({ word, place, onPlace }: PlaceProps): ReactElement | null {
  return place === null ? null : (
    <button type="button" className="nbf-link" onClick={() => onPlace(place)}>
      {word}
    </button>
  );
}
