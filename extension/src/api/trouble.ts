import type { TranslationBundle } from '@jupyterlab/translation';
import { ApiError, NotEnabledError, UnreachableError } from './client';

/** Say what went wrong with a request, and what can be done. */
export function troubleOf(
  error: Error,
  trans: TranslationBundle
): { title: string; detail: string; hint: string } {
  if (error instanceof ApiError) {
    const { title, detail, hint } = error.problem;
    return { title, detail, hint: hint ?? '' };
  }
  if (error instanceof NotEnabledError) {
    return {
      title: trans.__("nbflow's server part is not enabled."),
      detail: trans.__('This Jupyter server does not answer for nbflow.'),
      hint: trans.__(
        'Install jupyter-nbflow where the Jupyter server runs, or enable it there with: jupyter server extension enable nbflow.server. Then start the server again.'
      )
    };
  }
  if (error instanceof UnreachableError) {
    return {
      title: trans.__('The Jupyter server does not answer.'),
      detail: error.message,
      hint: trans.__('See whether it still runs, and try again.')
    };
  }
  return { title: trans.__('Something went wrong in nbflow.'), detail: error.message, hint: '' };
}
