import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import type { Finding } from '../api/types';

export interface FindingsProps {
  findings: readonly Finding[];
  trans: TranslationBundle;
  onFinding: (finding: Finding) => void;
}

/** What the compiler found, each with its place and the way out. */
export function Findings({ findings, trans, onFinding }: FindingsProps): ReactElement | null {
  if (findings.length === 0) {
    return null;
  }
  return (
    <ul className="nbf-findings" aria-label={trans.__('Findings')}>
      {findings.map((finding, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: findings have no identity, and the list is short
        <li key={index} data-severity={finding.severity}>
          <FindingHead finding={finding} trans={trans} onFinding={onFinding} />
          <p>{finding.message}</p>
          {finding.hint && <p className="nbf-quiet">→ {finding.hint}</p>}
        </li>
      ))}
    </ul>
  );
}

interface FindingHeadProps extends Omit<FindingsProps, 'findings'> {
  finding: Finding;
}

function FindingHead({ finding, trans, onFinding }: FindingHeadProps): ReactElement {
  const word = severityWord(finding.severity, trans);
  if (finding.cell === null) {
    return <strong>{`${word} ${finding.code}`}</strong>;
  }
  const place =
    finding.line === null
      ? trans.__('cell %1', finding.place)
      : trans.__('cell %1, line %2', finding.place, finding.line);
  return (
    <>
      <strong>{`${word} ${finding.code}`}</strong>{' '}
      <button type="button" className="nbf-link" onClick={() => onFinding(finding)}>
        {place}
      </button>
    </>
  );
}

function severityWord(severity: Finding['severity'], trans: TranslationBundle): string {
  switch (severity) {
    case 'error':
      return trans.__('✕ Error');
    case 'warning':
      return trans.__('▲ Warning');
    case 'info':
      return trans.__('ⓘ Note');
  }
}
