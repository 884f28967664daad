import { createContext } from 'react';
import type { Ran } from '../model/lastRan';

/** How a task stood in the last run that it was part of, and the word of that state. */
export interface RanState extends Ran {
  readonly word: string;
}

/** How the tasks stood last: a picture below is coloured by it. */
export const RunStates = createContext<ReadonlyMap<string, RanState>>(new Map());
