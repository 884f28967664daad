import { createContext } from 'react';

/** The state of a task in the run that is followed, and its word. */
export interface RanState {
  readonly state: string;
  readonly word: string;
}

/** The tasks of the followed run: a picture below is coloured by them. */
export const RunStates = createContext<ReadonlyMap<string, RanState>>(new Map());
