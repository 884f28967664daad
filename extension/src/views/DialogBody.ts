import { ReactWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';
import { flushSync } from 'react-dom';

/**
 * The body of a dialog, there as soon as the dialog is.
 *
 * Lab looks for what gets the focus, and for where Tab goes on after the last button, when the
 * dialog is attached. What React renders later it does not find, and Tab then goes round the
 * buttons for ever.
 */
export abstract class DialogBody extends ReactWidget {
  protected override onUpdateRequest(message: Message): void {
    flushSync(() => super.onUpdateRequest(message));
  }
}
