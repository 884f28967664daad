import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import type { ReactElement } from 'react';
import type { BackfillAnswer } from '../../api/types';
import { DialogBody } from '../DialogBody';
import { Trouble, type TroubleText } from '../Trouble';
import { useSignal } from '../useSignal';

interface ProgressProps {
  source: {
    readonly changed: ISignal<object, unknown>;
    readonly answer: BackfillAnswer | null;
    readonly error: Error | null;
    retry(): void;
  };
  troubleOf: (error: Error) => TroubleText;
  /** A state of a run in words. */
  word: (state: string) => string;
  trans: TranslationBundle;
}

/** How a backfill goes. */
export class BackfillProgress extends DialogBody {
  constructor(private readonly _props: ProgressProps) {
    super();
    this.addClass('nbf-schedule');
  }

  protected override render(): ReactElement {
    return <Body {...this._props} />;
  }
}

function Body({ source, word, trans, troubleOf }: ProgressProps): ReactElement {
  useSignal(source.changed);
  const found = source.answer?.backfill;
  if (source.error) {
    const trouble = troubleOf(source.error);
    return <Trouble {...{ trouble, trans }} onRetry={() => source.retry()} />;
  }
  if (!found) {
    return <p className="nbf-quiet">{trans.__('Asking how it goes…')}</p>;
  }
  const runs = Object.values(found.runs).reduce((sum, count) => sum + count, 0);
  const ended = ['success', 'failed', 'cancelled'].reduce(
    (sum, state) => sum + (found.runs[state] ?? 0),
    0
  );
  const states = Object.entries(found.runs).map(([state, count]) => `${word(state)}: ${count}`);
  return (
    <div aria-live="polite" data-state={found.state}>
      <p className="nbf-head">{stateText(found.state, trans)}</p>
      <progress
        className="nbf-wide"
        aria-label={trans.__('Slots that are done')}
        value={ended + Math.max(0, found.decided - runs)}
        max={Math.max(1, found.slots)}
      />
      <p>{trans.__('Slots looked at: %1 of %2', found.decided, found.slots)}</p>
      <p>{states.join(' · ')}</p>
    </div>
  );
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
