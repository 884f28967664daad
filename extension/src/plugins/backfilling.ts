import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { Api } from '../api/client';
import { troubleOf } from '../api/trouble';
import type { BackfillForm as Backfill } from '../api/types';
import { daysBefore } from '../model/instants';
import { monthOf } from '../model/months';
import { serverPath } from '../model/paths';
import { BackfillDraft, FollowedBackfills } from '../notebook/backfill';
import { documentOf } from '../notebook/document';
import type { LiveDags } from '../notebook/lives';
import { ShownMonth } from '../notebook/month';
import { BackfillForm } from '../views/backfill/BackfillForm';
import { BackfillProgress } from '../views/backfill/BackfillProgress';
import { withConsent } from './consent';
import { ILiveDags } from './lives';
import { addForNotebook, spoken, telling } from './openNotebook';

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

/** Backfills by id, as far as they are known. */
type Known = ReadonlyMap<string, Backfill | null>;

class Backfilling {
  constructor(
    private readonly _api: Api,
    private readonly _trans: TranslationBundle,
    private readonly _lang: 'en' | 'ko'
  ) {}

  /** Follow the backfills that go on; if none does, or more are wished for, ask for a new one. */
  async start({ context }: NotebookPanel): Promise<void> {
    const path = serverPath(context.path);
    const { dag } = await this._api.compile({ notebook: documentOf(context.model), path });
    const { timezone } = await this._api.schedule(dag.dag_id);
    const { items } = await this._api.openBackfills(dag.dag_id);
    let known: Known = new Map(items.map(one => [one.backfill_id, one]));
    let isAsked = known.size === 0;
    do {
      const made = isAsked ? await this._ask(dag.dag_id, timezone) : null;
      known = made === null ? known : new Map([...known, [made, null]]);
      const more = known.size === 0 ? null : await this._follow(known, dag.dag_id, timezone);
      known = more ?? new Map();
      isAsked = more !== null;
    } while (isAsked);
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

  /** Show how they go; returns which are known by then if somebody wants one more, else null. */
  private async _follow(known: Known, dag: string, timezone: string): Promise<Known | null> {
    const trans = this._trans;
    const source = new FollowedBackfills(this._api, dag, known);
    try {
      const cancel = (id: string) => telling(trans, () => this._cancel(source, id));
      const tell = (error: Error) => troubleOf(error, trans);
      const title = trans.__('Backfills of %1', dag);
      const about = { title, timezone, trans, lang: this._lang };
      const dialog = new Dialog({
        title,
        body: new BackfillProgress({ source, cancel, troubleOf: tell, ...about }),
        buttons: [
          Dialog.cancelButton({ label: trans.__('Run more slots…'), actions: ['more'] }),
          Dialog.okButton({ label: trans.__('Close') })
        ],
        defaultButton: 1
      });
      dialog.addClass('nbf-dialog');
      const { button } = await dialog.launch();
      return button.actions.includes('more') ? source.known : null;
    } finally {
      source.dispose();
    }
  }

  private async _cancel(source: FollowedBackfills, id: string): Promise<void> {
    const said = (await source.cancel(id))
      ? this._trans.__('The backfill is cancelled with all its runs.')
      : this._trans.__('The backfill had ended already.');
    Notification.info(said, { autoClose: 5000 });
  }
}
