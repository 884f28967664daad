import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';

interface Words {
  readonly title: string;
  readonly description: string;
}

/** The settings in the reader's language. */
function wordsOf(trans: TranslationBundle): Record<string, Words> {
  return {
    badges: {
      title: trans.__('Badges at cells'),
      description: trans.__('Tell at each cell which task it is part of, and what is wrong in it.')
    },
    quiet: {
      title: trans.__('Pause before a compile'),
      description: trans.__('Milliseconds without a keystroke before the DAG is compiled anew.')
    }
  };
}

/**
 * Say loaded settings in the reader's language, for the settings editor. A Jupyter server looks for
 * the words of schemas in language packs alone, and ours are in none; a transform of the schema would
 * keep menus and toolbars waiting, which stand in it, too.
 */
export function translateSettings(
  registry: ISettingRegistry,
  id: string,
  trans: TranslationBundle
): void {
  const words = wordsOf(trans);
  const translate = () => {
    const schema = registry.plugins[id]?.schema;
    if (schema) {
      schema.description = trans.__('The DAG of the notebook that is open.');
      for (const [name, property] of Object.entries(schema.properties ?? {})) {
        Object.assign(property, words[name]);
      }
    }
  };
  // With each change that is saved it comes anew from the server.
  registry.pluginChanged.connect((_, changed) => {
    if (changed === id) {
      translate();
    }
  });
  translate();
}
