import { type ReactElement, useEffect, useRef } from 'react';
import { DialogBody } from '../DialogBody';
import { useSignal } from '../useSignal';
import { Meaning } from './Meaning';
import { Notifications } from './Notifications';
import { Policies } from './Policies';
import type { PartProps, SettingsSource } from './source';
import { Triggers } from './Triggers';
import { When } from './When';

interface FormProps extends PartProps {
  zones: readonly string[];
  /** Whether the notebook got other settings while these were changed. */
  isStale: boolean;
}

/** The settings of a DAG, to be changed in a dialog. */
export class ScheduleForm extends DialogBody {
  constructor(private readonly _props: FormProps) {
    super();
    this.addClass('nbf-schedule');
  }

  protected override render(): ReactElement {
    return <Body {...this._props} />;
  }
}

function Body(props: FormProps): ReactElement {
  const { source, trans, lang, isStale } = props;
  useSignal(source.changed);
  return (
    <div ref={useJudged(source)}>
      {isStale && (
        <p className="nbf-wrong" role="alert">
          {trans.__(
            'The settings of this notebook were changed meanwhile, not from here: nothing was put into it. This is how they stand now, with your changes.'
          )}
        </p>
      )}
      <When {...props} />
      {source.answer && <Meaning answer={source.answer} {...{ trans, lang }} />}
      <Policies {...props} />
      <Triggers {...props} />
      <Notifications {...props} />
      <Others {...props} />
      {source.error && (
        <p className="nbf-wrong" role="alert">
          ✕ {source.error.message}
        </p>
      )}
    </div>
  );
}

const SHOWN =
  /^(schedule|timezone|start_date|end_date|catchup|overlap|max_active_runs|defaults\.retr(ies|y_delay)|(on|notify)\.\d.*)$/;

/** What is wrong with settings that have no field here: nothing hinders in silence. */
function Others({ source }: PartProps): ReactElement | null {
  const found = (source.answer?.problems ?? []).filter(one => !SHOWN.test(one.field));
  return found.length === 0 ? null : (
    <ul className="nbf-changes">
      {found.map(one => (
        <li key={one.field} className={one.error ? 'nbf-wrong jp-mod-error' : 'nbf-quiet'}>
          {one.message} → {one.hint}
        </li>
      ))}
    </ul>
  );
}

/** Let the dialog around judge again whether it may be accepted: the server answers later. */
function useJudged(source: SettingsSource): React.RefObject<HTMLDivElement> {
  const ref = useRef<HTMLDivElement>(null);
  const { answer } = source;
  useEffect(() => {
    if (answer) {
      ref.current?.dispatchEvent(new Event('input', { bubbles: true }));
    }
  }, [answer]);
  return ref;
}
