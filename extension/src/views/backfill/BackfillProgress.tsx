import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import type { ReactElement } from 'react';
import type { BackfillForm } from '../../api/types';
import { lookOf } from '../../look/states';
import { toldApart, whereIAm } from '../../model/instants';
import { DialogBody } from '../DialogBody';
import { Trouble, type TroubleText } from '../Trouble';
import { useSignal } from '../useSignal';

interface ProgressProps {
  source: {
    readonly changed: ISignal<object, unknown>;
    readonly all: readonly BackfillForm[];
    readonly error: Error | null;
    retry(): void;
  };
  cancel: (backfill: string) => void;
  troubleOf: (error: Error) => TroubleText;
  timezone: string;
  trans: TranslationBundle;
  lang: 'en' | 'ko';
}

/** How the backfills of a DAG go. */
export class BackfillProgress extends DialogBody {
  constructor(private readonly _props: ProgressProps) {
    super();
    this.addClass('nbf-schedule');
  }

  protected override render(): ReactElement {
    return <Body {...this._props} />;
  }
}

function Body(props: ProgressProps): ReactElement {
  const { source, trans, troubleOf } = props;
  useSignal(source.changed);
  if (source.error) {
    const trouble = troubleOf(source.error);
    return <Trouble {...{ trouble, trans }} onRetry={() => source.retry()} />;
  }
  if (source.all.length === 0) {
    return <p className="nbf-quiet">{trans.__('Asking how it goes…')}</p>;
  }
  return (
    <ul className="nbf-backfills">
      {source.all.map(one => (
        <li key={one.backfill_id} data-state={one.state}>
          <Backfill {...props} found={one} />
        </li>
      ))}
    </ul>
  );
}

function Backfill(props: ProgressProps & { found: BackfillForm }): ReactElement {
  const { found, cancel, timezone, trans, lang } = props;
  const slots = slotsText(found, timezone, lang);
  const runs = Object.values(found.runs).reduce((sum, count) => sum + count, 0);
  const ended = ['success', 'failed', 'cancelled'].reduce(
    (sum, state) => sum + (found.runs[state] ?? 0),
    0
  );
  const states = Object.entries(found.runs).map(
    ([state, count]) => `${lookOf(state).word[lang]}: ${count}`
  );
  return (
    <>
      <p className="nbf-head">{slots}</p>
      <div aria-live="polite">
        <p>{stateText(found.state, trans)}</p>
        <progress
          className="nbf-wide"
          aria-label={`${trans.__('Slots that are done')}: ${slots}`}
          value={ended + Math.max(0, found.decided - runs)}
          max={Math.max(1, found.slots)}
        />
        <p>{trans.__('Slots looked at: %1 of %2', found.decided, found.slots)}</p>
        <p>{states.join(' · ')}</p>
      </div>
      {found.state === 'running' && (
        <button
          type="button"
          className="nbf-button"
          aria-label={`${trans.__('Cancel the backfill')}: ${slots}`}
          onClick={() => cancel(found.backfill_id)}
        >
          {trans.__('Cancel the backfill')}
        </button>
      )}
    </>
  );
}

/** The first and the last slot of a backfill. */
function slotsText({ first, last }: BackfillForm, timezone: string, lang: 'en' | 'ko'): string {
  const told = toldApart([first, last], one => whereIAm(one, lang, timezone), timezone);
  return `${[...told.values()].join(' – ')} (${timezone})`;
}

function stateText(state: string, trans: TranslationBundle): string {
  switch (state) {
    case 'running':
      return trans.__('The backfill goes on.');
    case 'done':
      return trans.__('✓ The backfill has ended.');
    default:
      return trans.__('■ The backfill was cancelled.');
  }
}
