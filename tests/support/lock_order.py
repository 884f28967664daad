"""The order in which a transaction waits for rows: all go the same way, so that no two wait for each
other. `watch` looks at what is sent to a server, and notes where a transaction goes back.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, event, select
from sqlalchemy.sql.dml import Delete, Insert, Update

from nbflow.metastore import tables as t

Key = tuple[Any, ...]
_OF_DAG = {t.dag: 0, t.schedule: 1, t.dag_trigger: 2, t.backfill: 3, t.dag_version: 4}
"""Rows of one DAG, in the order in which they are taken; then those of the next DAG."""
_ORDER = {t.instance: 0, t.pool: 1, t.run: 3, t.attempt: 4, t.task_instance: 5, t.missed: 6,
          t.outbox: 7, t.notice: 8, t.counter: 9, t.notebook_snapshot: 10}  # fmt: skip
"""Other rows; those of DAGs have the place that is free. What has no place here is written by who
holds the run, the DAG, the version or the backfill that it is of.
"""
_OF_RUN = (t.attempt, t.outbox)


def watch(engine: Engine, wrong: list[str]) -> None:
    """Note from now on each statement that waits for a row which comes before one that is held."""
    held: dict[int, list[Key]] = {}
    covered: dict[int, set[Key]] = {}
    looking: set[int] = set()

    def begin(connection: Connection) -> None:
        held[id(connection)], covered[id(connection)] = [], set()

    def note(connection: Connection, clause: Any, many: Any, params: Any, _options: Any) -> None:
        if id(connection) in looking or not connection.get_execution_options().get("nbflow_writes"):
            return
        if isinstance(clause, Insert) and clause.table is t.run:
            # Nobody waits for what nobody sees yet.
            made = clause.compile(dialect=connection.dialect).params["id"]
            covered[id(connection)].add((_ORDER[t.run], made))
        found = _rows_wanted(clause)
        if found is None:
            return
        table, look, is_ordered, waits = found
        mine, free = held[id(connection)], covered[id(connection)]
        for values in many or [params or {}]:
            looking.add(id(connection))
            rows = connection.execute(look, values).all()
            looking.discard(id(connection))
            free |= {_key(table, row) for row in rows if _is_covered(clause, table, row, mine)}
            keys = dict.fromkeys(_key(table, row) for row in rows)
            new = [key for key in keys if key not in mine and key not in free]
            if waits and len(new) > 1 and not is_ordered:
                wrong.append(f"{len(new)} rows of {table.name} in no order: {clause}")
            for key in new:
                last = max(mine, default=(-1,))
                if waits and key < last:
                    wrong.append(f"{table.name} {key} after {last}: {clause}")
                mine.append(key)

    event.listen(engine, "begin", begin)
    event.listen(engine, "before_execute", note)


def _is_covered(clause: Any, table: Table, row: Sequence[Any], held: Sequence[Key]) -> bool:
    """Tell whether a row is only taken by who holds another: tasks of a run that is held (a claim,
    which holds none, doesn't wait), what goes with its run, and what is a DAG's while no run is held.
    """
    if table is t.task_instance or (table in _OF_RUN and isinstance(clause, Delete)):
        return (_ORDER[t.run], row[0]) in held
    before_runs = not any(_ORDER[t.run] <= other[0] <= _ORDER[t.task_instance] for other in held)
    return table in _OF_DAG and table is not t.dag and before_runs and (2, row[0], 0) in held


def _rows_wanted(clause: Any) -> tuple[Table, Select[Any], bool, bool] | None:
    """Return the table of which a statement takes rows, the query for them, whether it takes them in
    their order, and whether it waits for them.
    """
    if isinstance(clause, Select) and clause._for_update_arg is not None:
        (table,) = clause.get_final_froms()
        names = [getattr(one, "name", "") for one in clause._order_by_clauses]
        look = clause.with_only_columns(*_columns(table), maintain_column_froms=True)
        look._for_update_arg = None
        in_order = names != [] and names == [one.name for one in _columns(table)][-len(names) :]
        return _placed(table, look, in_order, not clause._for_update_arg.skip_locked)
    if isinstance(clause, Update | Delete):
        table = clause.table  # type: ignore[assignment]
        return _placed(table, select(*_columns(table)).where(*clause._where_criteria), False, True)
    return None


def _placed(
    table: Table, look: Select[Any], is_ordered: bool, waits: bool
) -> tuple[Table, Select[Any], bool, bool] | None:
    return (table, look, is_ordered, waits) if table in _OF_DAG or table in _ORDER else None


def _columns(table: Table) -> Sequence[Any]:
    """Return what names the rows of a table, after the run or the DAG that they are of."""
    if table is t.schedule:
        return [table.c.dag_id]
    if table is t.dag_trigger or table is t.backfill:
        return [table.c.dag_id, table.c.id]
    if table is t.dag_version:
        return [table.c.dag_id, table.c.digest]
    if table is t.attempt:
        return [table.c.run_id, table.c.token]
    return [table.c.run_id, table.c.id] if table is t.outbox else [*table.primary_key.columns]


def _key(table: Table, row: Sequence[Any]) -> Key:
    if table in _OF_DAG:
        return (2, row[0], _OF_DAG[table], *row[1:])
    return (_ORDER[table], *(row[1:] if table in _OF_RUN else row))
