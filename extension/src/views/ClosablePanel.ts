import { ReactWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';

/** A panel that somebody opens and closes. */
export abstract class ClosablePanel extends ReactWidget {
  constructor() {
    super();
    this.title.closable = true;
  }

  /** What somebody closed is not there again after a reload. */
  protected override onCloseRequest(message: Message): void {
    super.onCloseRequest(message);
    this.dispose();
  }
}
