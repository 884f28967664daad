import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import type { Suggestions } from '../api/types';

/** What is proposed, for a dialog: each task with its number of cells and what it waits for. */
export class SuggestionList extends Widget {
  constructor(suggestions: Suggestions, trans: TranslationBundle) {
    super();
    this.addClass('nbf-suggestions');
    const list = document.createElement('ol');
    for (const task of suggestions.dag.tasks) {
      const item = document.createElement('li');
      const name = document.createElement('strong');
      name.textContent = task.name;
      const about = [trans._n('%1 cell', '%1 cells', task.cells.length)];
      if (task.waits_for.length > 0) {
        about.push(trans.__('waits for %1', task.waits_for.join(', ')));
      }
      item.append(name, ` · ${about.join(' · ')}`);
      list.append(item);
    }
    this.node.append(list);
  }
}
