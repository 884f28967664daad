import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { Api } from '../api/client';
import { scheduleIcon } from '../look/icons';
import { serverPath } from '../model/paths';
import type { LiveDags } from '../notebook/lives';
import { SettingsDraft, settingsOf, writeSettings } from '../notebook/settings';
import { ScheduleForm } from '../views/schedule/ScheduleForm';
import { DEEDS } from './deployed';
import { ILiveDags } from './lives';
import { addForNotebook, spoken } from './openNotebook';

/** The dialog in which it is said when the open notebook runs by itself. */
export const schedulePlugin: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-nbflow/extension:schedule',
  description: 'Says when the open notebook runs by itself.',
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
    const editor = new ScheduleEditor(lives.api, trans, lang);
    addForNotebook(app, lives, palette, trans, [
      {
        id: DEEDS.schedule,
        label: trans.__('Schedule…'),
        caption: trans.__('Say when the open notebook runs by itself'),
        icon: scheduleIcon,
        work: panel => editor.edit(panel)
      }
    ]);
  }
};

class ScheduleEditor {
  constructor(
    private readonly _api: Api,
    private readonly _trans: TranslationBundle,
    private readonly _lang: 'en' | 'ko'
  ) {}

  /** Let the settings be changed; the notebook gets them once they are accepted and right. */
  async edit(panel: NotebookPanel): Promise<void> {
    const { model, path } = panel.context;
    const draft = new SettingsDraft(this._api, serverPath(path), settingsOf(model));
    try {
      const zones = await this._api.timezones();
      let isStale = false;
      while (await this._ask(draft, zones.items, isStale)) {
        const answer = await draft.finish();
        // Who works in the same notebook may have changed them while the dialog was open.
        isStale = draft.rebase(settingsOf(model));
        if (!isStale && answer && !answer.problems.some(one => one.error)) {
          writeSettings(model, answer.settings);
          return;
        }
      }
    } finally {
      draft.dispose();
    }
  }

  private async _ask(
    draft: SettingsDraft,
    zones: readonly string[],
    isStale: boolean
  ): Promise<boolean> {
    const trans = this._trans;
    const dialog = new Dialog({
      title: trans.__('Schedule of this notebook'),
      body: new ScheduleForm({ source: draft, trans, lang: this._lang, zones, isStale }),
      buttons: [
        Dialog.cancelButton(),
        Dialog.okButton({ label: trans.__('Put into the notebook') })
      ],
      focusNodeSelector: 'select'
    });
    dialog.addClass('nbf-dialog');
    return (await dialog.launch()).button.accept;
  }
}
