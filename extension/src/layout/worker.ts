/** Graphviz in a thread of its own, so that a graph it can't finish holds up no page. */
import { Graphviz } from '@hpcc-js/wasm-graphviz';

export interface LayoutRequest {
  readonly id: number;
  readonly dot: string;
}

export interface LayoutReply {
  /** The request that is answered; null: Graphviz is loaded. */
  readonly id: number | null;
  /** Graphviz's `json0`; null if it can't. */
  readonly answer: string | null;
}

const loading = Graphviz.load();
const tell = (reply: LayoutReply) => self.postMessage(reply);
void loading.then(
  () => tell({ id: null, answer: null }),
  () => undefined
);

/** Places only, no painting; the library's types leave it out. */
const GEOMETRY = 'json0' as Parameters<Graphviz['layout']>[1];

self.addEventListener('message', async (event: MessageEvent<LayoutRequest>) => {
  const { id, dot } = event.data;
  let answer: string | null = null;
  try {
    answer = (await loading).layout(dot, GEOMETRY, 'dot');
  } catch {
    // The page places the graph itself.
  }
  tell({ id, answer });
});
