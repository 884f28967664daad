import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import { Api } from '../api/client';
import { languageOf } from '../model/language';
import { LiveDags } from '../notebook/lives';
import { spoken } from './openNotebook';
import { translateSettings } from './settingWords';

export const SETTINGS = '@jupyter-nbflow/extension:plugin';

/** The compiled DAGs of the open notebooks. */
export const ILiveDags = new Token<LiveDags>('@jupyter-nbflow/extension:ILiveDags');

/** Compiles open notebooks for whoever looks at them. */
export const livesPlugin: JupyterFrontEndPlugin<LiveDags> = {
  id: '@jupyter-nbflow/extension:lives',
  description: 'Compiles open notebooks.',
  autoStart: true,
  provides: ILiveDags,
  requires: [INotebookTracker],
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    translator: ITranslator | null,
    registry: ISettingRegistry | null
  ): LiveDags => {
    const language = () => languageOf(translator);
    const lives = new LiveDags(tracker, new Api(app.serviceManager.serverSettings, language));
    if (registry) {
      void followSettings(registry, lives, spoken(translator).trans);
    }
    return lives;
  }
};

async function followSettings(
  registry: ISettingRegistry,
  lives: LiveDags,
  trans: TranslationBundle
): Promise<void> {
  const settings = await registry.load(SETTINGS);
  translateSettings(registry, SETTINGS, trans);
  const read = () => {
    lives.quiet = settings.get('quiet').composite as number;
  };
  settings.changed.connect(read);
  read();
}
