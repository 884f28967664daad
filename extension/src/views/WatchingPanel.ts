import type { Message } from '@lumino/messaging';
import { ClosablePanel } from './ClosablePanel';

/** What works only while somebody looks. */
export interface Watched {
  /** Somebody looks, or no longer. */
  look(isLooking: boolean): void;
}

/** A panel that tells its source whether it is seen. */
export abstract class WatchingPanel<Source extends Watched> extends ClosablePanel {
  constructor(protected readonly source: Source) {
    super();
    this.addClass('nbf-panel');
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
