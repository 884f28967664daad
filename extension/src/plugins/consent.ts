import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ApiError } from '../api/client';

/** What the server says to more than a thousand runs at once: of a deploy, a pause's end, a backfill. */
const FLOODS: readonly string[] = ['NBF224', 'NBF226'];

/** Ask for what may make very many runs: again once somebody agrees to them; null if they don't. */
export async function withConsent<Answer>(
  ask: (confirmed: boolean) => Promise<Answer>,
  trans: TranslationBundle
): Promise<Answer | null> {
  try {
    return await ask(false);
  } catch (error) {
    if (!(error instanceof ApiError) || !FLOODS.includes(error.problem.code)) {
      throw error;
    }
    const { title, detail } = error.problem;
    return (await agrees(title, detail, trans.__('Run all of them'))) ? ask(true) : null;
  }
}

/** Ask somebody; `label` says what is done if they agree. */
export async function agrees(title: string, body: string, label: string): Promise<boolean> {
  const buttons = [Dialog.cancelButton(), Dialog.okButton({ label })];
  return (await showDialog({ title, body, buttons })).button.accept;
}
