import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

/** What went wrong, in words of whoever knows: title, what happened, the way out. */
export interface TroubleText {
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
}

export interface TroubleProps {
  trouble: TroubleText;
  trans: TranslationBundle;
  onRetry: () => void;
}

/** A problem that keeps the DAG from being shown. */
export function Trouble({ trouble, trans, onRetry }: TroubleProps): ReactElement {
  return (
    <div className="nbf-trouble" role="alert">
      <strong>{trouble.title}</strong>
      {trouble.detail && <p>{trouble.detail}</p>}
      {trouble.hint && <p>→ {trouble.hint}</p>}
      <button type="button" className="nbf-button" onClick={onRetry}>
        {trans.__('Try again')}
      </button>
    </div>
  );
}
