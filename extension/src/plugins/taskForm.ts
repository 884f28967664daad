import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IMetadataFormProvider, type MetadataForm } from '@jupyterlab/metadataform';
import { ITranslator, type TranslationBundle } from '@jupyterlab/translation';
import { spoken } from './openNotebook';
import { optionWords, ruleWords } from './taskFormWords';

/** The form and its options, as `schema/plugin.json` has them. */
const FORM = 'nbflow:task';
const OPTIONS = '/nbflow/task/';

/** The options of a task in the property inspector: the form is Jupyter's, its words are ours. */
export const taskFormPlugin: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-nbflow/extension:task-form',
  description: "Says the options of a task in the reader's language.",
  autoStart: true,
  // Notebook 7.2 has it where a notebook is open, but not where files are listed.
  optional: [IMetadataFormProvider, ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    forms: IMetadataFormProvider | null,
    translator: ITranslator | null
  ): void => {
    const form = forms?.get(FORM);
    if (form) {
      translateForm(form, spoken(translator).trans);
    }
  }
};

/**
 * Jupyter looks for the words of a schema in language packs alone, and ours are in none: they are set
 * on the form, which it draws anew for each cell.
 */
function translateForm(form: MetadataForm.IMetadataForm, trans: TranslationBundle): void {
  for (const [name, words] of Object.entries(optionWords(trans))) {
    form.setProperties(`${OPTIONS}${name}`, { ...words });
  }
  const rules = ruleWords(trans);
  const rule = `${OPTIONS}trigger_rule`;
  const known = form.getProperties(rule)?.enum;
  if (Array.isArray(known)) {
    const enumNames = known.map(one => [one, rules[String(one)] ?? []].flat().join(': '));
    form.setProperties(rule, { enumNames });
  }
  // Its header takes the title of what it folds once, when it is made.
  const header = form.node.closest('.jp-Collapse')?.querySelector('.jp-Collapser-title');
  if (header) {
    header.textContent = trans.__('nbflow: options of the task');
  }
}
