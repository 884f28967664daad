import type { WidgetTracker } from '@jupyterlab/apputils';
import {
  ABCWidgetFactory,
  type DocumentRegistry,
  DocumentWidget,
  type IDocumentWidget,
  TextModelFactory
} from '@jupyterlab/docregistry';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { historyIcon } from '../look/icons';
import { serverPath } from '../model/paths';
import type { HistoryPanel } from '../views/run/HistoryPanel';
import type { NotebookHistory } from './historySource';

/** The document type: a notebook that is opened with it shows its runs. */
export const FACTORY = 'nbflow run history';
const MODEL = 'nbflow-run-history';

type Context = DocumentRegistry.IContext<DocumentRegistry.ICodeModel>;
type Options = DocumentRegistry.IWidgetFactoryOptions<HistoryDocument>;

export type HistoryDocument = IDocumentWidget<HistoryPanel, DocumentRegistry.ICodeModel>;

/** Make a panel with the runs of a notebook; of all for null. */
export type MakeHistory = (path: string | null) => {
  panel: HistoryPanel;
  source: NotebookHistory;
};

/** Return the open notebook of a path. */
export type FindNotebook = (path: string) => NotebookPanel | null;

/** Let notebooks be opened with their runs; what they are opened with otherwise stays. */
export function addDocumentType(
  registry: DocumentRegistry,
  trans: TranslationBundle,
  make: MakeHistory,
  find: FindNotebook,
  tracker: WidgetTracker<HistoryDocument>
): void {
  registry.addModelFactory(new HistoryModelFactory());
  const options: Options = {
    name: FACTORY,
    label: trans.__('Run history'),
    fileTypes: ['notebook'],
    modelName: MODEL,
    readOnly: true
  };
  const factory = new HistoryFactory(options, make, find, trans);
  factory.widgetCreated.connect((_, widget) => {
    widget.context.pathChanged.connect(() => void tracker.save(widget));
    void tracker.add(widget);
  });
  registry.addWidgetFactory(factory);
}

/**
 * The file's own text, which nobody shares or writes: the panel asks the server by its path. With
 * the notebook's model a history that is opened first would keep the notebook from its kernel.
 */
class HistoryModelFactory extends TextModelFactory {
  constructor() {
    super(false);
  }

  override get name(): string {
    return MODEL;
  }
}

class HistoryFactory extends ABCWidgetFactory<HistoryDocument, DocumentRegistry.ICodeModel> {
  constructor(
    options: Options,
    private readonly _make: MakeHistory,
    private readonly _find: FindNotebook,
    private readonly _trans: TranslationBundle
  ) {
    super(options);
  }

  protected override createNewWidget(context: Context): HistoryDocument {
    saveAsNotebook(context, this._find);
    const { panel, source } = this._make(context.path);
    const widget = new DocumentWidget<HistoryPanel, DocumentRegistry.ICodeModel>({
      content: panel,
      context
    });
    // The label is the file's name: Jupyter renames the file when it changes.
    widget.title.icon = historyIcon;
    const tell = () => {
      source.path = context.path;
      widget.title.caption = this._trans.__('Runs of %1', serverPath(context.path));
    };
    context.pathChanged.connect(tell);
    tell();
    return widget;
  }
}

/**
 * The text of a history is that of the file when it was opened: saved, it would replace what was
 * written since. Who saves with a history in front means the notebook.
 */
function saveAsNotebook(context: Context, find: FindNotebook): void {
  context.save = async () => {
    await find(context.path)?.context.save();
  };
  context.saveAs = async () => (await find(context.path)?.context.saveAs()) ?? false;
}
