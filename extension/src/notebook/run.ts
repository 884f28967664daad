import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Api } from '../api/client';
import type { FieldValue } from '../model/parameters';
import { serverPath } from '../model/paths';
import { documentOf } from './document';
import { FollowedRun } from './followed';

/** What to run of a notebook. */
export interface RunWish {
  readonly selectors: readonly string[];
  readonly parameters: Readonly<Record<string, FieldValue>>;
}

/** The run of an open notebook that is followed: the one just asked for, or one of its history. */
export class NotebookRun extends FollowedRun {
  constructor(
    readonly panel: NotebookPanel,
    api: Api
  ) {
    super(api);
    panel.disposed.connect(this.dispose, this);
  }

  /** Run the notebook as it is in the editor, and follow what comes of it. */
  async start(wish: RunWish): Promise<void> {
    this.set({ isStarting: true, error: null });
    const context = this.panel.context;
    try {
      const made = await this.api.run({
        notebook: documentOf(context.model),
        path: serverPath(context.path),
        tasks: [...wish.selectors],
        parameters: { ...wish.parameters }
      });
      this.set({ isStarting: false });
      if (made.run_id) {
        await this.follow(made.run_id, made.has_scheduler);
      }
    } catch (error) {
      this.set({ isStarting: false, error: error as Error });
    }
  }

  /** Follow the last run of a DAG, unless one is followed; returns once it is known how it stands. */
  async followLast(dag: string): Promise<void> {
    if (this.followed === null && !this.state.isStarting) {
      try {
        const [last] = (await this.api.runs({ dag_id: dag, limit: 1 })).items;
        if (last && this.followed === null) {
          void this.follow(last.run_id);
        }
      } catch (error) {
        this.set({ error: error as Error });
      }
    }
    await this.known();
  }
}
