"""Triggers at work: events of the metastore are decided on, files are looked at, runs are made."""

import glob
import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from heapq import nsmallest
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.errors import ConflictError
from nbflow.model.dag import Dag
from nbflow.model.going_on import GoesOn, always
from nbflow.model.notebook import Notebook
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunKind
from nbflow.model.triggers import FileMark, Trigger, TriggerKind, TriggerState, cause_sentence
from nbflow.scheduling.slots import Admission, MissedReason, admit, depends_on_active
from nbflow.scheduling.triggers import (
    Reaction,
    Stamp,
    Unrest,
    is_as_read,
    is_fresh,
    react,
    react_to_files,
    watch_unrest,
)
from nbflow.service.adopt import Versions
from nbflow.service.isolation import Isolation, Subject
from nbflow.service.modules import LocalModules
from nbflow.service.run import new_run_id

if TYPE_CHECKING:
    from nbflow.metastore import NewRun, TriggerEvent, TriggerRow
    from nbflow.service.service import Service

EVENTS_AT_ONCE = 100
"""Events decided on before it is looked for more."""
MOST_FILES = 1_000
"""Files that one trigger looks at, the first by name."""
_CHUNK = 1 << 20
_WHAT = "trigger"
_log = logging.getLogger("nbflow.triggers")


def baselines(
    service: "Service", dag: Dag, notebooks: Sequence[Notebook], goes_on: GoesOn = always
) -> dict[Trigger, TriggerState]:
    """Return a DAG's triggers with what they take for known when it is deployed.

    Raises ConflictError once ``goes_on`` says no: not all files were read then.
    """
    there = (
        {row.trigger: row.state for row in service.store.triggers.of(dag.id)}
        if dag.options.on
        else {}
    )
    found = {}
    for trigger in (absolute(one, dag) for one in dag.options.on):
        if trigger in there:
            # It goes on from its state, and no file is read for it.
            found[trigger] = there[trigger]
            continue
        version = str(dag.digest) if trigger.kind is TriggerKind.CODE else ""
        seen = {}
        if trigger.kind in (TriggerKind.FILES, TriggerKind.CODE):
            stamps = files_of(trigger, notebooks, LocalModules(), goes_on)
            seen = marks(stamps, {}, service.clock.wall(), goes_on)
            if not goes_on():
                raise ConflictError(
                    Sentence("Work ends before the files of {dag} are read.", dag=dag.id)
                )
        found[trigger] = TriggerState(seen=seen, version=version)
    return found


def absolute(trigger: Trigger, dag: Dag) -> Trigger:
    """Return a trigger whose patterns start from the notebook's folder, wherever it is looked at."""
    from dataclasses import replace

    folder = Path(glob.escape(str(Path(dag.notebooks[0]).absolute().parent)))
    patterns = (os.path.normpath(folder / pattern) for pattern in trigger.files)
    return replace(trigger, files=tuple(patterns))


def files_of(
    trigger: Trigger,
    notebooks: Sequence[Notebook],
    modules: LocalModules,
    goes_on: GoesOn = always,
) -> dict[str, Stamp]:
    """Return the files that a trigger watches, each with what it looks like; only some of them once
    ``goes_on`` says no.
    """
    if trigger.kind is TriggerKind.CODE:
        return _stamps(str(path) for path in modules.of(notebooks))
    found: set[str] = set()
    for pattern in trigger.files:
        matches = glob.iglob(pattern, recursive=True)  # noqa: PTH207 - patterns may be absolute
        found |= set(nsmallest(MOST_FILES + 1, takewhile(lambda _: goes_on(), matches)))
    if len(found) > MOST_FILES:
        _warn_of_many(trigger)
    return _stamps(sorted(found)[:MOST_FILES])


@lru_cache(maxsize=1_000)
def _warn_of_many(trigger: Trigger) -> None:
    """Say once in a process that a trigger doesn't look at all files."""
    _log.warning(
        "more than %d files fit %s: only the first of them by name are looked at",
        MOST_FILES, ", ".join(trigger.files), extra={"action": "too_many_files"},
    )  # fmt: skip


