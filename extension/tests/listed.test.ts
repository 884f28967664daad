import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Api } from '../src/api/client';
import { KnownDags } from '../src/notebook/knownDags';
import { ListedRuns } from '../src/notebook/listedRuns';

/** A server that can't say whose a notebook is until it is mended. */
class Server {
  readonly asked: (string | undefined)[] = [];
  isMended = false;

  runs = async (query: { dag_id?: string }) => {
    this.asked.push(query.dag_id);
    return { items: [], next: null, unread: ['hurt'] };
  };

  dagOf = async () => {
    if (!this.isMended) {
      throw new Error('gone');
    }
    return { dag_id: 'mine', about: null, numbers: {} };
  };
}

let server: Server;
let listed: ListedRuns;

beforeEach(() => {
  server = new Server();
  const api = server as unknown as Api;
  listed = new ListedRuns(api, new KnownDags(api), 'mine.ipynb');
});

afterEach(() => listed.dispose());

test('runs of others are not asked for where it is not known whose they are', async () => {
  listed.look(true);
  await vi.waitFor(() => expect(listed.error?.message).toBe('gone'));
  expect(server.asked).toEqual([]);
  server.isMended = true;
  listed.retry();
  await vi.waitFor(() => expect(server.asked).toContain('mine'));
  expect(server.asked).not.toContain(undefined);
  expect(listed.error).toBeNull();
  await vi.waitFor(() => expect(listed.list.unread).toEqual(['hurt']));
});

test('who looks again is answered, if it failed before', async () => {
  listed.look(true);
  await vi.waitFor(() => expect(listed.error?.message).toBe('gone'));
  listed.look(false);
  server.isMended = true;
  listed.look(true);
  await vi.waitFor(() => expect(server.asked).toContain('mine'));
});
