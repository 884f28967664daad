import type { Api } from '../api/client';

/** Where a run's outputs stand as a page, in the theme that Jupyter has; a `cell` is scrolled to. */
export function pageUrl(api: Api, run: string, cell?: string): string {
  const isLight = document.body.dataset.jpThemeLight !== 'false';
  return api.pageUrl(run, isLight ? 'light' : 'dark', cell);
}
