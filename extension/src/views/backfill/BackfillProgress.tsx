import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import { type ReactElement, useRef, useState } from 'react';
import type { BackfillForm } from '../../api/types';
import { lookOf } from '../../look/states';
import { spansInTimezone } from '../../model/instants';
import { DialogBody } from '../DialogBody';
import { Trouble, type TroubleText } from '../Trouble';
import { useSignal } from '../useSignal';

interface ProgressProps {
  source: {
    readonly changed: ISignal<object, unknown>;
    readonly all: readonly BackfillForm[];
    /** Those that are followed by id; null: one that was not looked at yet. */
    readonly known: ReadonlyMap<string, BackfillForm | null>;
    readonly error: Error | null;
    retry(): void;
  };
  /** End one; settles once that was answered. */
  cancel: (backfill: string) => Promise<void>;
  troubleOf: (error: Error) => TroubleText;
  /** What the dialog is about. */
  title: string;
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

/**
 * It has one element that is there from the first, whatever is known by then: to it Tab goes on after
 * the last button of the dialog.
 */
function Body(props: ProgressProps): ReactElement {
  const { source, trans, troubleOf, title, timezone, lang } = props;
  useSignal(source.changed);
  const trouble = source.error && troubleOf(source.error);
  const isAsked = [...source.known.values()].includes(null);
  const { all } = source;
  const slots = spansInTimezone(all, timezone, lang);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what Tab goes on to
    <section tabIndex={0} aria-label={title}>
      {trouble && <Trouble {...{ trouble, trans }} onRetry={() => source.retry()} />}
      {isAsked && !trouble && <p className="nbf-quiet">{trans.__('Asking how it goes…')}</p>}
      {source.known.size === 0 && <p className="nbf-quiet">{trans.__('No backfill goes on.')}</p>}
      {all.length > 0 && (
        <ul className="nbf-backfills">
          {all.map((one, index) => (
            <Backfill key={one.backfill_id} {...props} found={one} slots={slots[index] ?? ''} />
          ))}
        </ul>
      )}
    </section>
  );
}

interface BackfillProps extends ProgressProps {
  found: BackfillForm;
  slots: string;
}

function Backfill({ found, slots, cancel, trans, lang }: BackfillProps): ReactElement {
  const [isAsked, setAsked] = useState(false);
  const item = useRef<HTMLLIElement>(null);
  const runs = Object.values(found.runs).reduce((sum, count) => sum + count, 0);
  const ended = ['success', 'failed', 'cancelled'].reduce(
    (sum, state) => sum + (found.runs[state] ?? 0),
    0
  );
  const states = Object.entries(found.runs).map(
    ([state, count]) => `${lookOf(state).word[lang]}: ${count}`
  );
  // The button goes once it has done its work: with it the focus would leave the dialog.
  const onCancel = () => {
    item.current?.focus();
    setAsked(true);
    void cancel(found.backfill_id).finally(() => setAsked(false));
  };
  return (
    <li ref={item} tabIndex={-1} data-state={found.state}>
      <p className="nbf-head">{slots}</p>
      <p role="status" aria-atomic="true">
        <span className="nbf-unseen">{slots}: </span>
        {stateText(found.state, trans)}
      </p>
      <progress
        className="nbf-wide"
        aria-label={`${trans.__('Slots that are done')}: ${slots}`}
        value={ended + Math.max(0, found.decided - runs)}
        max={Math.max(1, found.slots)}
      />
      <p>{trans.__('Slots looked at: %1 of %2', found.decided, found.slots)}</p>
      <p>{states.join(' · ')}</p>
      {found.state === 'running' && (
        <button
          type="button"
          className="nbf-button"
          aria-label={`${trans.__('Cancel the backfill')}: ${slots}`}
          disabled={isAsked}
          onClick={onCancel}
        >
          {trans.__('Cancel the backfill')}
        </button>
      )}
    </li>
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
