/** The one file that talks to the server. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type {
  Activity,
  BackfillAnswer,
  BackfillForm,
  BackfillPlanned,
  BackfillWish,
  Calendar,
  ClearAnswer,
  ClearRequest,
  CompareAnswer,
  CompareRequest,
  Comparison,
  CompileAnswer,
  CompileRequest,
  DagAnswer,
  DagChanged,
  DagList,
  DagRowForm,
  Deployments,
  DeployRequest,
  EventList,
  LogAnswer,
  MarkAnswer,
  MarkRequest,
  NotebookDagAnswer,
  Problem,
  RunAnswer,
  RunPage,
  RunRequest,
  ScheduleAnswer,
  SettingsAnswer,
  SettingsRequest,
  Suggestions,
  SuggestRequest,
  TaskInstanceAnswer,
  Triggered
} from './types';

const ROOT = 'nbflow/api';

/** What the server refused, as it says it. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** Whether what was asked for is not there, or not any more. */
export function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.problem.status === 404;
}

/** The Jupyter server answers, but knows nothing of nbflow. */
export class NotEnabledError extends Error {}

/** The Jupyter server doesn't answer. */
export class UnreachableError extends Error {}

/** What goes with a request. */
interface Sent {
  body?: unknown;
  query?: Record<string, string | number>;
  signal?: AbortSignal | undefined;
}

/** Which runs. */
export interface RunsQuery {
  readonly dag_id?: string;
  readonly state?: string;
  readonly kind?: string;
  readonly limit: number;
  readonly cursor?: string;
}

/** nbflow's API below the base URL of the Jupyter server. */
export class Api {
  constructor(
    private readonly _settings: ServerConnection.ISettings,
    private readonly _language: () => string
  ) {}

  /** Compile a document that need not be saved. */
  compile(request: CompileRequest, signal?: AbortSignal): Promise<CompileAnswer> {
    return this._send('POST', 'compile', { body: request, signal });
  }

  /** Ask for a run of a document as it is, saved or not. */
  run(request: RunRequest): Promise<Triggered> {
    return this._send('POST', 'runs', { body: request });
  }

  /** Runs, the newest first; `cursor` is the `next` of the part before. */
  runs(query: RunsQuery): Promise<RunPage> {
    return this._send('GET', 'runs', { query: { ...query } });
  }

  /** All DAGs of the DAGs folder and the metastore, read part by part. */
  async dags(): Promise<DagRowForm[]> {
    const found: DagRowForm[] = [];
    for (let cursor: string | null | undefined = ''; typeof cursor === 'string'; ) {
      const part: DagList = await this._send('GET', 'dags', { query: cursor ? { cursor } : {} });
      found.push(...part.items);
      cursor = part.next;
    }
    return found;
  }

  /** Which DAG a saved notebook belongs to. */
  dagOf(path: string): Promise<NotebookDagAnswer> {
    return this._send('GET', 'notebooks', { query: { path } });
  }

  /** How many runs go on, and how many failed since an instant. */
  activity(since: string | null): Promise<Activity> {
    return this._send('GET', 'activity', { query: since ? { since } : {} });
  }

  /** Two runs side by side. */
  compareRuns(run: string, other: string): Promise<Comparison> {
    return this._send('GET', at`runs/${run}/comparison`, { query: { other } });
  }

  /** Let tasks of an ended run run again. */
  clear(run: string, what: Partial<ClearRequest>): Promise<ClearAnswer> {
    return this._send('POST', at`runs/${run}/clear`, { body: what });
  }

  /** A run with its tasks. */
  showRun(run: string): Promise<RunAnswer> {
    return this._send('GET', at`runs/${run}`);
  }

  /**
   * Where a run's outputs stand as a page: for a sandboxed frame, never to be fetched into ours. A
   * `cell` is scrolled to.
   */
  pageUrl(run: string, theme: 'light' | 'dark', cell?: string): string {
    const path = URLExt.join(this._settings.baseUrl, ROOT, at`runs/${run}/page`);
    const place = cell === undefined ? '' : at`#cell-id=${cell}`;
    return path + URLExt.objectToQueryString({ theme }) + place;
  }

  /** What happened in a run after event `since`. */
  events(run: string, since: number): Promise<EventList> {
    return this._send('GET', at`runs/${run}/events`, { query: { since, limit: 1000 } });
  }

  /** Ask whoever drives a run to end it. */
  cancel(run: string): Promise<unknown> {
    return this._send('POST', at`runs/${run}/cancel`, { body: {} });
  }

  /** A task of a run, with its tries cell by cell. */
  showTask(run: string, task: string): Promise<TaskInstanceAnswer> {
    return this._send('GET', at`runs/${run}/tasks/${task}`);
  }

