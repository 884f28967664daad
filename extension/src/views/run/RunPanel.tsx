import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import { runIcon } from '../../look/icons';
import { Trouble } from '../Trouble';
import { useSignal } from '../useSignal';
import { WatchingPanel } from '../WatchingPanel';
import { RunForm } from './RunForm';
import { RunHistory } from './RunHistory';
import { RunProgress } from './RunProgress';
import type { RunSource } from './source';
import { TaskDetails } from './TaskDetails';

/** The one panel with what runs. */
export const RUN_PANEL = 'nbflow-run';

/** Running the notebook that is being worked in: what to run, how it goes, what went wrong. */
export class RunPanel extends WatchingPanel<RunSource> {
  constructor(
    source: RunSource,
    private readonly _trans: TranslationBundle,
    private readonly _lang: 'en' | 'ko'
  ) {
    super(source);
    this.id = RUN_PANEL;
    this.addClass('nbf-runs');
    this.title.label = _trans.__('Run');
    this.title.caption = _trans.__('Run tasks of the open notebook, and follow them');
    this.title.icon = runIcon;
  }

  /** Put the cursor where a run is started from. */
  askForParameters(): void {
    void this.renderPromise?.then(() =>
      this.node.querySelector<HTMLElement>('.nbf-field input, .nbf-main')?.focus()
    );
  }

  protected override render(): ReactElement {
    return <Body source={this.source} trans={this._trans} lang={this._lang} />;
  }
}

interface BodyProps {
  source: RunSource;
  trans: TranslationBundle;
  lang: 'en' | 'ko';
}

function Body({ source, trans, lang }: BodyProps): ReactElement {
  useSignal(source.changed);
  const { chosen, dag, notebook, run, task, trouble } = source;
  if (notebook === null) {
    return <p className="nbf-empty">{trans.__('Open a notebook to run its tasks.')}</p>;
  }
  const numbers = new Map(dag?.membership.map(one => [one.cell, one.number]));
  return (
    <>
      {dag && <RunForm key={notebook} {...{ source, dag, trans, lang }} />}
      {trouble && <Trouble trouble={trouble} trans={trans} onRetry={() => source.retry()} />}
      {run ? (
        <RunProgress
          answer={run}
          isGoingOn={source.isGoingOn}
          hasScheduler={source.hasScheduler}
          onTask={name => source.choose(name === chosen ? null : name)}
          onCancel={() => source.cancel()}
          onOutputs={() => source.showOutputs()}
          {...{ chosen, trans, lang }}
        />
      ) : (
        <p className="nbf-empty">{trans.__('This notebook has not been run yet.')}</p>
      )}
      {task && (
        <TaskDetails log={source.log} actions={source} {...{ task, numbers, trans, lang }} />
      )}
      <RunHistory
        runs={source.history}
        current={run?.run.run_id ?? null}
        onRun={one => source.follow(one)}
        {...{ trans, lang }}
      />
    </>
  );
}
