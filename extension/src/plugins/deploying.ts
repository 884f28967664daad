import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, type TranslationBundle } from '@jupyterlab/translation';
import { type Api, ApiError, isGone } from '../api/client';
import type { CompareAnswer, DeploymentForm, Deployments, DeployRequest } from '../api/types';
import { whereIAm } from '../model/instants';
import { serverPath } from '../model/paths';
import type { CurrentDeployment } from '../notebook/deployed';
import { documentOf, keepsIds } from '../notebook/document';
import type { LiveDags } from '../notebook/lives';
import { DiffView } from '../views/deploy/DiffView';
import { agrees, withConsent } from './consent';
import { DEEDS, IDeployment } from './deployed';
import { ILiveDags } from './lives';
import { addForNotebook, spoken } from './openNotebook';

/** Another version is deployed than the one that was compared with. */
const REPLACED = 'NBF664';

/** Commands that deploy the open notebook, pause its DAG and let it run again. */
export const deployingPlugin: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-nbflow/extension:deploying',
  description: 'Deploys the open notebook, pauses its DAG and lets it run again.',
  autoStart: true,
  requires: [ILiveDags, IDeployment],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    lives: LiveDags,
    deployment: CurrentDeployment,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ): void => {
    const { trans, lang } = spoken(translator);
    const deeds = new Deeds(lives.api, deployment, trans, lang);
    addForNotebook(app, lives, palette, trans, [
      {
        id: DEEDS.deploy,
        label: trans.__('Deploy…'),
        caption: trans.__('Make the open notebook what runs by itself'),
        work: panel => deeds.deploy(panel)
      },
      {
        id: DEEDS.pause,
        label: trans.__('Pause'),
        caption: trans.__('Let the DAG of the open notebook make no runs by itself'),
        work: panel => deeds.pause(panel)
      },
      {
        id: DEEDS.unpause,
        label: trans.__('Let it run again…'),
        caption: trans.__('Let the paused DAG of the open notebook run by itself again'),
        work: panel => deeds.unpause(panel)
      }
    ]);
  }
};

/** What is done to the DAG of an open notebook, after asking. */
class Deeds {
  constructor(
    private readonly _api: Api,
    private readonly _deployment: CurrentDeployment,
    private readonly _trans: TranslationBundle,
    private readonly _lang: 'en' | 'ko'
  ) {}

  /** Save if need be, show what changes, and deploy once that is agreed to. */
  async deploy(panel: NotebookPanel): Promise<void> {
    const { context } = panel;
    const trans = this._trans;
    if (
      context.model.dirty &&
      !(await agrees(
        trans.__('Save the notebook first?'),
        trans.__(
          'What is saved is what is deployed; this notebook has changes that are not saved.'
        ),
        trans.__('Save')
      ))
    ) {
      return;
    }
    if (context.model.dirty) {
      await context.save();
    }
    const path = serverPath(context.path);
    let isStale = false;
    do {
      const found = await this._api.compare({
        notebook: documentOf(context.model),
        path,
        keeps_ids: keepsIds(context.model, path)
      });
      if (!(await this._looksRight(found, isStale))) {
        return;
      }
      isStale = !(await this._deployed(path, found));
    } while (isStale);
  }

  /** Whether what a deploy would change is agreed to; `isStale` after somebody else was faster. */
  private async _looksRight(found: CompareAnswer, isStale: boolean): Promise<boolean> {
    const trans = this._trans;
    const isSame = found.drift === 'same';
    const label = found.drift === 'never' ? trans.__('Deploy') : trans.__('Deploy again');
    const dialog = new Dialog({
      title: trans.__('Deploy %1', found.dag_id),
      body: new DiffView(found, isStale, trans),
      buttons: isSame
        ? [Dialog.okButton({ label: trans.__('Close') })]
        : [Dialog.cancelButton(), Dialog.okButton({ label })]
    });
    dialog.addClass('nbf-dialog');
    return (await dialog.launch()).button.accept && !isSame;
  }

  /** Deploy what was looked at; false if something else is deployed by now. */
  private async _deployed(path: string, { version, becomes }: CompareAnswer): Promise<boolean> {
    try {
      this._told(await this._deploy({ path, replaces: version, becomes }));
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.problem.code === REPLACED) {
        this._deployment.refresh();
        return false;
      }
      throw error;
    }
  }

  async pause(panel: NotebookPanel): Promise<void> {
    const dag = await this._dagOf(panel);
    const done = await this._api.pause(dag, true);
    this._deployment.refresh();
    Notification.info(
      done.changed
        ? this._trans.__('%1 is paused: no run is made by itself.', dag)
        : this._trans.__('%1 is paused already.', dag),
      { autoClose: 5000 }
    );
  }

  /** Say what was missed and what of it will run, before it does. */
  async unpause(panel: NotebookPanel): Promise<void> {
    const trans = this._trans;
    const dag = await this._dagOf(panel);
    const schedule = await this._api.schedule(dag).catch(error => {
      if (isGone(error)) {
        return null;
      }
      throw error;
    });
    const missed = schedule?.missed_while_paused ?? 0;
    const runs = schedule?.will_run ?? 0;
    const words = trans.__(
      'Runs that were due meanwhile: %1. Of these will run now: %2.',
      missed,
      runs
    );
    const title = trans.__('Let %1 run again?', dag);
    const isSeen = missed > 0;
    if (isSeen && !(await agrees(title, words, trans.__('Let it run')))) {
      return;
    }
    // Who has just seen how many runs it makes is not asked again where they are very many.
    const unpause = (confirmed: boolean) => this._api.pause(dag, false, confirmed || isSeen);
    if ((await withConsent(unpause, trans)) === null) {
      return;
    }
    this._deployment.refresh();
    Notification.success(trans.__('%1 runs by itself again.', dag), { autoClose: 5000 });
  }

  private async _dagOf(panel: NotebookPanel): Promise<string> {
    const { model, path } = panel.context;
    const answer = await this._api.compile({
      notebook: documentOf(model),
      path: serverPath(path)
    });
    return answer.dag.dag_id;
  }

  private async _deploy(what: Omit<DeployRequest, 'confirmed'>): Promise<Deployments> {
    const deploy = (confirmed: boolean) => this._api.deploy({ ...what, confirmed });
    return (await withConsent(deploy, this._trans)) ?? { items: [] };
  }

  private _told(done: Deployments): void {
    for (const one of done.items) {
      const words = `${this._trans.__('%1 is deployed', one.dag_id)}; ${this._next(one)}`;
      Notification.success(words, { autoClose: 8000 });
    }
    this._deployment.refresh();
  }

  private _next({ paused, next_run }: DeploymentForm): string {
    if (paused) {
      return this._trans.__('it is still paused: no run is made by itself');
    }
    return next_run
      ? this._trans.__('next run: %1', whereIAm(next_run, this._lang))
      : this._trans.__('it has no next run by the clock');
  }
}
