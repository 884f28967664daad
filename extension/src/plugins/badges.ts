import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { LiveDags } from '../notebook/lives';
import { CellBadges } from './cellBadges';
import { ILiveDags, SETTINGS } from './lives';
import { OPEN } from './panel';

/** Says at each cell which task it is part of. */
export const badgesPlugin: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-nbflow/extension:badges',
  description: 'Tells at each cell of a notebook which task it is part of.',
  autoStart: true,
  requires: [ILiveDags],
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    lives: LiveDags,
    translator: ITranslator | null,
    registry: ISettingRegistry | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbflow');
    const all = new Set<CellBadges>();
    let isEnabled = true;
    app.docRegistry.addWidgetExtension('Notebook', {
      createNew: (panel: NotebookPanel) => {
        const show = (task: string) => void app.commands.execute(OPEN, { task });
        const badges = new CellBadges(panel, lives.of(panel), trans, show);
        badges.isEnabled = isEnabled;
        all.add(badges);
        panel.disposed.connect(() => all.delete(badges));
        return badges;
      }
    });
    void registry?.load(SETTINGS).then(settings => {
      const read = () => {
        isEnabled = settings.get('badges').composite === true;
        for (const badges of all) {
          badges.isEnabled = isEnabled;
        }
      };
      settings.changed.connect(read);
      read();
    });
  }
};
