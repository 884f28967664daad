import type { Api } from '../api/client';
import type { DagRowForm } from '../api/types';

/** Which notebooks and DAGs belong together, and what people call cells. */
export class KnownDags {
  constructor(private readonly _api: Api) {}

  /** What people call the cells of the notebook that was asked for last, by id. */
  get numbers(): ReadonlyMap<string, string> {
    return this._numbers;
  }

  about(dag: string | null): DagRowForm | null {
    return this._dags.get(dag ?? '') ?? null;
  }

  /** Ask which DAGs there are. */
  async list(): Promise<void> {
    this._dags = new Map((await this._api.dags()).map(dag => [dag.dag_id, dag]));
  }

  /** Ask which DAG the notebook of a path belongs to. */
  async dagOf(path: string): Promise<string> {
    const { dag_id, about, numbers } = await this._api.dagOf(path);
    this._numbers = new Map(Object.entries(numbers));
    if (about) {
      this._dags.set(dag_id, about);
    }
    return dag_id;
  }

  /** Ask what people call the cells of a DAG, if it is of one notebook that is there. */
  async learnNumbers(dag: string): Promise<void> {
    const path = this.about(dag)?.path;
    this._numbers = new Map();
    if (path?.endsWith('.ipynb')) {
      await this.dagOf(path).catch(() => null);
    }
  }

  private _dags = new Map<string, DagRowForm>();
  private _numbers: ReadonlyMap<string, string> = new Map();
}
