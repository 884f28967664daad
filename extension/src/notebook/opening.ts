import { type ISessionContext, SessionContextDialogs } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { KernelMessage } from '@jupyterlab/services';
import type { ITranslator } from '@jupyterlab/translation';

/** Loading inputs did not work: what the kernel said. */
export class OpeningError extends Error {}

/**
 * Load what a task found in a run into a fresh kernel of the open notebook: its own cells don't
 * run. Returns what the kernel said; null if somebody wants to keep the kernel as it is.
 */
export async function openTask(
  panel: NotebookPanel,
  run: string,
  task: string,
  translator: ITranslator
): Promise<string | null> {
  const session = panel.sessionContext;
  if (!(await hasFreshKernel(session, translator))) {
    return null;
  }
  const future = session.session?.kernel?.requestExecute({
    code: `%load_ext nbflow\n%dag open ${run} ${task}`,
    store_history: false,
    allow_stdin: false
  });
  if (!future) {
    throw new OpeningError();
  }
  let said = '';
  future.onIOPub = message => {
    if (message.header.msg_type === 'stream') {
      said += (message as KernelMessage.IStreamMsg).content.text;
    }
  };
  const { content } = await future.done;
  if (content.status !== 'ok') {
    const why = content.status === 'error' ? `${content.ename}: ${content.evalue}` : said;
    throw new OpeningError(why);
  }
  return said.trim();
}

async function hasFreshKernel(session: ISessionContext, translator: ITranslator): Promise<boolean> {
  await session.ready;
  const dialogs = new SessionContextDialogs({ translator });
  if (!session.hasNoKernel) {
    return dialogs.restart(session);
  }
  const mustChoose = await session.startKernel();
  if (mustChoose) {
    await dialogs.selectKernel(session);
  }
  return !session.hasNoKernel;
}