def _stamps(paths: Iterator[str] | Sequence[str]) -> dict[str, Stamp]:
    stamps = {}
    for path in paths:
        with suppress(OSError):
            if Path(path).is_file():
                about = Path(path).stat()
                stamps[path] = (about.st_size, about.st_mtime_ns, about.st_ino)
    return stamps


def marks(
    stamps: Mapping[str, Stamp],
    known: Mapping[str, FileMark],
    now: datetime,
    goes_on: GoesOn = always,
) -> dict[str, FileMark]:
    """Return the files with their content's SHA-256; one that looks as it did is not read again, and
    none once ``goes_on`` says no.
    """
    found = {}
    for path, stamp in stamps.items():
        mark = known.get(path)
        if mark is None or not is_as_read(mark, stamp):
            mark = _read(path, stamp, now, goes_on)
        if mark is not None:
            found[path] = mark
    return found


def _read(path: str, stamp: Stamp, now: datetime, goes_on: GoesOn) -> FileMark | None:
    """Read a file through; None if it can't be, or ``goes_on`` says no meanwhile."""
    size, time, inode = stamp
    digest = hashlib.sha256()
    with suppress(OSError), Path(path).open("rb") as file:
        while goes_on():
            chunk = file.read(_CHUNK)
            if not chunk:
                sha, fresh = digest.hexdigest(), is_fresh(stamp, now)
                return FileMark(size=size, time=time, sha=sha, inode=inode, is_fresh=fresh)
            digest.update(chunk)
    return None


