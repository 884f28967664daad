import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { historyIcon } from '../look/icons';
import { adoptStates } from '../look/states';
import type { NotebookRuns } from '../notebook/runs';
import { HistoryPanel } from '../views/run/HistoryPanel';
import { Histories } from './histories';
import {
  addDocumentType,
  FACTORY,
  type HistoryDocument,
  type MakeHistory
} from './historyDocument';
import { NotebookHistory } from './historySource';
import type { HistoryTools } from './historyTools';
import { spoken } from './openNotebook';
import { OPEN as OPEN_OUTPUTS } from './outputs';
import { INotebookRuns } from './runs';

const OPEN = 'nbflow:open-history';
export const OPEN_ALL = 'nbflow:open-all-runs';

/** The runs of a notebook as a document type beside its editor, and the runs of all notebooks. */
export const historyPlugin: JupyterFrontEndPlugin<void> = {
  id: '@jupyter-nbflow/extension:history',
  description: 'Shows the runs of notebooks.',
  autoStart: true,
  requires: [INotebookTracker, INotebookRuns],
  optional: [ITranslator, ICommandPalette, ILabShell, ILayoutRestorer, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    runs: NotebookRuns,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    browsers: IFileBrowserFactory | null
  ): void => {
    adoptStates(document);
    const language = translator ?? nullTranslator;
    const { trans, lang } = spoken(translator);
    const all = new WidgetTracker<HistoryPanel>({ namespace: 'nbflow-all-runs' });
    const histories = new Histories(app, notebooks, all, labShell !== null);
    const tools: HistoryTools = {
      runs,
      translator: language,
      places: histories,
      showOutputs: (run, cell) => void app.commands.execute(OPEN_OUTPUTS, { run, cell })
    };
    const make: MakeHistory = path => {
      const source = new NotebookHistory(tools, path);
      const panel = new HistoryPanel(source, trans, lang);
      panel.disposed.connect(() => source.dispose());
      return { panel, source };
    };
    histories.make = make;
    const documents = new WidgetTracker<HistoryDocument>({ namespace: 'nbflow-history' });
    addDocumentType(app.docRegistry, trans, make, path => histories.find(path), documents);
    addCommands(app, trans, histories, browsers);
    palette?.addItem({ command: OPEN, category: 'nbflow' });
    palette?.addItem({ command: OPEN_ALL, category: 'nbflow' });
    void restorer?.restore(documents, {
      command: 'docmanager:open',
      args: ({ context }) => ({ path: context.path, factory: FACTORY }),
      name: ({ context }) => `history:${context.path}`
    });
    void restorer?.restore(all, { command: OPEN_ALL, name: () => 'all-runs' });
  }
};

function addCommands(
  app: JupyterFrontEnd,
  trans: TranslationBundle,
  histories: Histories,
  browsers: IFileBrowserFactory | null
): void {
  const selected = () => {
    const item = browsers?.tracker.currentWidget?.selectedItems().next().value;
    return item?.type === 'notebook' ? item.path : null;
  };
  const describedBy = {
    args: {
      type: 'object',
      properties: {
        path: { type: 'string', description: 'The notebook; by default the one worked in.' },
        selected: { type: 'boolean', description: 'That which is selected in the file browser.' }
      }
    }
  } as const;
  const pathOf = (args: { path?: unknown; selected?: unknown }): string | null => {
    if (typeof args.path === 'string') {
      return args.path;
    }
    return args.selected === true ? selected() : histories.current;
  };
  app.commands.addCommand(OPEN, {
    label: trans.__('Show the run history'),
    caption: trans.__('Show the runs of the notebook, look into them, compare two of them'),
    icon: historyIcon,
    describedBy,
    isEnabled: args => pathOf(args) !== null,
    execute: async args => {
      const path = pathOf(args);
      if (path !== null) {
        await histories.open(path);
      }
    }
  });
  app.commands.addCommand(OPEN_ALL, {
    label: trans.__('Show the runs of all notebooks'),
    caption: trans.__('Show what runs, ran and failed, of all notebooks'),
    icon: historyIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => histories.openAll()
  });
}
