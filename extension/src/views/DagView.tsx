import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useMemo, useState } from 'react';
import type { ChipForm, CompileAnswer, DagForm, SketchForm } from '../api/types';
import type { LayoutEngine } from '../layout/engine';
import {
  boxOf,
  cellsBeside,
  idOf,
  type Subject,
  search,
  subjectOf,
  tasksOf
} from '../model/sections';
import { Canvas } from './Canvas';
import { Details } from './Details';
import { Findings } from './Findings';
import { TaskList } from './TaskList';
import { useStable } from './useStable';

/** What can be asked of the notebook that the DAG is of. */
export interface DagActions {
  showCells(cells: readonly string[], line?: number): void;
  /** Draw these sections open, `all` for every one. */
  unfold(sections: readonly string[]): void;
}

export interface DagViewProps {
  answer: CompileAnswer & { sketch: SketchForm };
  unfolded: readonly string[];
  /** The task that somebody asked to see; another object each time. */
  asked: { readonly task: string } | null;
  engine: LayoutEngine;
  trans: TranslationBundle;
  actions: DagActions;
}

/** A DAG with everything around it: search, the picture or the list, reasons, findings. */
export function DagView(props: DagViewProps): ReactElement {
  const { answer, unfolded, asked, engine, trans, actions } = props;
  const sketch = useStable(answer.sketch);
  const dag = useStable(answer.dag);
  const [query, setQuery] = useState('');
  const [isList, setList] = useState(false);
  const [subject, setSubject] = useState<Subject | null>(null);
  const chosen = useMemo(() => idOf(subject, sketch), [subject, sketch]);
  const setChosen = (id: string | null) => setSubject(subjectOf(id, sketch));
  const [pointed, setPointed] = useState<string | null>(null);
  const found = useMemo(() => search(sketch, dag, query), [sketch, dag, query]);
  const told = pointed ?? chosen;
  const [answered, setAnswered] = useState<DagViewProps['asked']>(null);
  if (asked !== null && asked !== answered) {
    setAnswered(asked);
    setChosen(boxOf(asked.task, sketch)?.id ?? null);
  }
  const enter = (id: string) => {
    const box = sketch.boxes.find(one => one.id === id);
    if (box && box.members.length > 0) {
      setChosen(null);
      actions.unfold([...unfolded, box.task]);
    } else if (box) {
      actions.showCells(tasksOf(box, dag).flatMap(task => task.cells));
    }
  };
  return (
    <>
      <Head {...{ dag, sketch, trans, query, setQuery, isList, setList }} count={found?.size} />
      <Folding {...{ sketch, unfolded, trans, actions }} />
      {isList ? (
        <div className="nbf-list">
          <TaskList dag={dag} trans={trans} onTask={task => actions.showCells(task.cells)} />
        </div>
      ) : (
        <Canvas
          {...{ sketch, engine, trans, chosen, found, asked }}
          onChoose={setChosen}
          onEnter={enter}
          onPoint={setPointed}
        />
      )}
      <Beside chips={sketch.chips} dag={dag} trans={trans} actions={actions} />
      {!isList && (
        <Details
          {...{ sketch, dag, trans }}
          id={told}
          onPlace={place => actions.showCells([place.cell], place.line)}
        />
      )}
      <div className="nbf-below">
        <Findings
          findings={dag.diagnostics}
          trans={trans}
          onFinding={({ cell, line }) => cell && actions.showCells([cell], line ?? undefined)}
        />
      </div>
    </>
  );
}

interface HeadProps {
  dag: DagForm;
  sketch: SketchForm;
  trans: TranslationBundle;
  query: string;
  setQuery: (query: string) => void;
  count: number | undefined;
  isList: boolean;
  setList: (isList: boolean) => void;
}

function Head(props: HeadProps): ReactElement {
  const { dag, sketch, trans, query, setQuery, count, isList, setList } = props;
  return (
    <div className="nbf-bar">
      <h2 className="nbf-title">{dag.dag_id}</h2>
      <span className="nbf-quiet">{sketch.summary}</span>
      <span className="nbf-space" />
      {!isList && (
        <>
          <input
            type="search"
            className="nbf-search"
            value={query}
            placeholder={trans.__('Task or variable')}
            aria-label={trans.__('Find a task or variable')}
            onChange={event => setQuery(event.target.value)}
          />
          <span className="nbf-quiet" role="status">
            {count !== undefined && trans.__('%1 found', count)}
          </span>
        </>
      )}
      <button
        type="button"
        className="nbf-button"
        aria-pressed={isList}
        onClick={() => setList(!isList)}
      >
        {trans.__('List')}
      </button>
    </div>
  );
}

interface FoldingProps {
  sketch: SketchForm;
  unfolded: readonly string[];
  trans: TranslationBundle;
  actions: DagActions;
}

/** A large DAG is drawn section by section: what is folded, and how to open and close it. */
function Folding({ sketch, unfolded, trans, actions }: FoldingProps): ReactElement | null {
  const folded = sketch.boxes.filter(box => box.members.length > 0).length;
  if (folded === 0 && unfolded.length === 0) {
    return null;
  }
  return (
    <p className="nbf-folding">
      {folded > 0 && (
        <>
          <span className="nbf-quiet">
            {trans._n('%1 section is folded.', '%1 sections are folded.', folded)}
          </span>
          <button type="button" className="nbf-link" onClick={() => actions.unfold(['all'])}>
            {trans.__('Open all')}
          </button>
        </>
      )}
      {unfolded.length > 0 && (
        <button type="button" className="nbf-link" onClick={() => actions.unfold([])}>
          {trans.__('Fold sections')}
        </button>
      )}
    </p>
  );
}

interface BesideProps {
  chips: readonly ChipForm[];
  dag: DagForm;
  trans: TranslationBundle;
  actions: DagActions;
}

/** Cells that are no part of a task never vanish: a margin lists them. */
function Beside({ chips, dag, trans, actions }: BesideProps): ReactElement | null {
  const shown = chips.filter(chip => chip.kind !== 'folded');
  return shown.length === 0 ? null : (
    <ul className="nbf-beside" aria-label={trans.__('Cells beside the tasks')}>
      {shown.map(chip => (
        <li key={chip.kind}>
          <button
            type="button"
            className="nbf-chip"
            data-kind={chip.kind}
            title={chip.title}
            onClick={() => actions.showCells(cellsBeside(chip.kind, dag))}
          >
            {chip.label}
          </button>
        </li>
      ))}
    </ul>
  );
}
