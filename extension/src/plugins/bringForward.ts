import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Widget } from '@lumino/widgets';

/** Let a panel be seen and have the focus; Notebook 7.2 hides what is asked for a second time. */
export function bringForward({ shell }: JupyterFrontEnd, panel: Widget): void {
  if (panel.isVisible) {
    panel.activate();
  } else {
    shell.activateById(panel.id);
  }
}
