/** Short names for the generated types of the API. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Activity = Schemas['Activity'];
export type BoxForm = Schemas['BoxForm'];
export type ChipForm = Schemas['ChipForm'];
export type CompileAnswer = Schemas['CompileAnswer'];
export type CompileRequest = Schemas['CompileRequest'];
export type DagForm = Schemas['DagForm'];
export type EdgeForm = Schemas['EdgeForm'];
export type Finding = Schemas['Finding'];
export type FrameForm = Schemas['FrameForm'];
export type LineForm = Schemas['LineForm'];
export type MarkAnswer = Schemas['MarkAnswer'];
export type MarkChange = Schemas['MarkRequest']['change'];
export type MarkRequest = Schemas['MarkRequest'];
export type MembershipForm = Schemas['MembershipForm'];
export type PlaceForm = Schemas['PlaceForm'];
export type Problem = Schemas['Problem'];
export type SketchForm = Schemas['SketchForm'];
export type Suggestions = Schemas['Suggestions'];
export type SuggestRequest = Schemas['SuggestRequest'];
export type TaskForm = Schemas['TaskForm'];
export type AttemptForm = Schemas['AttemptForm'];
export type ClearRequest = Schemas['ClearRequest'];
export type ClearAnswer = Schemas['ClearAnswer'];
export type EventList = Schemas['EventList'];
export type LogAnswer = Schemas['LogAnswer'];
export type ParameterForm = Schemas['ParameterForm'];
export type RunAnswer = Schemas['RunAnswer'];
export type RunForm = Schemas['RunForm'];
export type RunPage = Schemas['RunPage'];
export type RunRequest = Schemas['RunRequest'];
export type TaskInstanceAnswer = Schemas['TaskInstanceAnswer'];
export type TaskInstanceForm = Schemas['TaskInstanceForm'];
export type Triggered = Schemas['Triggered'];
export type SettingProblemForm = Schemas['SettingProblemForm'];
export type SettingsAnswer = Schemas['SettingsAnswer'];
export type SettingsRequest = Schemas['SettingsRequest'];
export type BackfillAnswer = Schemas['BackfillAnswer'];
export type BackfillForm = Schemas['BackfillForm'];
export type BackfillPlanned = Schemas['BackfillPlanned'];
export type BackfillRequest = Schemas['BackfillRequest'];
export type CellChangeForm = Schemas['CellChangeForm'];
export type CompareAnswer = Schemas['CompareAnswer'];
export type CompareRequest = Schemas['CompareRequest'];
export type DagAnswer = Schemas['DagAnswer'];
export type DagChanged = Schemas['DagChanged'];
export type DagRowForm = Schemas['DagRowForm'];
export type DeploymentForm = Schemas['DeploymentForm'];
export type Deployments = Schemas['Deployments'];
export type DeployRequest = Schemas['DeployRequest'];
export type LineChangeForm = Schemas['LineChangeForm'];
export type ScheduleAnswer = Schemas['ScheduleAnswer'];
/** What somebody wants of a backfill. */
export type BackfillWish = Pick<
  BackfillRequest,
  'dag_id' | 'first' | 'last' | 'reprocess' | 'reverse' | 'before_start' | 'max_active'
>;
export type Calendar = Schemas['Calendar'];
export type DayForm = Schemas['DayForm'];
export type Comparison = Schemas['Comparison'];
export type DagList = Schemas['DagList'];
export type NotebookDagAnswer = Schemas['NotebookDagAnswer'];
