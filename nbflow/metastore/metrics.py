"""Figures that tasks recorded: those of the attempt that ended last, under its token."""

from sqlalchemy import Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore.rows import MetricRow
from nbflow.model.attempt import AttemptResult
from nbflow.model.ids import RunId
from nbflow.model.run import Claim


def record_metrics(connection: Connection, claim: Claim, result: AttemptResult) -> None:
    """Put an attempt's metrics in the place of those of the task's earlier ones."""
    of = t.metric.c
    if claim.try_no > 1:
        mine = (of.run_id == claim.run_id, of.task == claim.task)
        connection.execute(t.metric.delete().where(*mine))
    rows = [
        {
            "run_id": claim.run_id,
            "task": claim.task,
            "name": name,
            "value": value,
            "token": claim.token,
        }
        for name, value in result.metrics.items()
    ]
    if rows:
        connection.execute(t.metric.insert(), rows)


def metrics_of(connection: Connection, run_id: RunId) -> list[MetricRow]:
    """Return a run's metrics, its tasks in page order."""
    of, ti = t.metric.c, t.task_instance.c
    query = (
        select(of.task, of.name, of.value)
        .join(t.task_instance, (ti.run_id == of.run_id) & (ti.task == of.task))
        .where(of.run_id == run_id)
        .order_by(ti.position, of.name)
    )
    return [
        MetricRow(task=row.task, name=row.name, value=row.value)
        for row in connection.execute(query)
    ]
