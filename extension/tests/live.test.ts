import type { NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Api } from '../src/api/client';
import { LiveDag } from '../src/notebook/live';

/** A notebook of one cell, open in an editor. */
class Editor {
  source = '%%task a';
  readonly contentChanged = new Signal<this, void>(this);
  readonly metadataChanged = new Signal<this, void>(this);
  readonly pathChanged = new Signal<this, void>(this);
  readonly disposed = new Signal<this, void>(this);
  readonly ready = Promise.resolve();
  readonly path = 'a.ipynb';
  readonly nbformat = 4;
  readonly nbformatMinor = 5;
  readonly sharedModel = { getMetadata: () => ({}), getSource: () => this.source };
  readonly cells = [{ type: 'code', id: 'c', sharedModel: this.sharedModel }];
  readonly model = this;
  readonly context = this;

  type(source: string): void {
    this.source = source;
    this.contentChanged.emit();
  }
}

interface Asked {
  readonly source: string;
  answer(): Promise<void>;
  fail(): Promise<void>;
}

/** A server whose answers come when the test lets them: what was compiled is the answer. */
class SlowServer {
  readonly asked: Asked[] = [];

  compile = (request: { notebook: { cells: { source: string }[] } }) =>
    new Promise((resolve, reject) => {
      const source = request.notebook.cells[0]?.source ?? '';
      const after = (act: () => void) => {
        act();
        return new Promise<void>(done => setTimeout(done));
      };
      this.asked.push({
        source,
        answer: () => after(() => resolve({ dag: { dag_id: source } })),
        fail: () => after(() => reject(new Error('away')))
      });
    });

  async next(source: string): Promise<Asked> {
    await vi.waitFor(() => expect(this.asked.map(one => one.source)).toContain(source));
    const at = this.asked.findIndex(one => one.source === source);
    return this.asked.splice(at, 1)[0] as Asked;
  }
}

let editor: Editor;
let server: SlowServer;
let live: LiveDag;

const shown = () => live.state.answer?.dag.dag_id;
const now = async () => {
  const compiled = live.compileNow();
  compiled.catch(() => null);
  return { compiled, asked: await server.next(editor.source) };
};

beforeEach(() => {
  editor = new Editor();
  server = new SlowServer();
  live = new LiveDag(editor as unknown as NotebookPanel, server as unknown as Api, 0);
});

afterEach(() => live.dispose());

test('who compiles at once finds what came of it in the state', async () => {
  const { compiled, asked } = await now();
  await asked.answer();
  expect((await compiled).dag.dag_id).toBe('%%task a');
  expect(shown()).toBe('%%task a');
});

test('an answer that comes late does not replace one of a later state of the notebook', async () => {
  live.watch();
  const first = await server.next('%%task a');
  editor.type('%%task b');
  const { asked } = await now();
  await asked.answer();
  expect(shown()).toBe('%%task b');
  await first.answer();
  expect(shown()).toBe('%%task b');
});

test('what fails leaves the last answer, says why, and is asked for again', async () => {
  await (await now()).asked.answer();
  editor.type('%%task b');
  const { compiled, asked } = await now();
  await asked.fail();
  await expect(compiled).rejects.toThrow('away');
  expect(shown()).toBe('%%task a');
  expect(live.state.error?.message).toBe('away');
  live.watch();
  await (await server.next('%%task b')).answer();
  expect(live.state).toEqual({ answer: { dag: { dag_id: '%%task b' } }, error: null });
});
