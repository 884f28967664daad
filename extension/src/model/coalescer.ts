/**
 * Does work after changes: once they pause, never twice at a time, and again for what changed
 * meanwhile. Work that is out of date is told by its signal.
 */
export class Coalescer {
  constructor(
    private readonly _work: (signal: AbortSignal) => Promise<void>,
    /** Milliseconds without a change after which work begins. */
    public quiet: number,
    /** Milliseconds after the first change at which it begins in any case. */
    private readonly _patience: number = 400
  ) {}

  /** Say that something changed. */
  request(): void {
    if (this._ended.signal.aborted) {
      return;
    }
    if (this._working) {
      this._isStale = true;
      return;
    }
    this._first ??= Date.now();
    const left = this._first + this._patience - Date.now();
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this._run(), Math.max(0, Math.min(this.quiet, left)));
  }

  /** Stop; nothing is done any more. */
  dispose(): void {
    clearTimeout(this._timer);
    this._ended.abort();
  }

  private async _run(): Promise<void> {
    this._first = undefined;
    this._isStale = false;
    this._working = true;
    try {
      await this._work(this._ended.signal);
    } finally {
      this._working = false;
    }
    if (this._isStale) {
      this.request();
    }
  }

  private readonly _ended = new AbortController();
  private _first: number | undefined;
  private _isStale = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _working = false;
}
