import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError } from '../src/api/client';
import type { CompileAnswer, Problem, RunAnswer } from '../src/api/types';
import { timeOf, withRun } from '../src/model/lastRan';
import { LastRan } from '../src/notebook/lastRan';
import { RecentRuns } from '../src/notebook/recentRuns';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const at = (minutes: number) => new Date(NOON + 60_000 * minutes).toISOString();

function run(
  id: string,
  minutes: number,
  tasks: Record<string, string>,
  dag = 'prices'
): RunAnswer {
  const isOpen = Object.values(tasks).includes('running');
  const ended = isOpen ? null : at(minutes + 1);
  return {
    run: {
      run_id: id,
      dag_id: dag,
      state: isOpen ? 'running' : 'success',
      created: at(minutes),
      ended,
      timezone: 'Asia/Seoul'
    },
    tasks: Object.entries(tasks).map(([task, state]) => ({
      task,
      state,
      seconds: state === 'running' ? null : 2,
      started: at(minutes),
      ended: state === 'running' ? null : at(minutes),
      reason: ''
    }))
  } as unknown as RunAnswer;
}

const states = (ran: ReadonlyMap<string, { state: string }>) =>
  Object.fromEntries([...ran].map(([task, { state }]) => [task, state]));

test('a run of some tasks leaves the others as they were, and an older one says nothing new', () => {
  const all = withRun(new Map(), run('a', 0, { load: 'success', report: 'failed' }));
  const mended = withRun(all, run('b', 5, { report: 'success' }));
  expect(states(mended)).toEqual({ load: 'success', report: 'success' });
  expect(mended.get('load')?.timezone).toBe('Asia/Seoul');
  const looked = withRun(mended, run('a', 0, { load: 'success', report: 'failed', old: 'failed' }));
  expect(states(looked)).toEqual({ load: 'success', report: 'success', old: 'failed' });
});

test('the time of a task that runs goes on, that of one that ended stands', () => {
  const ran = withRun(new Map(), run('a', 0, { load: 'running', clean: 'success' }));
  expect([...ran.values()].map(one => timeOf(one, NOON + 9900))).toEqual(['9 s', '2.0 s']);
});

/** Runs as the server has them, and the run that a panel follows. */
class Server {
  kept: RunAnswer[] = [];
  readonly asked: string[] = [];
  readonly followed: string[] = [];
  state = { answer: null as RunAnswer | null, error: null, isStarting: false, hasScheduler: true };
  /** Whether nobody gets an answer. */
  isAway = false;
  readonly changed = new Signal<this, void>(this);
  /** The DAGs whose runs were asked for; null: those of all. */
  readonly listed: (string | null)[] = [];

  get isGoingOn(): boolean {
    return this.state.answer?.run.ended === null;
  }

  runs = async ({ dag_id }: { dag_id?: string }) => {
    this.listed.push(dag_id ?? null);
    this._answer();
    const items = this.kept.map(one => one.run);
    const asked = items.filter(one => dag_id === undefined || one.dag_id === dag_id);
    return { items: asked, next: null, unread: [] };
  };
  showRun = async (id: string) => {
    this.asked.push(id);
    this._answer();
    const found = this.kept.find(one => one.run.run_id === id);
    if (!found) {
      throw new ApiError({ status: 404, detail: `no run ${id}` } as Problem);
    }
    return found;
  };
  followLast = async (dag: string) => void this.followed.push(dag);
  move(answer: RunAnswer): void {
    this.state = { ...this.state, answer };
    this.changed.emit();
  }

  private _answer(): void {
    if (this.isAway) {
      throw new Error('away');
    }
  }
}

/** A notebook that somebody edits: its DAG as it was compiled last. */
class Notebook {
  state = { answer: null as CompileAnswer | null, error: null };
  watched = 0;
  readonly changed = new Signal<this, void>(this);
  watch = () => {
    this.watched += 1;
    return new DisposableDelegate(() => {
      this.watched -= 1;
    });
  };
  becomes(dag_id: string, ...tasks: string[]): void {
    const dag = { dag_id, tasks: tasks.map(name => ({ name })) };
    this.state = { answer: { dag } as unknown as CompileAnswer, error: null };
    this.changed.emit();
  }
}

let server: Server;
let notebook: Notebook;
let last: LastRan;
let recent: RecentRuns;
let watch: IDisposable;

