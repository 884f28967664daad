"""Designs with one guard taken out, made from the real code's own text in a child process.

If the text of a guard changes, the mutant can't be made, and the suite fails: nobody keeps a copy.
"""

import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any


def mutate(owner: Any, name: str, *changes: tuple[str, str]) -> None:
    """Replace a function of a module or class by its text with ``changes`` made."""
    found = inspect.unwrap(getattr(owner, name))
    assert isinstance(found, FunctionType), found
    text = textwrap.dedent(inspect.getsource(found))
    for old, new in changes:
        assert text.count(old) == 1, f"{name} has {text.count(old)} times: {old}"
        text = text.replace(old, new)
    scope = found.__globals__
    kept = scope.get(name)
    exec(compile(text, f"<mutant of {name}>", "exec"), scope)
    changed = scope[name]
    if not isinstance(owner, ModuleType):
        scope[name] = kept
    setattr(owner, name, changed)


def noslot() -> None:
    """No unique slot, no compare and swap of the schedule."""
    from nbflow.metastore import schedules, tables

    unique = [c for c in tables.run.constraints if "slot_key" in {k.name for k in c.columns}]
    assert len(unique) == 1
    tables.run.constraints.discard(unique[0])
    mutate(
        schedules, "_tick_one",
        ("update().where(of.id == seen.id, of.version == seen.version)", "update().where(of.id == seen.id)"),
    )  # fmt: skip


def noguard() -> None:
    """A claim looks, then writes: what it saw may be another's by then. No index stops it."""
    from sqlalchemy import event

    from nbflow.metastore import claims, tables

    event.remove(tables.attempt, "after_create", tables.ONE_LIVE_ATTEMPT)
    mutate(
        claims, "claim",
        ("    made: list[Token] = []\n", ("    made: list[Token] = []\n"
         "    seen = db.read(lambda c: _choose(db, c, me, request, looks_far=True))\n"
         "    import time; time.sleep(0.02)\n")),
        ("chosen = _choose(db, connection, me, request, looks_far=looks_far)", "chosen = seen"),
        ("_claim(row, Token(token)", "_claim(_now(connection, row), Token(token)"),
    )  # fmt: skip
    mutate(claims, "_take", ("            ti.state == TaskState.QUEUED.value,\n", ""))
    claims._now = _tries_now  # type: ignore[attr-defined]


def _tries_now(connection: Any, row: Any) -> Any:
    from types import SimpleNamespace

    from sqlalchemy import select

    from nbflow.metastore import tables as t

    ti = t.task_instance.c
    query = select(ti.tries).where(ti.run_id == row.run_id, ti.task == row.task)
    tries = connection.execute(query).scalar_one()
    return SimpleNamespace(**row._asdict() | {"tries": tries})


def nofence() -> None:
    """Whoever ends an attempt ends it, however late."""
    from nbflow.metastore import finish, moves

    token, still_open = finish._END._where_criteria
    assert "outcome IS NULL" in str(still_open)
    finish._END._where_criteria = (token,)
    mutate(
        moves, "_move",
        ('of.state == bindparam("of_state"),',
         '(of.state == bindparam("of_state")) | of.state.is_not(None),'),
        ('guard.append(of.token == bindparam("of_token"))',
         'guard.append((of.token == bindparam("of_token")) | of.task.is_not(None))'),
    )  # fmt: skip


def noreap() -> None:
    """Nobody looks for the dead."""
    from nbflow.metastore.store import Metastore

    Metastore.reap = lambda self, decide=None: []  # type: ignore[method-assign]


def norunlock() -> None:
    """Two ends in one run don't wait for each other, and nobody looks for runs that stand still:
    that look alone would find a lost join at the next step. Their moment is drawn out.
    """
    from nbflow.metastore import attention, finish

    attention.lock_run = lambda db, connection, run_id: None  # type: ignore[attr-defined]
    finish.lock_runs = lambda db, connection, run_ids: None  # type: ignore[attr-defined]
    mutate(
        finish, "_finish_all",
        ("    return decided\n", "    import time; time.sleep(0.1)\n    return decided\n"),
    )  # fmt: skip
    mutate(attention, "_waiting", ("or_(retry, ~going, and_(", "or_(retry, and_("))


def lostevent() -> None:
    """An event is taken away first, and the run that it makes is written after that."""
    import time

    from nbflow.metastore import tables as t
    from nbflow.metastore import triggers

    as_it_is = triggers.fire

    def fire(db: Any, what: Any, now: Any) -> bool:
        of = t.trigger_event.c
        db.write("fire", lambda c: c.execute(t.trigger_event.delete().where(of.id == what.event)))
        time.sleep(0.5)
        return as_it_is(db, what, now)

    triggers.fire = fire


def untold() -> None:
    """The end of a run counts as seen to first, and what is told of it is written after that."""
    import time

    from nbflow.metastore import notices

    as_it_is = notices.plan_run_end

    def plan_run_end(db: Any, end: Any, health: Any, planned: Any, now: Any) -> bool:
        done = as_it_is(db, end, health, [], now)
        time.sleep(0.4)
        if done and planned:
            db.write("notice_plan", lambda c: notices._insert(db, c, planned, now))
        return done

    notices.plan_run_end = plan_run_end


MUTANTS: dict[str, Callable[[], None]] = {
    made.__name__: made for made in (noslot, noguard, nofence, noreap, norunlock, lostevent, untold)
}
