import { ReactWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';
import { flushSync } from 'react-dom';

const KEPT: readonly string[] = ['Enter', 'ArrowLeft', 'ArrowRight'];

/**
 * The body of a dialog, there as soon as the dialog is.
 *
 * Lab looks for what gets the focus, and for where Tab goes on after the last button, when the
 * dialog is attached. What React renders later it does not find, and Tab then goes round the
 * buttons for ever.
 *
 * Lab 4.2 also takes Enter and the arrows of every button for those of its own ones: the
 * dialog can't be closed any more then. It listens as soon as a key comes down to it, so keys of
 * buttons in the body are kept from it above it.
 */
export abstract class DialogBody extends ReactWidget {
  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    document.addEventListener('keydown', this._keep, true);
  }

  protected override onBeforeDetach(message: Message): void {
    document.removeEventListener('keydown', this._keep, true);
    super.onBeforeDetach(message);
  }

  protected override onUpdateRequest(message: Message): void {
    flushSync(() => super.onUpdateRequest(message));
  }

  /** The browser still does what the key does to a button: Enter presses it. */
  private readonly _keep = (event: KeyboardEvent): void => {
    const { key, target } = event;
    const isButton = target instanceof HTMLButtonElement && this.node.contains(target);
    if (isButton && KEPT.includes(key)) {
      event.stopPropagation();
    }
  };
}