beforeEach(() => {
  server = new Server();
  notebook = new Notebook();
  const [live, run] = [notebook, server] as unknown as ConstructorParameters<typeof LastRan>;
  recent = new RecentRuns(server);
  last = new LastRan(live, run, server, recent);
  watch = last.watch();
});

afterEach(() => {
  last.dispose();
  recent.dispose();
  vi.useRealTimers();
});

test('runs are looked into, newest first, until each task was in one', async () => {
  server.kept = [
    run('c', 9, { report: 'success' }),
    run('b', 5, { load: 'success', report: 'failed' }),
    run('a', 0, { load: 'failed', report: 'failed' })
  ];
  notebook.becomes('prices', 'load', 'report');
  await vi.waitFor(() => expect(last.tasks.size).toBe(2));
  expect(states(last.tasks)).toEqual({ load: 'success', report: 'success' });
  expect(server.asked).toEqual(['c', 'b']);
  expect(server.followed).toEqual([]);
});

test('a run that goes on is followed, and what is heard of it is told', async () => {
  server.kept = [run('a', 0, { load: 'running' })];
  notebook.becomes('prices', 'load');
  await vi.waitFor(() => expect(server.followed).toEqual(['prices']));
  expect(states(last.tasks)).toEqual({ load: 'running' });
  server.move(run('a', 0, { load: 'success' }));
  expect(states(last.tasks)).toEqual({ load: 'success' });
});

test('while nobody looks, or of another DAG, nothing is told', async () => {
  server.kept = [run('a', 0, { load: 'success' })];
  notebook.becomes('prices', 'load');
  await vi.waitFor(() => expect(last.tasks.size).toBe(1));
  watch.dispose();
  expect(notebook.watched).toBe(0);
  expect(last.tasks.size).toBe(0);
  server.move(run('a', 0, { load: 'failed' }));
  expect(last.tasks.size).toBe(0);
  last.watch();
  notebook.becomes('rents', 'load');
  server.move(run('a', 0, { load: 'failed' }));
  expect(last.tasks.get('load')?.state).not.toBe('failed');
});

test('that some run moved is a reason to look, unless it is followed and goes on', async () => {
  server.kept = [run('a', 0, { load: 'running' })];
  notebook.becomes('prices', 'load');
  await vi.waitFor(() => expect(last.tasks.size).toBe(1));
  vi.useFakeTimers();
  server.kept = [run('b', 5, { load: 'failed' }), ...server.kept];
  server.state.answer = run('a', 0, { load: 'running' });
  recent.hear('a', null);
  await vi.advanceTimersByTimeAsync(5000);
  expect(server.asked).toEqual(['a']);
  recent.hear('b', null);
  await vi.advanceTimersByTimeAsync(5000);
  vi.useRealTimers();
  expect(states(last.tasks)).toEqual({ load: 'failed' });
});

test('a run that is followed no closer since it ended is looked at when it runs again', async () => {
  vi.useFakeTimers();
  server.kept = [run('a', 0, { load: 'failed' })];
  notebook.becomes('prices', 'load');
  server.state.answer = run('a', 0, { load: 'failed' });
  await vi.advanceTimersByTimeAsync(31_000);
  server.kept = [run('a', 0, { load: 'running' })];
  await vi.advanceTimersByTimeAsync(31_000);
  vi.useRealTimers();
  expect(states(last.tasks)).toEqual({ load: 'running' });
});

test('nobody asks for runs any more once the last notebook is closed, whatever was heard', async () => {
  vi.useFakeTimers();
  server.kept = [run('a', 0, { load: 'success' })];
  notebook.becomes('prices', 'load');
  await vi.advanceTimersByTimeAsync(100);
  expect(server.listed).toContain(null);
  recent.hear('b', null);
  recent.hear('c', null);
  watch.dispose();
  server.listed.length = 0;
  await vi.advanceTimersByTimeAsync(600_000);
  vi.useRealTimers();
  expect(server.listed).toEqual([]);
});

test('what ended while nobody could look at all runs is told by the first look that succeeds', async () => {
  vi.useFakeTimers();
  server.kept = [run('a', 0, { load: 'running' })];
  const list = server.runs;
  server.runs = async asked => {
    server.isAway = asked.dag_id === undefined;
    return await list(asked).finally(() => {
      server.isAway = false;
    });
  };
  notebook.becomes('prices', 'load');
  await vi.advanceTimersByTimeAsync(100);
  expect(states(last.tasks)).toEqual({ load: 'running' });
  server.kept = [run('a', 0, { load: 'success' })];
  server.runs = list;
  await vi.advanceTimersByTimeAsync(300_000);
  vi.useRealTimers();
  expect(states(last.tasks)).toEqual({ load: 'success' });
});

