import type { ReactElement } from 'react';
import { lookOf } from '../../look/states';

export interface StateProps {
  state: string;
  /** The language of the words: they come from the tokens, as in pictures and in the terminal. */
  lang: 'en' | 'ko';
}

/** A state: its icon, and its word in its colour. */
export function State({ state, lang }: StateProps): ReactElement {
  return (
    <span className="nbf-state" data-state={state}>
      <StateIcon state={state} />
      {lookOf(state).word[lang]}
    </span>
  );
}

/** A state's icon in the colour of what it stands in. */
export function StateIcon({ state }: { state: string }): ReactElement {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d={lookOf(state).icon} fill="none" stroke="currentColor" strokeWidth="1.9" />
    </svg>
  );
}
