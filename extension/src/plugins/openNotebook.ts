import type { JupyterFrontEnd } from '@jupyterlab/application';
import { type ICommandPalette, Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { type ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import { ApiError } from '../api/client';
import { troubleOf } from '../api/trouble';
import { languageOf } from '../model/language';
import type { LiveDags } from '../notebook/lives';

/** What is said in the reader's language; what the server has words for, it knows in two. */
export interface Spoken {
  readonly trans: TranslationBundle;
  readonly lang: 'en' | 'ko';
}

export function spoken(translator: ITranslator | null): Spoken {
  return {
    trans: (translator ?? nullTranslator).load('nbflow'),
    lang: languageOf(translator).startsWith('ko') ? 'ko' : 'en'
  };
}

/** A command that does something with the open notebook. */
export interface NotebookCommand {
  readonly id: string;
  readonly label: string;
  readonly caption: string;
  readonly icon?: LabIcon;
  readonly work: (panel: NotebookPanel) => Promise<void>;
}

/** Add commands for the open notebook; what goes wrong in them is told. */
export function addForNotebook(
  app: JupyterFrontEnd,
  lives: LiveDags,
  palette: ICommandPalette | null,
  trans: TranslationBundle,
  commands: readonly NotebookCommand[]
): void {
  for (const { id, label, caption, icon, work } of commands) {
    app.commands.addCommand(id, {
      label,
      caption,
      ...(icon ? { icon } : {}),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => lives.current !== null,
      execute: async () => {
        const panel = lives.current?.panel;
        if (panel) {
          await telling(trans, () => work(panel));
        }
      }
    });
    palette?.addItem({ command: id, category: 'nbflow' });
  }
}

/** Do something; what goes wrong is told with the way out. */
export async function telling(trans: TranslationBundle, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { title, detail, hint } = troubleOf(error as Error, trans);
    const findings = error instanceof ApiError ? (error.problem.diagnostics ?? []) : [];
    const wrong = findings
      .filter(one => one.severity === 'error')
      .map(one => [one.place, one.message].filter(Boolean).join(': '));
    // A notification is cut off after 140 characters: what is wrong, and where, comes first.
    const said = [...(wrong.length > 0 ? wrong : [title, detail]), hint];
    Notification.error(said.filter(Boolean).join('\n'), { autoClose: false });
  }
}