  /** A part of the log of a try. */
  log(run: string, task: string, tryNo: number, offset: number): Promise<LogAnswer> {
    const query = { try_no: tryNo, offset };
    return this._send('GET', at`runs/${run}/tasks/${task}/log`, { query });
  }

  /** Work out what marking cells of a document changes. */
  mark(request: MarkRequest): Promise<MarkAnswer> {
    return this._send('POST', 'marks', { body: request });
  }

  /** Propose tasks for a document that has none. */
  suggest(request: SuggestRequest): Promise<Suggestions> {
    return this._send('POST', 'suggestions', { body: request });
  }

  /** Say what settings of a DAG mean that need not be kept. */
  checkSettings(request: SettingsRequest, signal?: AbortSignal): Promise<SettingsAnswer> {
    return this._send('POST', 'dag-settings', { body: request, signal });
  }

  /** The time zones that a schedule may be in. */
  timezones(): Promise<{ items: string[] }> {
    return this._send('GET', 'timezones');
  }

  /** Say what a deploy of an open notebook would change. */
  compare(request: CompareRequest): Promise<CompareAnswer> {
    return this._send('POST', 'comparisons', { body: request });
  }

  /** Make a saved notebook what runs by itself. */
  deploy(request: DeployRequest): Promise<Deployments> {
    return this._send('POST', 'dags', { body: request });
  }

  /** A DAG as it is deployed. */
  showDag(dag: string): Promise<DagAnswer> {
    return this._send('GET', at`dags/${dag}`);
  }

  /** A deployed DAG's schedule: what it missed, when it fires. */
  schedule(dag: string): Promise<ScheduleAnswer> {
    return this._send('GET', at`dags/${dag}/schedule`);
  }

  /** Pause a DAG, or let it run again. */
  pause(dag: string, paused: boolean, confirmed = false): Promise<DagChanged> {
    return this._send('PATCH', at`dags/${dag}`, { body: { paused, confirmed } });
  }

  /** The days of a range on which slots lie, and how their runs stand. */
  calendar(
    dag: string,
    range: { first: string; last: string },
    signal?: AbortSignal
  ): Promise<Calendar> {
    return this._send('GET', at`dags/${dag}/calendar`, { query: range, signal });
  }

  /** Run past slots, or with `dry_run` only say which would run. */
  backfill(
    request: BackfillWish & { dry_run: boolean; confirmed?: boolean },
    signal?: AbortSignal
  ): Promise<BackfillPlanned> {
    return this._send('POST', 'backfills', { body: request, signal });
  }

  /** The backfills of a DAG that go on, the newest first. */
  openBackfills(dag: string): Promise<{ items: BackfillForm[] }> {
    return this._send('GET', 'backfills', { query: { dag_id: dag, state: 'running' } });
  }

  /** How a backfill stands. */
  showBackfill(backfill: string): Promise<BackfillAnswer> {
    return this._send('GET', at`backfills/${backfill}`);
  }

  /** End a backfill and all its runs. */
  cancelBackfill(backfill: string): Promise<{ changed: boolean }> {
    return this._send('POST', at`backfills/${backfill}/cancel`, { body: {} });
  }

  private async _send<T>(method: string, path: string, what: Sent = {}): Promise<T> {
    const { body, query, signal } = what;
    const response = await this._request(path + URLExt.objectToQueryString(query ?? {}), {
      method,
      signal: signal ?? null,
      headers: { 'Accept-Language': this._language(), 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    });
    if (response.ok) {
      return (await response.json()) as T;
    }
    throw await refusal(response);
  }

  private async _request(path: string, init: RequestInit): Promise<Response> {
    const url = `${URLExt.join(this._settings.baseUrl, ROOT)}/${path}`;
    try {
      return await ServerConnection.makeRequest(url, init, this._settings);
    } catch (error) {
      if (init.signal?.aborted) {
        throw error;
      }
      throw new UnreachableError(error instanceof Error ? error.message : String(error));
    }
  }
}

/** A path with names in it, however they are spelt. */
function at(parts: TemplateStringsArray, ...names: string[]): string {
  return String.raw({ raw: parts }, ...names.map(encodeURIComponent));
}

/** Everything that nbflow itself answers carries a code; a 404 without one is the server's own. */
async function refusal(response: Response): Promise<Error> {
  const problem: unknown = await response.json().catch(() => null);
  if (isProblem(problem)) {
    return new ApiError(problem);
  }
  if (response.status === 404) {
    return new NotEnabledError();
  }
  return new UnreachableError(`${response.status} ${response.statusText}`);
}

function isProblem(value: unknown): value is Problem {
  return (
    typeof value === 'object' &&
    value !== null &&
    /^NBF\d{3}$/.test(String(Reflect.get(value, 'code')))
  );
}
