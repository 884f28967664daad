import { createContext } from 'react';

/** The state of a task in the last run that it was part of, and its word. */
export interface RanState {
  readonly state: string;
  readonly word: string;
}

/** How the tasks stood last: a picture below is coloured by it. */
export const RunStates = createContext<ReadonlyMap<string, RanState>>(new Map());
