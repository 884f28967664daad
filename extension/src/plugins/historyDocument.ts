import type { WidgetTracker } from '@jupyterlab/apputils';
import {
  ABCWidgetFactory,
  type DocumentRegistry,
  DocumentWidget,
  type IDocumentWidget,
  TextModelFactory
} from '@jupyterlab/docregistry';
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

/** Let notebooks be opened with their runs; what they are opened with otherwise stays. */
export function addDocumentType(
  registry: DocumentRegistry,
  trans: TranslationBundle,
  make: MakeHistory,
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
  const factory = new HistoryFactory(options, make, trans);
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
    private readonly _trans: TranslationBundle
  ) {
    super(options);
  }

  protected override createNewWidget(context: Context): HistoryDocument {
    const { panel, source } = this._make(serverPath(context.path));
    const widget = new DocumentWidget<HistoryPanel, DocumentRegistry.ICodeModel>({
      content: panel,
      context
    });
    // The label is the file's name: Jupyter renames the file when it changes.
    widget.title.icon = historyIcon;
    const tell = () => {
      source.path = serverPath(context.path);
      widget.title.caption = this._trans.__('Runs of %1', serverPath(context.path));
    };
    context.pathChanged.connect(tell);
    tell();
    return widget;
  }
}
