"""What `nbflow db check` asks beyond the metastore: trigger rules, slots, secrets, processes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nbflow.model.dag import Dag
from nbflow.model.ids import TaskName
from nbflow.model.run import RunSnapshot
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.states import TaskState

if TYPE_CHECKING:
    from nbflow.metastore import Looks, Rules, Violation
    from nbflow.settings import Settings

_SHORTEST_SECRET = 8
"""Shorter passwords stand in texts by chance."""


def check(
    settings: "Settings", *, values: bool = False, drained: bool = False
) -> "list[Violation]":
    """Look for broken invariants of an installation; a sound one has none.

    With ``values`` every stored value and executed notebook is read; ``drained`` says that all runs
    are over. Raises MetastoreError if the metastore can't be read.
    """
    from nbflow.metastore import check as look

    return look(settings.database_url, looks(settings, values=values, drained=drained))


def looks(settings: "Settings", *, values: bool = False, drained: bool = False) -> "Looks":
    """Return how far a check of an installation goes."""
    from nbflow.artifacts.store import ArtifactStore
    from nbflow.execution.processes import processes_of_runs
    from nbflow.metastore import Looks

    return Looks(
        store=ArtifactStore(settings.store) if values else None,
        rules=rules(),
        secrets=_secrets(settings),
        processes=processes_of_runs(),
        drained=drained,
    )


def rules() -> "Rules":
    """Return what the metastore doesn't know by itself."""
    from nbflow.metastore import Rules

    return Rules(may_start=may_start, undecided=_undecided, slots=_slots, next_slot=_next_slot)


def may_start(dag: Dag, name: TaskName, states: Mapping[TaskName, TaskState]) -> bool:
    """Tell whether a task's trigger rule holds; tasks that are not in the run don't count."""
    from nbflow.scheduling.decide import upstream_of
    from nbflow.scheduling.trigger_rules import RuleOutcome, evaluate_rule

    upstream = [states[source] for source in upstream_of(dag)[name] if source in states]
    return evaluate_rule(dag.task(name).options.trigger_rule, upstream) is RuleOutcome.RUN


def _undecided(dag: Dag, run: RunSnapshot) -> Sequence[TaskName]:
    from nbflow.scheduling.decide import decide

    # Retries, which alone depend on the time, are no part of it.
    moves = decide(dag, run, datetime.min.replace(tzinfo=UTC)).tasks
    return [move.task for move in moves if move.source is TaskState.NONE]


def _slots(entry: ScheduleEntry, after: datetime, last: datetime) -> Sequence[datetime]:
    from nbflow.scheduling.plan import watch_of
    from nbflow.scheduling.slots import slots_between

    watch = watch_of(entry)
    begin = max(after + timedelta(microseconds=1), watch.start or after)
    return slots_between(watch.schedule, begin, min(last, watch.end or last))


def _next_slot(entry: ScheduleEntry) -> datetime | None:
    from nbflow.scheduling.plan import watch_of
    from nbflow.scheduling.slots import next_slot

    return next_slot(watch_of(entry), entry.cursor)


def _secrets(settings: "Settings") -> list[str]:
    from urllib.parse import unquote, urlsplit

    password = unquote(urlsplit(settings.database_url).password or "")
    return [password] if len(password) >= _SHORTEST_SECRET else []
