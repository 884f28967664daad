import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';
import { historyIcon } from '../../look/icons';
import { ago, exactly } from '../../model/past';
import { serverPath } from '../../model/paths';
import { Trouble } from '../Trouble';
import { useSignal } from '../useSignal';
import { WatchingPanel } from '../WatchingPanel';
import { Comparison } from './Comparison';
import { Filters } from './Filters';
import type { HistorySource } from './historySource';
import { RunProgress } from './RunProgress';
import { RunTable } from './RunTable';
import type { Spoken } from './source';
import { TaskDetails } from './TaskDetails';

/** The runs of a notebook, or of all: listed, looked into, compared. */
export class HistoryPanel extends WatchingPanel<HistorySource> {
  constructor(
    source: HistorySource,
    private readonly _trans: TranslationBundle,
    private readonly _lang: 'en' | 'ko'
  ) {
    super(source);
    this.addClass('nbf-runs');
    this.addClass('nbf-of-history');
    this.title.label = _trans.__('Runs');
    this.title.caption = _trans.__('Runs of all notebooks');
    this.title.icon = historyIcon;
  }

  /** Who opens it by keyboard goes on from here. */
  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.tabIndex = -1;
    if (!this.node.contains(document.activeElement)) {
      this.node.focus();
    }
  }

  protected override render(): ReactElement {
    return <Body source={this.source} trans={this._trans} lang={this._lang} />;
  }
}

interface HistoryProps extends Spoken {
  source: HistorySource;
}

function Body({ source, trans, lang }: HistoryProps): ReactElement {
  useSignal(source.changed);
  const { followed, list, picked, run, trouble } = source;
  const runs = list.items;
  return (
    <div className="nbf-split" data-open={followed !== null || source.comparison !== null}>
      <section aria-label={trans.__('List of runs')}>
        <Heading {...{ source, trans, lang }} />
        <Filters {...{ source, trans, lang }} />
        {trouble && <Trouble trouble={trouble} trans={trans} onRetry={() => source.retry()} />}
        {runs.length > 0 && (
          <RunTable
            {...{ runs, picked, trans, lang }}
            current={followed}
            onRun={one => source.follow(one)}
            onPick={one => source.pick(one)}
            onDag={
              source.path === null && source.dag === null ? one => source.showDag(one) : undefined
            }
          />
        )}
        {list.unread.length > 0 && (
          <p className="nbf-wrong" role="alert">
            {trans.__(
              'Runs that can’t be read are left out (nbflow db check says why): %1',
              list.unread.join(', ')
            )}
          </p>
        )}
        {list.isRead && runs.length + list.unread.length === 0 && (
          <Empty {...{ source, trans, lang }} />
        )}
        {list.hasMore && (
          <button type="button" className="nbf-button" onClick={() => source.more()}>
            {trans.__('Show earlier runs')}
          </button>
        )}
      </section>
      {source.comparison ? (
        <Comparison comparison={source.comparison} {...{ source, trans, lang }} />
      ) : (
        run && <OneRun {...{ source, trans, lang }} />
      )}
    </div>
  );
}

/** Which runs these are, and when the next one comes. */
function Heading({ source, trans, lang }: HistoryProps): ReactElement {
  const { about, dag, path } = source;
  const next = about?.next_run;
  const of = dag ?? (path === null ? null : serverPath(path));
  return (
    <header>
      <h2>{of === null ? trans.__('Runs of all notebooks') : trans.__('Runs of %1', of)}</h2>
      {path === null && dag !== null && (
        <button type="button" className="nbf-link" onClick={() => source.showDag(null)}>
          {trans.__('Show those of all')}
        </button>
      )}
      {about && (
        <p className="nbf-quiet">
          {about.paused === null
            ? trans.__('Not deployed: it runs when somebody asks for it.')
            : about.schedule_in_words || trans.__('Deployed without a schedule.')}
          {about.paused && ` · ${trans.__('paused')}`}
          {next && (
            <>
              {' · '}
              <time dateTime={next} title={exactly(next, lang, about.timezone)}>
                {trans.__('next run %1', ago(next, Date.now(), lang))}
              </time>
            </>
          )}
        </p>
      )}
    </header>
  );
}

function Empty({ source, trans }: HistoryProps): ReactElement {
  const isFiltered = source.list.filter.state !== null || source.list.filter.kind !== null;
  return (
    <p className="nbf-empty">
      {isFiltered
        ? trans.__('No run is like that.')
        : trans.__('Nothing has been run yet. Open the notebook and choose: Run all tasks.')}
    </p>
  );
}

/** The run that is looked at: its tasks, one of them in full, and what can be done with it. */
function OneRun({ source, trans, lang }: HistoryProps): ReactElement | null {
  const { run, chosen, numbers, task } = source;
  if (!run) {
    return null;
  }
  const hasFailed = run.tasks.some(one => !['success', 'skipped'].includes(one.state));
  const name = task?.task.task ?? '';
  return (
    <section className="nbf-one" aria-label={trans.__('Run %1', run.run.run_id)}>
      <RunProgress
        answer={run}
        isGoingOn={source.isGoingOn}
        hasScheduler={source.hasScheduler}
        onTask={one => source.choose(one === chosen ? null : one)}
        onCancel={() => source.cancel()}
        onOutputs={() => source.showOutputs()}
        {...{ chosen, trans, lang }}
      >
        {!source.isGoingOn && hasFailed && (
          <button
            type="button"
            className="nbf-button"
            onClick={() => source.again({ kind: 'failed' })}
          >
            {trans.__('Re-run what did not succeed…')}
          </button>
        )}
        {!source.isGoingOn && (
          <button
            type="button"
            className="nbf-button"
            onClick={() => source.again({ kind: 'all' })}
          >
            {trans.__('Re-run everything…')}
          </button>
        )}
        <button type="button" className="nbf-button" onClick={() => source.close()}>
          {trans.__('Close')}
        </button>
      </RunProgress>
      {task && (
        <TaskDetails log={source.log} actions={source} {...{ task, numbers, trans, lang }}>
          {!source.isGoingOn && (
            <>
              <button
                type="button"
                className="nbf-button"
                onClick={() => source.again({ kind: 'task', task: name })}
              >
                {trans.__('Re-run %1…', name)}
              </button>
              <button
                type="button"
                className="nbf-button"
                onClick={() => source.again({ kind: 'from', task: name })}
              >
                {trans.__('Re-run from %1 on…', name)}
              </button>
            </>
          )}
        </TaskDetails>
      )}
    </section>
  );
}
