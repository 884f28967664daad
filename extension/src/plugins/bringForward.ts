import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Widget } from '@lumino/widgets';

/** Whether a panel stands in the main area. */
export function isInMain({ shell }: JupyterFrontEnd, id: string): boolean {
  return [...shell.widgets('main')].some(one => one.id === id);
}

/** Let a panel be seen and have the focus; Notebook 7.2 hides what is asked for a second time. */
export function bringForward({ shell }: JupyterFrontEnd, panel: Widget): void {
  if (panel.isVisible) {
    panel.activate();
  } else {
    shell.activateById(panel.id);
  }
}
