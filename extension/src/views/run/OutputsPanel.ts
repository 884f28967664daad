import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { runIcon } from '../../look/icons';

/**
 * The outputs of a run beside the notebook. They stand in a frame with an origin of its own: their
 * scripts reach neither cookies nor the server, and nothing of the notebook is written over.
 */
export class OutputsPanel extends Widget {
  constructor(private readonly _trans: TranslationBundle) {
    super();
    this.id = 'nbflow-outputs';
    this.addClass('nbf-outputs');
    this.title.label = _trans.__('Outputs');
    this.title.icon = runIcon;
    this.title.closable = true;
    this._frame.setAttribute('sandbox', 'allow-scripts');
    this._frame.referrerPolicy = 'no-referrer';
    this.node.append(this._frame);
  }

  /** Show the page of a run; `url` is the server's. */
  showRun(run: string, url: string): void {
    this.title.caption = this._trans.__('Outputs of run %1', run);
    this._frame.title = this.title.caption;
    this._frame.src = url;
  }

  private readonly _frame = document.createElement('iframe');
}
