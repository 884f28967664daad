import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ClearRequest } from '../api/types';
import type { FollowedRun } from '../notebook/followed';
import type { Again } from '../views/run/historySource';

/** Let tasks of a run run again, once somebody has seen which; tell whether they do. */
export async function runAgain(
  run: FollowedRun,
  what: Again,
  trans: TranslationBundle
): Promise<boolean> {
  const wish = wishOf(what);
  const shown = run.followed;
  const planned = await run.clear({ ...wish, dry_run: true });
  if (run.followed !== shown) {
    return false;
  }
  const tasks = planned?.tasks.filter(one => one.becomes === 'cleared').map(one => one.task) ?? [];
  const { button } = await showDialog({
    title: trans._n('Re-run %1 task?', 'Re-run %1 tasks?', tasks.length),
    body: trans.__(
      'These tasks of the run run again, as they were then: %1. What they stored is replaced.',
      tasks.join(', ')
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep them') }),
      Dialog.okButton({ label: trans._n('Re-run %1 task', 'Re-run %1 tasks', tasks.length) })
    ]
  });
  const isWanted = button.accept && run.followed === shown;
  if (isWanted) {
    await run.clear(wish);
  }
  return isWanted;
}

function wishOf(what: Again): Partial<ClearRequest> {
  switch (what.kind) {
    case 'task':
      return { tasks: [what.task] };
    case 'from':
      return { tasks: [what.task], downstream: true };
    case 'failed':
      return { only_failed: true };
    case 'all':
      return { every: true };
  }
}