@dataclass(kw_only=True, slots=True)
class Triggers:
    """Decides on what happened. `answer` belongs to one thread, `look` to one, perhaps another.

    ``goes_on`` is asked while files are looked at; once it says no, nothing more is decided on them.
    """

    service: "Service"
    goes_on: GoesOn = always
    _unrest: dict[int, tuple[int, Unrest]] = field(default_factory=dict)
    # What was read here: for other triggers, for another try, and since numbers differ elsewhere.
    _read: dict[str, FileMark] = field(default_factory=dict)
    _watched: set[str] = field(default_factory=set)
    _modules: LocalModules = field(default_factory=LocalModules)
    _answering: Versions = field(init=False)
    _looking: Versions = field(init=False)
    _isolation: Isolation = field(init=False)

    def __post_init__(self) -> None:
        self._isolation = Isolation(store=self.service.store, clock=self.service.clock)
        self._answering = Versions(self.service.store)
        self._looking = Versions(self.service.store)

    def answer(self) -> int:
        """Decide on run ends and metrics; return how many were decided on."""
        done = 0
        while events := self.service.store.triggers.events(limit=self._most()):
            before = done
            for event in events:
                about = _about(event.row)
                done += bool(self._isolation.do(about, partial(self._answer_one, event)))
            if done == before:
                break
        self._isolation.look_over(_WHAT)
        return done

    def _most(self) -> int:
        """How many events are read at once: what can't be answered now hides nothing behind it."""
        return EVENTS_AT_ONCE + len(self._isolation.paused(_WHAT))

    def _answer_one(self, event: "TriggerEvent") -> bool:
        from nbflow.metastore import trigger_key

        row, now = event.row, self.service.clock.wall()
        reaction = react(row.trigger, row.state, event.payload, now)
        key = trigger_key(row.id, event.name)
        return self._fire(row, reaction, key, self._answering, event.id)

    def look(self) -> int:
        """Look at the files of all triggers; return how many made a run."""
        rows, made = self.service.store.triggers.watched_files(), 0
        self._unrest = {
            key: kept for key, kept in self._unrest.items() if key in {r.id for r in rows}
        }
        self._watched.clear()
        for row in rows:
            # A run that has not begun will see what there is now.
            if self.goes_on() and not row.is_waiting:
                made += bool(self._isolation.do(_about(row), partial(self._look_one, row)))
        self._isolation.look_over(_WHAT)
        if self.goes_on():
            self._read = {path: self._read[path] for path in self._watched & self._read.keys()}
        return made

    def _look_one(self, row: "TriggerRow") -> bool:
        from nbflow.metastore import trigger_key

        found = self._found(row)
        if found is None:
            return False
        version = str(row.dag_version) if row.trigger.kind is TriggerKind.CODE else ""
        reaction = react_to_files(row.trigger, row.state, found, version)
        if reaction == Reaction(state=row.state):
            # Only here it looked other than it did: there is nothing to write.
            self._unrest.pop(row.id, None)
            return False
        key = trigger_key(row.id, f"v{row.version}")
        if not self._fire(row, reaction, key, self._looking):
            return False
        self._unrest.pop(row.id, None)
        return reaction.cause is not None

    def _found(self, row: "TriggerRow") -> dict[str, FileMark] | None:
        """Return the files of a trigger if they changed and have been quiet, or its DAG's version
        changed; None if there is nothing to decide, or it was told to stop.
        """
        notebooks: tuple[Notebook, ...] = ()
        if row.trigger.kind is TriggerKind.CODE:
            notebooks = self._looking.compiled(row.dag_version).notebooks
        stamps = files_of(row.trigger, notebooks, self._modules, self.goes_on)
        self._watched |= stamps.keys()
        version, before = self._unrest.pop(row.id, (row.version, None))
        unrest, is_quiet = watch_unrest(
            {path: self._as_read_here(path, mark) for path, mark in row.state.seen.items()},
            stamps,
            before if version == row.version else None,
            self.service.clock.monotonic(),
            row.trigger.debounce,
        )
        if unrest is not None:
            # Until the decision is written: one that can't be now need not wait anew.
            self._unrest[row.id] = (row.version, unrest)
            if not is_quiet:
                return None
        is_code = row.trigger.kind is TriggerKind.CODE
        if unrest is None and not (is_code and row.state.version != row.dag_version):
            return None
        known, now = {**row.state.seen, **self._read}, self.service.clock.wall()
        found = marks(stamps, known, now, self.goes_on)
        self._read.update(found)
        return found if self.goes_on() else None

    def _as_read_here(self, path: str, mark: FileMark) -> FileMark:
        own = self._read.get(path)
        return own if own is not None and own == mark else mark

    def _fire(
        self,
        row: "TriggerRow",
        reaction: Reaction,
        key: str,
        versions: Versions,
        event: int | None = None,
    ) -> bool:
        """Write a decision; False if somebody else came first."""
        from nbflow.metastore import Firing

        run, missed, cancels, rests_on = None, reaction.refused, False, None
        if reaction.cause is not None:
            dag = versions.dag(row.dag_version)
            options = dag.options
            admission = admit(
                options.overlap, active=row.active_runs, max_active_runs=options.max_active_runs
            )
            cancels = admission is Admission.REPLACE
            if depends_on_active(options.overlap) and not row.is_paused:
                rests_on = row.active_runs
            if row.is_paused:
                missed = MissedReason.PAUSED.value
            elif admission is Admission.MISS:
                missed = MissedReason.OVERLAP.value
            else:
                run = self._new_run(row, dag, reaction.cause, key)
        done = self.service.store.triggers.fire(
            Firing(
                seen=row, state=reaction.state, slot_key=key, event=event, run=run, missed=missed,
                cancel_others=cancels, active_runs=rests_on,
            )
        )  # fmt: skip
        if done and run is not None:
            _log.info(
                "%s: run %s made: %s", run.dag_id, run.run_id, cause_sentence(run.cause or {}),
                extra={"action": "triggered", "dag_id": run.dag_id, "run_id": run.run_id},
            )  # fmt: skip
        return done

    def _new_run(self, row: "TriggerRow", dag: Dag, cause: Mapping[str, Any], key: str) -> "NewRun":
        from nbflow.metastore import NewRun

        now = self.service.clock.wall()
        return NewRun(
            run_id=new_run_id(RunKind.TRIGGERED, now),
            dag_id=dag.id,
            version=row.dag_version,
            kind=RunKind.TRIGGERED,
            slot_key=key,
            logical_date=now,
            data_interval=(now, now),
            driven=False,
            cause=cause,
        )


def _about(row: "TriggerRow") -> Subject:
    return Subject(_WHAT, f"{row.dag_id}, {row.id}")
