import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import type { ReactElement } from 'react';
import type { DagRowForm } from '../../api/types';
import { inTimezone } from '../../model/instants';
import { useSignal } from '../useSignal';

/** What can be done to the DAG of the open notebook. */
export type DagDeed = 'schedule' | 'deploy' | 'pause' | 'unpause' | 'suggest';

/** How the DAG of the open notebook stands on the server. */
export interface DeployedSource {
  /** Emitted when it stands otherwise. */
  readonly changed: ISignal<object, unknown>;
  /** The deployed DAG; null if none is. */
  readonly row: DagRowForm | null;
  /** Whether the open notebook is what is deployed; null before that is known. */
  readonly drift: string | null;
}

interface DeployedBarProps {
  source: DeployedSource;
  trans: TranslationBundle;
  lang: 'en' | 'ko';
  onDeed: (deed: DagDeed) => void;
}

/** Whether it runs by itself, when next, and whether what runs is what stands here. */
export function DeployedBar({
  source,
  trans,
  lang,
  onDeed
}: DeployedBarProps): ReactElement | null {
  useSignal(source.changed);
  const { row, drift } = source;
  if (drift === null) {
    return null;
  }
  return (
    <div className="nbf-bar nbf-deployed" data-drift={drift}>
      <span className="nbf-head">{driftText(drift, trans)}</span>
      {row && <span className="nbf-quiet">{runsText(row, trans, lang)}</span>}
      <span className="nbf-space" />
      <div className="nbf-deeds">
        <Deed word={trans.__('Schedule…')} onClick={() => onDeed('schedule')} />
        {drift !== 'same' && (
          <Deed
            word={drift === 'never' ? trans.__('Deploy…') : trans.__('Deploy again…')}
            onClick={() => onDeed('deploy')}
          />
        )}
        {row &&
          (row.paused ? (
            <Deed word={trans.__('Let it run again…')} onClick={() => onDeed('unpause')} />
          ) : (
            <Deed word={trans.__('Pause')} onClick={() => onDeed('pause')} />
          ))}
      </div>
    </div>
  );
}

function Deed({ word, onClick }: { word: string; onClick: () => void }): ReactElement {
  return (
    <button type="button" className="nbf-button" onClick={onClick}>
      {word}
    </button>
  );
}

function driftText(drift: string, trans: TranslationBundle): string {
  switch (drift) {
    case 'never':
      return trans.__('Not deployed');
    case 'same':
      return trans.__('✓ Deployed');
    default:
      return trans.__('≠ Deployed, the notebook differs');
  }
}

function runsText(row: DagRowForm, trans: TranslationBundle, lang: 'en' | 'ko'): string {
  if (row.paused) {
    return trans.__('❚❚ paused: no run is made by itself');
  }
  const next = row.next_run
    ? [trans.__('next run: %1', inTimezone(row.next_run, row.timezone, lang))]
    : [];
  const said = [row.schedule_in_words, ...row.triggers, ...next];
  return said.filter(Boolean).join(' · ');
}
