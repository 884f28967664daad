import type { ReactElement } from 'react';
import { RunTable, type RunTableProps } from './RunTable';

/** The newest runs of the notebook, scheduled ones too: a click shows one of them. */
export function RunHistory(props: RunTableProps): ReactElement | null {
  if (props.runs.length === 0) {
    return null;
  }
  return (
    <details className="nbf-history">
      <summary>{props.trans.__('Runs of this notebook')}</summary>
      <RunTable {...props} />
    </details>
  );
}
