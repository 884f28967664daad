import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import { type ReactElement, useEffect, useRef } from 'react';
import type { BackfillPlanned, BackfillWish } from '../../api/types';
import { allInTimezone } from '../../model/instants';
import { isDay, monthOf } from '../../model/months';
import { DialogBody } from '../DialogBody';
import { Field } from '../schedule/Field';
import { Typed } from '../schedule/Typed';
import { useSignal } from '../useSignal';
import { Calendar, type MonthSource } from './Calendar';
import { actionWord, whyWord } from './words';

/** A backfill that is filled in. */
export interface BackfillSource {
  readonly changed: ISignal<object, unknown>;
  readonly wish: BackfillWish;
  readonly plan: BackfillPlanned | null;
  readonly error: Error | null;
  set(change: Partial<BackfillWish>): void;
}

interface FormProps {
  source: BackfillSource;
  month: MonthSource;
  timezone: string;
  trans: TranslationBundle;
  lang: 'en' | 'ko';
}

/** How many slots are listed; what happens to the others is counted. */
const SHOWN = 200;

/** Which past slots to run, with what would become of each. */
export class BackfillForm extends DialogBody {
  constructor(private readonly _props: FormProps) {
    super();
    this.addClass('nbf-schedule');
  }

  protected override render(): ReactElement {
    return <Body {...this._props} />;
  }
}

function Body({ source, month, timezone, trans, lang }: FormProps): ReactElement {
  useSignal(source.changed);
  const { wish, plan, error } = source;
  const ref = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the dialog judges again after each answer
  useEffect(() => {
    ref.current?.dispatchEvent(new Event('input', { bubbles: true }));
  }, [plan, error]);
  const day = (label: string, key: 'first' | 'last') => (
    <Field label={label} problem={null}>
      {control => (
        <Typed
          {...control}
          type="date"
          value={wish[key]}
          fits={isDay}
          onValue={value => {
            source.set({ [key]: value });
            month.show(monthOf(value));
          }}
        />
      )}
    </Field>
  );
  const check = (label: string, key: 'reverse' | 'before_start') => (
    <label className="nbf-check">
      <input
        type="checkbox"
        checked={wish[key]}
        onChange={event => source.set({ [key]: event.target.checked })}
      />
      {label}
    </label>
  );
  return (
    <div ref={ref}>
      <Calendar
        {...{ source: month, range: wish, choose: range => source.set(range), trans, lang }}
      />
      <fieldset className="nbf-fields">
        <legend>{trans.__('Which slots (%1)', timezone)}</legend>
        {day(trans.__('From'), 'first')}
        {day(trans.__('To, included'), 'last')}
        <Field label={trans.__('Slots that have a run')} problem={null}>
          {control => (
            <select
              {...control}
              value={wish.reprocess}
              onChange={event =>
                source.set({ reprocess: event.target.value as BackfillWish['reprocess'] })
              }
            >
              <option value="none">{trans.__('leave them')}</option>
              <option value="failed">{trans.__('run again what failed')}</option>
              <option value="completed">{trans.__('run all again')}</option>
            </select>
          )}
        </Field>
        <Field
          label={trans.__('Runs at once, at most')}
          help={trans.__('Empty: as many as the DAG allows')}
          problem={null}
        >
          {control => (
            <input
              {...control}
              type="number"
              min={1}
              max={1000}
              value={wish.max_active ?? ''}
              onChange={event => source.set({ max_active: event.target.valueAsNumber || null })}
            />
          )}
        </Field>
        {check(trans.__('The newest first'), 'reverse')}
        {check(trans.__('Also before the start date'), 'before_start')}
      </fieldset>
      {error ? (
        <p className="nbf-wrong jp-mod-error" role="alert">
          ✕ {error.message}
        </p>
      ) : (
        <Plan {...{ plan, timezone, trans, lang }} />
      )}
    </div>
  );
}

interface PlanProps extends Omit<FormProps, 'source' | 'month'> {
  plan: BackfillPlanned | null;
}

function Plan({ plan, timezone, trans, lang }: PlanProps): ReactElement {
  if (plan === null) {
    return <p className="nbf-quiet jp-mod-error">{trans.__('Looking what would run…')}</p>;
  }
  const listed = plan.slots.slice(0, SHOWN);
  const left = plan.slots.length - SHOWN;
  const slots = allInTimezone(
    listed.map(one => one.slot),
    timezone,
    lang
  );
  return (
    <section aria-live="polite">
      <p className={plan.will_run > 0 ? 'nbf-head' : 'nbf-head jp-mod-error'}>
        {trans.__('Slots that will run: %1 of %2', plan.will_run, plan.slots.length)}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <div className="nbf-slots" tabIndex={0}>
        <table className="nbf-fires">
          <thead>
            <tr>
              <th scope="col">{trans.__('Slot')}</th>
              <th scope="col">{trans.__('What happens')}</th>
              <th scope="col">{trans.__('Why')}</th>
            </tr>
          </thead>
          <tbody>
            {listed.map(one => (
              <tr key={one.slot}>
                <td>{slots.get(one.slot)}</td>
                <td>{actionWord(one.action, trans)}</td>
                <td className="nbf-quiet">{whyWord(one.why, trans)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {left > 0 && <p className="nbf-quiet">{trans.__('and %1 more', left)}</p>}
    </section>
  );
}
