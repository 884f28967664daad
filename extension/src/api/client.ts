/** The one file that talks to the server. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { CompileAnswer, CompileRequest, Problem } from './types';

const ROOT = 'nbflow/api';

/** What the server refused, as it says it. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** The Jupyter server answers, but knows nothing of nbflow. */
export class NotEnabledError extends Error {}

/** The Jupyter server doesn't answer. */
export class UnreachableError extends Error {}

/** nbflow's API below the base URL of the Jupyter server. */
export class Api {
  constructor(
    private readonly _settings: ServerConnection.ISettings,
    private readonly _language: () => string
  ) {}

  /** Compile a document that need not be saved. */
  compile(request: CompileRequest, signal?: AbortSignal): Promise<CompileAnswer> {
    return this._send('POST', 'compile', request, signal);
  }

  private async _send<T>(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal
  ): Promise<T> {
    const response = await this._request(path, {
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
    const url = URLExt.join(this._settings.baseUrl, ROOT, path);
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
