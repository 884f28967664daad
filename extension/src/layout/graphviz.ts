import type { LayoutReply, LayoutRequest } from './worker';

/** What of a worker is used. */
export interface Thread {
  onmessage: ((event: MessageEvent<LayoutReply>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  postMessage(request: LayoutRequest): void;
  terminate(): void;
}

/** Milliseconds that Graphviz gets to load, to place, and to place what is out of date. */
const LOADING = 10_000;
const DEADLINE = 3_000;
const OUT_OF_DATE = 300;

/** Graphviz in a worker, asked one question at a time. */
export class GraphvizThread {
  constructor(private readonly _start: () => Thread) {}

  /**
   * Ask for the places of a graph; null if it can't. A worker that is too late or broken is ended,
   * and the next question gets a new one; `signal` tells that nobody waits for the answer any more.
   */
  ask(dot: string, signal: AbortSignal): Promise<string | null> {
    const thread = this._thread ?? this._begin();
    return thread === null ? Promise.resolve(null) : this._ask(thread, dot, signal);
  }

  /** End the worker; who waits for an answer gets none. */
  end(): void {
    this._thread?.terminate();
    this._thread = null;
    this._settle?.(null);
  }

  private _ask(thread: Thread, dot: string, signal: AbortSignal): Promise<string | null> {
    return new Promise(resolve => {
      const id = ++this._count;
      const asked = Date.now();
      let begun = this._isLoaded ? asked : null;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const settle = (answer: string | null) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', setTimer);
        this._settle = null;
        resolve(answer);
      };
      const setTimer = () => {
        const placed = (begun ?? 0) + (signal.aborted ? OUT_OF_DATE : DEADLINE);
        const end = begun === null ? asked + LOADING : placed;
        clearTimeout(timer);
        timer = setTimeout(() => this.end(), end - Date.now());
      };
      thread.onmessage = ({ data }) => {
        this._isLoaded = true;
        if (data.id === id) {
          settle(data.answer);
        } else if (begun === null) {
          begun = Date.now();
          setTimer();
        }
      };
      thread.onerror = () => this.end();
      this._settle = settle;
      signal.addEventListener('abort', setTimer);
      setTimer();
      thread.postMessage({ id, dot });
    });
  }

  private _begin(): Thread | null {
    try {
      this._thread = this._start();
    } catch {
      this._thread = null;
    }
    this._isLoaded = false;
    return this._thread;
  }

  private _count = 0;
  private _isLoaded = false;
  private _settle: ((answer: string | null) => void) | null = null;
  private _thread: Thread | null = null;
}
