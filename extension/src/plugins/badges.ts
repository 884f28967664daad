import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator } from '@jupyterlab/translation';
import { adoptStates } from '../look/states';
import type { LiveDags } from '../notebook/lives';
import type { NotebookRuns } from '../notebook/runs';
import { CellBadges } from './cellBadges';
import { ILiveDags, SETTINGS } from './lives';
import { spoken } from './openNotebook';
import { OPEN } from './panel';
import { INotebookRuns } from './runs';

/** Says at each cell which task it is part of, and how that one's last run ended. */
export const badgesPlugin: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-nbflow/extension:badges',
  description: 'Tells at each cell of a notebook which task it is part of.',
  autoStart: true,
  requires: [ILiveDags, INotebookRuns],
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    lives: LiveDags,
    runs: NotebookRuns,
    translator: ITranslator | null,
    registry: ISettingRegistry | null
  ): void => {
    adoptStates(document);
    const said = spoken(translator);
    const all = new Set<CellBadges>();
    let isEnabled = true;
    app.docRegistry.addWidgetExtension('Notebook', {
      createNew: (panel: NotebookPanel) => {
        const show = (task: string) => void app.commands.execute(OPEN, { task });
        const badges = new CellBadges(panel, lives.of(panel), runs.lastOf(panel), said, show);
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
