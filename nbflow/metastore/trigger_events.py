"""Run ends and metrics, noted for the triggers that watch them in the transaction that records them:
whatever crashes, none is lost and none is told twice.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore.codec import from_data
from nbflow.metastore.engine import Database
from nbflow.model.states import RunState
from nbflow.model.triggers import Trigger, TriggerKind

T = TypeVar("T")


def tell_run_end(
    db: Database, connection: Connection, run: Any, state: RunState, now: datetime
) -> None:
    """Note a run's end for the triggers that watch its DAG, within the transaction that ends it;
    ``run`` is its row.
    """
    if run.owner is not None:
        # Run by hand: nothing that is tried out sets off what is deployed.
        return
    payload = {"dag": run.dag_id, "run": run.id, "state": state.value, **_depth(run.cause)}
    for trigger_id, trigger in _watching(db, connection, TriggerKind.DAG, run.dag_id):
        if trigger.state.includes(state.value):
            _note(db, connection, trigger_id, f"{run.id}:{run.clears}", payload, now)


def tell_metrics(
    db: Database,
    connection: Connection,
    about: Mapping[str, Any],
    metrics: Mapping[str, float],
    now: datetime,
) -> None:
    """Note recorded metrics for the triggers that watch them; ``about`` names run, task, token."""
    if not metrics:
        return
    run = connection.execute(
        select(t.run.c.dag_id, t.run.c.owner, t.run.c.cause).where(t.run.c.id == about["run"])
    ).one()
    if run.owner is not None:
        return
    for trigger_id, trigger in _watching(db, connection, TriggerKind.METRIC, run.dag_id):
        condition = trigger.metric
        if condition is None or condition.name not in metrics:
            continue
        payload = {
            "dag": run.dag_id, "run": about["run"], "task": about["task"],
            "name": condition.name, "value": metrics[condition.name], **_depth(run.cause),
        }  # fmt: skip
        _note(db, connection, trigger_id, f"token:{about['token']}", payload, now)


def _depth(cause: Mapping[str, Any] | None) -> dict[str, int]:
    return {"depth": int(cause.get("depth", 0))} if cause else {}


def readable(db: Database, rows: Iterable[Any], build: Callable[[Any], T]) -> list[T]:
    """Return what is built of each trigger's row that can be read; it has its id and its DAG's."""
    return db.unread.each("trigger", rows, lambda row: f"{row.dag_id}, {row.id}", build)


def _watching(
    db: Database, connection: Connection, kind: TriggerKind, dag_id: str
) -> list[tuple[int, Trigger]]:
    of = t.dag_trigger.c
    query = select(of.id, of.dag_id, of.spec).where(
        of.watched == dag_id, of.kind == kind.value, of.active == 1
    )
    rows = connection.execute(query).all()
    return readable(db, rows, lambda row: (row.id, from_data(Trigger, row.spec)))


def _note(
    db: Database,
    connection: Connection,
    trigger_id: int,
    name: str,
    payload: Mapping[str, Any],
    now: datetime,
) -> None:
    row = {"trigger_id": trigger_id, "name": name, "payload": dict(payload), "at": now}
    db.insert_once(connection, t.trigger_event, row)