test('of a run that goes on and that nobody follows, each look tells how its tasks stand', async () => {
  server.kept = [run('a', 0, { load: 'running', report: 'queued' })];
  notebook.becomes('prices', 'load', 'report');
  await vi.waitFor(() => expect(last.tasks.size).toBe(2));
  vi.useFakeTimers();
  server.kept = [run('a', 0, { load: 'success', report: 'running' })];
  recent.hear('a', null);
  await vi.advanceTimersByTimeAsync(5000);
  vi.useRealTimers();
  expect(states(last.tasks)).toEqual({ load: 'success', report: 'running' });
});

describe('of several open notebooks', () => {
  let others: LastRan[];

  beforeEach(async () => {
    vi.useFakeTimers();
    server.kept = [run('p', 0, { load: 'success' }), run('r', 0, { load: 'success' }, 'rents')];
    notebook.becomes('prices', 'load');
    others = ['rents', 'wages', 'taxes'].map(dag => {
      const other = new Notebook();
      other.becomes(dag, 'load');
      const [live, followed] = [other, new Server()] as unknown as ConstructorParameters<
        typeof LastRan
      >;
      const ran = new LastRan(live, followed, server, recent);
      ran.watch();
      return ran;
    });
    await vi.advanceTimersByTimeAsync(100);
    expect(states(others[0]?.tasks ?? new Map())).toEqual({ load: 'success' });
    server.listed.length = 0;
    server.asked.length = 0;
  });

  afterEach(() => {
    for (const other of others) {
      other.dispose();
    }
  });

  test('the one asks whose run moved, once it is known whose it is', async () => {
    server.kept = [run('s', 5, { load: 'running' }, 'rents'), ...server.kept];
    for (let events = 0; events < 10; events += 1) {
      recent.hear('s', null);
    }
    await vi.advanceTimersByTimeAsync(2500);
    expect(states(others[0]?.tasks ?? new Map())).toEqual({ load: 'running' });
    expect(server.listed).toEqual([null, 'rents']);
    recent.hear('s', null);
    await vi.advanceTimersByTimeAsync(2500);
    expect(server.listed).toEqual([null, 'rents', 'rents']);
    expect(server.asked).toEqual(['s', 's']);
  });

  test('one asks for all of them while nothing is heard', async () => {
    await vi.advanceTimersByTimeAsync(61_000);
    expect(server.listed).toEqual([null, null]);
    server.kept = [run('q', 7, { load: 'failed' }), ...server.kept];
    await vi.advanceTimersByTimeAsync(30_000);
    expect(states(last.tasks)).toEqual({ load: 'failed' });
    expect(server.listed).toEqual([null, null, null, 'prices']);
  });

  test('whose an old run is that can not be read just now is asked at the next look', async () => {
    const list = server.runs;
    server.runs = async asked => {
      const page = await list(asked);
      return asked.dag_id === undefined ? { ...page, items: [] } : page;
    };
    const show = server.showRun;
    server.showRun = async () => {
      throw new Error('away');
    };
    const mended = run('p', 0, { load: 'failed' });
    mended.run.state = 'failed';
    server.kept = [mended];
    recent.hear('new', null);
    recent.hear('p', null);
    await vi.advanceTimersByTimeAsync(2500);
    expect(states(last.tasks)).toEqual({ load: 'success' });
    server.showRun = show;
    await vi.advanceTimersByTimeAsync(31_000);
    expect(states(last.tasks)).toEqual({ load: 'failed' });
  });

  test('an old run that moves is asked for itself, and one that is gone keeps nobody waiting', async () => {
    const list = server.runs;
    server.runs = async asked => {
      const page = await list(asked);
      return asked.dag_id === undefined ? { ...page, items: [] } : page;
    };
    const mended = run('p', 0, { load: 'failed' });
    mended.run.state = 'failed';
    server.kept = [mended];
    recent.hear('gone', null);
    recent.hear('p', null);
    await vi.advanceTimersByTimeAsync(2500);
    expect(states(last.tasks)).toEqual({ load: 'failed' });
    expect(server.listed).toEqual([null, 'prices']);
  });
});
