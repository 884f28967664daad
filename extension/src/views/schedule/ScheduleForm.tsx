import { ReactWidget } from '@jupyterlab/apputils';
import { type ReactElement, useEffect, useRef } from 'react';
import { useSignal } from '../useSignal';
import { Meaning } from './Meaning';
import type { PartProps, SettingsSource } from './source';
import { When } from './When';

/** The settings of a DAG, to be changed in a dialog. */
export class ScheduleForm extends ReactWidget {
  constructor(private readonly _props: PartProps & { zones: readonly string[] }) {
    super();
    this.addClass('nbf-schedule');
  }

  protected override render(): ReactElement {
    return <Body {...this._props} />;
  }
}

function Body(props: PartProps & { zones: readonly string[] }): ReactElement {
  const { source, trans, lang } = props;
  useSignal(source.changed);
  return (
    <div ref={useJudged(source)}>
      <When {...props} />
      {source.answer && <Meaning answer={source.answer} {...{ trans, lang }} />}
      {source.error && (
        <p className="nbf-wrong" role="alert">
          ✕ {source.error.message}
        </p>
      )}
    </div>
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
