import { ReactWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';

/** What works only while somebody looks. */
export interface Watched {
  /** Somebody looks, or no longer. */
  look(isLooking: boolean): void;
}

/** A panel that tells its source whether it is seen. */
export abstract class WatchingPanel<Source extends Watched> extends ReactWidget {
  constructor(protected readonly source: Source) {
    super();
    this.addClass('nbf-panel');
    this.title.closable = true;
  }

  /** What somebody closed is not there again after a reload. */
  protected override onCloseRequest(message: Message): void {
    super.onCloseRequest(message);
    this.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.source.look(true);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.source.look(this.isVisible);
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.source.look(false);
  }

  protected override onBeforeDetach(message: Message): void {
    this.source.look(false);
    super.onBeforeDetach(message);
  }
}
