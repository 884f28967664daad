"""What was to be decided in runs that go on: whatever ends something also does what follows."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore.checks.violation import Rules, Violation
from nbflow.metastore.engine import Database
from nbflow.metastore.snapshots import snapshot
from nbflow.metastore.versions import load_version
from nbflow.model.dag import Dag
from nbflow.model.ids import Digest, RunId
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState


def decisions(db: Database, connection: Connection, rules: Rules | None) -> Iterator[Violation]:
    """I39."""
    if rules is None:
        return
    run = t.run.c
    # What was asked to end is seen to by the next look.
    going = (run.state == RunState.RUNNING.value, run.cancel_requested == 0)
    dags: dict[Digest, Dag] = {}
    for run_id in connection.execute(select(run.id).where(*going).order_by(run.id)).scalars().all():
        seen = snapshot(db, connection, RunId(run_id))
        if seen.version not in dags:
            dags[seen.version] = load_version(connection, seen.version)
        for task in rules.undecided(dags[seen.version], seen):
            message = Sentence("waits, though what it waits for is there")
            yield Violation(code="I39", place=f"{run_id}/{task}", message=message)
