import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import type { ReactElement } from 'react';
import type { CompileAnswer } from '../api/types';
import type { LayoutEngine } from '../layout/engine';
import { dagIcon } from '../look/icons';
import { type DagActions, DagView } from './DagView';
import { type DagDeed, DeployedBar, type DeployedSource } from './deploy/DeployedBar';
import { type RanState, RunStates } from './runStates';
import { Trouble, type TroubleText } from './Trouble';
import { useSignal } from './useSignal';
import { type Watched, WatchingPanel } from './WatchingPanel';

/** What the panel shows, and what it can ask for. */
export interface DagSource extends DagActions, Watched {
  /** Emitted when anything below is new. */
  readonly changed: ISignal<object, unknown>;
  /** Something that is another for each open notebook; null if none is open. */
  readonly notebook: string | null;
  readonly answer: CompileAnswer | null;
  readonly unfolded: readonly string[];
  /** How the tasks stood last. */
  readonly states: ReadonlyMap<string, RanState>;
  readonly trouble: TroubleText | null;
  /** How the DAG stands on the server. */
  readonly deployed: DeployedSource;
  readonly lang: 'en' | 'ko';
  retry(): void;
  /** Ask for something that has a dialog of its own. */
  ask(deed: DagDeed): void;
}

/** The one panel with a DAG. */
export const DAG_PANEL = 'nbflow-dag';

/** The DAG of the notebook that is being worked in. */
export class DagPanel extends WatchingPanel<DagSource> {
  constructor(
    source: DagSource,
    private readonly _engine: LayoutEngine,
    private readonly _trans: TranslationBundle
  ) {
    super(source);
    this.id = DAG_PANEL;
    this.title.label = _trans.__('DAG');
    this.title.caption = _trans.__('The DAG of the open notebook');
    this.title.icon = dagIcon;
  }

  /** Choose a task in the picture. */
  showTask(task: string): void {
    this._asked = { task, notebook: this.source.notebook };
    this.update();
  }

  protected override render(): ReactElement {
    return (
      <Body source={this.source} asked={this._asked} engine={this._engine} trans={this._trans} />
    );
  }

  private _asked: Asked | null = null;
}

/** A task that somebody asked to see, of the notebook that was in front then. */
interface Asked {
  readonly task: string;
  readonly notebook: string | null;
}

interface BodyProps {
  source: DagSource;
  asked: Asked | null;
  engine: LayoutEngine;
  trans: TranslationBundle;
}

function Body({ source, asked, engine, trans }: BodyProps): ReactElement {
  useSignal(source.changed);
  const { answer, notebook, trouble } = source;
  if (notebook === null) {
    return <p className="nbf-empty">{trans.__('Open a notebook to see its DAG.')}</p>;
  }
  return (
    <>
      {trouble && <Trouble trouble={trouble} trans={trans} onRetry={() => source.retry()} />}
      <DeployedBar
        source={source.deployed}
        lang={source.lang}
        trans={trans}
        onDeed={deed => source.ask(deed)}
      />
      {answer && isUntagged(answer) && (
        <p className="nbf-folding">
          <span className="nbf-quiet">
            {trans.__('No cell is a task yet: the notebook is one task.')}
          </span>
          <button type="button" className="nbf-link" onClick={() => source.ask('suggest')}>
            {trans.__('Suggest Tasks…')}
          </button>
        </p>
      )}
      {answer?.sketch && (
        <RunStates.Provider value={source.states}>
          <DagView
            key={notebook}
            answer={{ ...answer, sketch: answer.sketch }}
            unfolded={source.unfolded}
            asked={asked?.notebook === notebook ? asked : null}
            engine={engine}
            trans={trans}
            actions={source}
          />
        </RunStates.Provider>
      )}
    </>
  );
}

/** Whether cells are one task only since nobody said anything about them. */
function isUntagged({ dag, sketch }: CompileAnswer): boolean {
  const isWhole = sketch?.boxes.some(box => box.folded) ?? false;
  const isTask = dag.membership.filter(one => one.task !== null);
  return !isWhole && isTask.length > 1 && isTask.every(one => !one.tagged);
}
