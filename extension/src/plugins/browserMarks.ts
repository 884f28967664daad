import type { FileBrowser } from '@jupyterlab/filebrowser';
import type { TranslationBundle } from '@jupyterlab/translation';
import { serverPath } from '../model/paths';
import { scheduledIn } from '../model/scheduled';
import type { ActivityWatch } from '../notebook/activity';

const MARK = 'data-nbflow-schedule';

/**
 * Mark notebooks that run by a schedule in a file browser. JupyterLab 4.2 to 4.6 has no hook for
 * what a file's line says, so an attribute is set on it, which the style sheet shows with its text;
 * whatever else draws there stays as it is.
 */
export function markScheduled(
  browser: FileBrowser,
  activity: ActivityWatch,
  trans: TranslationBundle
): void {
  const mark = () => {
    const known = scheduledIn(serverPath(browser.model.path), activity.dags);
    for (const text of browser.node.querySelectorAll('.jp-DirListing-itemText')) {
      const words = known.get(text.textContent ?? '');
      if (words === undefined) {
        text.removeAttribute(MARK);
      } else {
        text.setAttribute(MARK, trans.__('Runs by its schedule: %1', words));
      }
    }
  };
  const observer = new MutationObserver(mark);
  observer.observe(browser.node, { childList: true, subtree: true, characterData: true });
  activity.changed.connect(mark);
  browser.disposed.connect(() => {
    observer.disconnect();
    activity.changed.disconnect(mark);
  });
  mark();
}
