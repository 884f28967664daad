/** Short names for the generated types of the API. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type CompileAnswer = Schemas['CompileAnswer'];
export type CompileRequest = Schemas['CompileRequest'];
export type DagForm = Schemas['DagForm'];
export type EdgeForm = Schemas['EdgeForm'];
export type Finding = Schemas['Finding'];
export type PlaceForm = Schemas['PlaceForm'];
export type Problem = Schemas['Problem'];
export type TaskForm = Schemas['TaskForm'];
