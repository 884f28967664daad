import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { Api } from '../api/client';
import { troubleOf } from '../api/trouble';
import { lookOf } from '../look/states';
import { daysBefore } from '../model/instants';
import { monthOf } from '../model/months';
import { serverPath } from '../model/paths';
import { BackfillDraft, FollowedBackfill } from '../notebook/backfill';
import { documentOf } from '../notebook/document';
import type { LiveDags } from '../notebook/lives';
import { ShownMonth } from '../notebook/month';
import { BackfillForm } from '../views/backfill/BackfillForm';
import { BackfillProgress } from '../views/backfill/BackfillProgress';
import { withConsent } from './consent';
import { ILiveDags } from './lives';
import { addForNotebook, spoken } from './openNotebook';

/** Past slots of the open notebook's schedule are run: looked at first, then followed. */
export const backfillingPlugin: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-nbflow/extension:backfilling',
  description: 'Runs past slots of the schedule of the open notebook.',
  autoStart: true,
  requires: [ILiveDags],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    lives: LiveDags,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const { trans, lang } = spoken(translator);
    const backfilling = new Backfilling(lives.api, trans, lang);
    addForNotebook(app, lives, palette, trans, [
      {
        id: 'nbflow:backfill',
        label: trans.__('Run past slots…'),
        caption: trans.__('Run what the schedule of the open notebook would have run (backfill)'),
        work: panel => backfilling.start(panel)
      }
    ]);
  }
};

class Backfilling {
  constructor(
    private readonly _api: Api,
    private readonly _trans: TranslationBundle,
    private readonly _lang: 'en' | 'ko'
  ) {}

  /** Follow the backfill that goes on, or else ask for a new one and follow that. */
  async start({ context }: NotebookPanel): Promise<void> {
    const path = serverPath(context.path);
    const { dag } = await this._api.compile({ notebook: documentOf(context.model), path });
    const { timezone } = await this._api.schedule(dag.dag_id);
    const [going] = (await this._api.openBackfills(dag.dag_id)).items;
    const id = going?.backfill_id ?? (await this._ask(dag.dag_id, timezone));
    if (id) {
      await this._follow(id, dag.dag_id);
    }
  }

  private async _ask(dag: string, timezone: string): Promise<string | null> {
    const trans = this._trans;
    const today = new Date();
    const draft = new BackfillDraft(this._api, {
      dag_id: dag,
      first: daysBefore(today, 7),
      last: daysBefore(today, 1),
      reprocess: 'none',
      reverse: false,
      before_start: false,
      max_active: null
    });
    const month = new ShownMonth(this._api, dag, monthOf(draft.wish.last));
    try {
      const dialog = new Dialog({
        title: trans.__('Run past slots of %1', dag),
        body: new BackfillForm({ source: draft, month, timezone, trans, lang: this._lang }),
        buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Start') })],
        focusNodeSelector: 'input'
      });
      dialog.addClass('nbf-dialog');
      return (await dialog.launch()).button.accept ? await this._create(draft) : null;
    } finally {
      draft.dispose();
      month.dispose();
    }
  }

  /** Who starts it before they were shown how many runs it makes is asked where they are very many. */
  private async _create({ plan, wish }: BackfillDraft): Promise<string | null> {
    const isSeen = plan !== null;
    const made = await withConsent(
      confirmed => this._api.backfill({ ...wish, dry_run: false, confirmed: confirmed || isSeen }),
      this._trans
    );
    if (made && made.backfill_id === null) {
      Notification.info(this._trans.__('No slot of these days is left to run.'), {
        autoClose: 8000
      });
    }
    return made?.backfill_id ?? null;
  }

  private async _follow(id: string, dag: string): Promise<void> {
    const trans = this._trans;
    const followed = new FollowedBackfill(this._api, id);
    try {
      const tell = (error: Error) => troubleOf(error, trans);
      const word = (state: string) => lookOf(state).word[this._lang];
      const dialog = new Dialog({
        title: trans.__('Backfill of %1', dag),
        body: new BackfillProgress({ source: followed, word, trans, troubleOf: tell }),
        buttons: [
          Dialog.warnButton({ label: trans.__('Cancel the backfill'), actions: ['cancel'] }),
          Dialog.okButton({ label: trans.__('Close') })
        ],
        defaultButton: 1
      });
      dialog.addClass('nbf-dialog');
      const { button } = await dialog.launch();
      if (button.actions.includes('cancel')) {
        const said = (await followed.cancel())
          ? trans.__('The backfill is cancelled with all its runs.')
          : trans.__('The backfill had ended already.');
        Notification.info(said, { autoClose: 5000 });
      }
    } finally {
      followed.dispose();
    }
  }
}
