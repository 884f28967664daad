import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';
import { runIcon } from '../../look/icons';
import { ClosablePanel } from '../ClosablePanel';
import { OutputsFrame } from './OutputsFrame';

/** A run whose outputs are shown, and the cell that is scrolled to. */
export interface ShownRun {
  readonly run: string;
  readonly cell: string | null;
}

/** The outputs of a run beside the notebook, where nothing of the notebook is written over. */
export class OutputsPanel extends ClosablePanel {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _urlOf: (shown: ShownRun) => string
  ) {
    super();
    this.id = 'nbflow-outputs';
    this.addClass('nbf-outputs');
    this.title.label = _trans.__('Outputs');
    this.title.icon = runIcon;
  }

  get shown(): ShownRun | null {
    return this._shown;
  }

  /** Show the page of a run. */
  showRun(shown: ShownRun): void {
    this._shown = shown;
    this.title.caption = this._trans.__('Outputs of run %1', shown.run);
    this.update();
  }

  protected override render(): ReactElement | null {
    // A frame that only gets another fragment doesn't scroll: each cell has a frame of its own.
    return this._shown ? (
      <OutputsFrame
        key={JSON.stringify(this._shown)}
        url={this._urlOf(this._shown)}
        title={this.title.caption}
      />
    ) : null;
  }

  private _shown: ShownRun | null = null;
}
