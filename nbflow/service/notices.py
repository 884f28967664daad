"""People are told: what happened becomes notifications, and these are sent until somebody has them."""

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from nbflow import __version__
from nbflow.errors import MetastoreError, NotFoundError, UsageError, is_contained, unforeseen
from nbflow.model.codes import HELD_UP
from nbflow.model.going_on import GoesOn, always
from nbflow.model.notices import (
    Allowed,
    Channel,
    NoticeEvent,
    Notify,
    filled,
    read_allowed,
    variable_of,
)
from nbflow.model.schedule import in_zone, missed_reason
from nbflow.model.sentence import Sentence
from nbflow.model.states import TaskState
from nbflow.model.triggers import trigger_sentence
from nbflow.scheduling.notices import MOST_TRIES, health_after, next_try, run_event
from nbflow.scheduling.slots import MissedReason
from nbflow.service.isolation import Isolation, Subject
from nbflow.service.mailing import Mailer
from nbflow.service.posting import Poster, SendError
from nbflow.texts import t, told

if TYPE_CHECKING:
    from nbflow.metastore import NewNotice, NoticeRow, RunEnd
    from nbflow.metastore.misses import MissedRow
    from nbflow.model.dag import Dag
    from nbflow.model.ids import DagId
    from nbflow.service.service import Service
    from nbflow.settings import Settings

LEASE = 60.0
"""Seconds that a process has to send what it took."""
MOST_AT_ONCE = 20
"""Notifications that are sent before other work has its turn."""
KEEP = timedelta(days=90)
"""How long it is kept what was sent."""
_MOST_NAMED = 20
_WHAT, _END = "notification", "end"
_log = logging.getLogger("nbflow.notices")


def allowed_hosts(settings: "Settings") -> Allowed:
    """Return the hosts of `NBFLOW_NOTIFY_ALLOW`. Raises UsageError NBF708."""
    try:
        return read_allowed(settings.notify_allowed)
    except ValueError as problem:
        raise UsageError(
            Sentence("NBFLOW_NOTIFY_ALLOW holds {word!r}.", word=str(problem)),
            hint="It lists hosts, hosts with a port, and networks: hooks.internal, 10.1.0.0/16.",
            code="NBF708",
        ) from problem


def send_again(service: "Service", notice_id: str) -> None:
    """Let a notification that was given up be sent. Raises NotFoundError."""
    if not service.store.notices.send_again(notice_id):
        raise NotFoundError(
            Sentence("No notification {id!r} was given up.", id=notice_id),
            hint="nbflow notifications list --dead shows those that were.",
        )


@dataclass(kw_only=True, slots=True)
class Relay:
    """Plans and sends. Any number of them work on one metastore."""

    service: "Service"
    poster: Poster
    mailer: Mailer
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    goes_on: GoesOn = always
    """Asked before each notification: whoever sends may take long."""
    _swept: float = float("-inf")
    _isolation: Isolation = field(init=False)

    def __post_init__(self) -> None:
        self._isolation = Isolation(store=self.service.store, clock=self.service.clock)

    @classmethod
    def of(cls, service: "Service", goes_on: GoesOn = always) -> "Relay":
        """Return one that works by the settings. Raises UsageError."""
        settings = service.settings
        return cls(
            service=service,
            poster=Poster(allowed=allowed_hosts(settings)),
            mailer=Mailer(url=settings.smtp_url, sender=settings.mail_from, clock=service.clock),
            goes_on=goes_on,
        )

    def work(self) -> int:
        """Plan and send what is due; return how many were sent."""
        self._sweep()
        if not self.service.store.notices.has_work():
            return 0
        self.plan()
        return self.send()

    def plan(self) -> int:
        """Turn ends of runs and missed slots into notifications; return how many were made."""
        made, store = 0, self.service.store.notices
        while True:
            ends = store.run_ends(without=self._isolation.paused(_WHAT, _END))
            self._isolation.look_over(_WHAT, _END)
            if not ends:
                break
            for end in ends:
                made += self._isolation.do(Subject(_WHAT, end.dag_id), partial(self._end, end)) or 0
        missed = store.untold_missed(without=self._isolation.paused(_WHAT))
        for dag_id, slots in missed.items():
            work = partial(self._plan_missed, dag_id, slots)
            made += self._isolation.do(Subject(_WHAT, dag_id), work) or 0
        return made

    def send(self) -> int:
        """Send what is due, each under a lease; return how many somebody has now."""
        sent, store = 0, self.service.store.notices
        for _ in range(MOST_AT_ONCE):
            taken = self.goes_on() and store.take(lease=LEASE, limit=1, most_tries=MOST_TRIES)
            if not taken:
                break
            sent += sum(self._send(notice) for notice in taken)
        return sent

    def _end(self, end: "RunEnd") -> int:
        """Plan what is told of a run's end. That of a damaged run holds up no other end of its DAG."""
        about = Subject(_END, end.run_id)
        try:
            planned = self._plan_end(end)
        except MetastoreError as problem:
            if problem.code != HELD_UP:
                raise
            self._isolation.failed(about, problem)
            return 0
        self._isolation.worked(about)
        return planned

    def _plan_end(self, end: "RunEnd") -> int:
        store = self.service.store
        event, health, notices = None, end.health, []
        if end.is_judged:
            event = run_event(end.state, end.health, is_late=end.is_late)
            health = health_after(end.state, end.health, is_late=end.is_late)
        if event is not None:
            dag = store.load_version(end.version)
            if dag.options.notify:
                payload = self._about_run(end, event)
                notices = _notices(dag, event, end.id, payload, run_id=end.run_id)
        return len(notices) if store.notices.plan_run_end(end, health, notices) else 0

    def _about_run(self, end: "RunEnd", event: NoticeEvent) -> dict[str, Any]:
        run, tasks = self.service.store.show_run(end.run_id)
        reasons = {a.task: a.message for a in self.service.store.attempts(end.run_id)}
        failed = [
            {
                "task": str(task.task),
                "reason": told(task.note or reasons.get(task.task) or "")[:500],
            }
            for task in tasks
            if task.state is TaskState.FAILED
        ]
        return {
            "event": event.value,
            "dag": str(end.dag_id),
            "run": str(end.run_id),
            "state": end.state.value,
            "started": _iso(run.started),
            "ended": _iso(run.ended),
            "tasks": failed[:_MOST_NAMED],
            "reason": failed[0]["reason"] if failed else told(run.note),
        }

    def _plan_missed(self, dag_id: "DagId", found: "Sequence[MissedRow]") -> int:
        # A DAG that is deleted meanwhile takes its missed slots along.
        with suppress(NotFoundError):
            return self._plan_slots(dag_id, found)
        return 0

    def _plan_slots(self, dag_id: "DagId", found: "Sequence[MissedRow]") -> int:
        store, notices = self.service.store, []
        # Whoever pauses a DAG knows what it does then.
        rows = [one for one in found if one.reason != MissedReason.PAUSED.value]
        if rows:
            dag = store.load_version(store.current_version(dag_id))
            payload = {
                "event": NoticeEvent.MISSED.value,
                "dag": str(dag_id),
                "count": len(rows),
                "missed": [_about_missed(one, dag.options.timezone) for one in rows[:_MOST_NAMED]],
                "reason": told(missed_reason(rows[0].reason)),
            }
            # Its key goes into headers, where a DAG's name may have no place.
            what = "\n".join([dag_id, *(one.key for one in rows)])
            name = f"missed:{hashlib.sha256(what.encode()).hexdigest()[:32]}"
            notices = _notices(dag, NoticeEvent.MISSED, name, payload)
        keys = [one.key for one in found]
        return len(notices) if store.notices.plan_missed(dag_id, keys, notices) else 0

    def _send(self, notice: "NoticeRow") -> bool:
        try:
            self._hand_over(notice)
        except SendError as problem:
            return self._not_told(notice, problem)
        except Exception as problem:
            if not is_contained(problem):
                raise
            _log.exception("%s: not told", notice.dag_id, extra=_about(notice))
            words = Sentence(
                "it could not be sent: {problem}",
                problem=unforeseen(problem),
            )
            return self._not_told(notice, SendError(words))
        return self.service.store.notices.settle(notice, sent=self.service.clock.wall())

    def _not_told(self, notice: "NoticeRow", problem: SendError) -> bool:
        now = self.service.clock.wall()
        due = None if problem.is_final else next_try(notice.tries, now, problem.retry_after)
        dead = now if due is None else None
        left = replace(notice.notify, to=problem.left) if problem.left else None
        self.service.store.notices.settle(
            notice, due=due, dead=dead, error=problem.message, left=left
        )
        _log.log(
            logging.WARNING if due is not None else logging.ERROR,
            "%s: not told (%s)%s: %s", notice.dag_id, notice.notify.channel,
            "" if due is not None else ", given up", problem, extra=_about(notice),
        )  # fmt: skip
        return False

    def _hand_over(self, notice: "NoticeRow") -> None:
        notify = notice.notify
        subject, text = worded(notify, notice.payload)
        if notify.channel is Channel.EMAIL:
            self.mailer.send(notify.to, subject, text, notice.id)
            return
        url = self._url(notify)
        if notify.channel is Channel.SLACK:
            body: dict[str, Any] = {"text": _slack(f"{subject}\n{text}")}
        else:
            body = {**notice.payload, "id": notice.id, "subject": subject, "text": text}
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"nbflow/{__version__}",
            "Idempotency-Key": notice.id,
        }
        self.poster.post(url, json.dumps(body).encode(), headers)

    def _url(self, notify: Notify) -> str:
        (target,) = notify.to
        name = variable_of(target)
        if name is None:
            return target
        found = self.environ.get(name)
        if not found:
            raise SendError(Sentence("the scheduler has no variable {name}", name=name))
        return found.strip()

    def _sweep(self) -> None:
        now = self.service.clock.monotonic()
        if now - self._swept > KEEP.total_seconds() / 1000:
            self._swept = now
            self.service.store.notices.forget(self.service.clock.wall() - KEEP)


def _about(notice: "NoticeRow") -> dict[str, str]:
    return {"action": "notice_failed", "dag_id": notice.dag_id, "notice": notice.id}


def worded(notify: Notify, payload: Mapping[str, Any]) -> tuple[str, str]:
    """Return subject and text of a notification: as its templates say, or in our words."""
    values = {key: _text(value) for key, value in payload.items()}
    subject, text = _OURS[NoticeEvent(payload["event"])](values)
    if notify.subject is not None:
        subject = filled(notify.subject, values)
    if notify.text is not None:
        text = filled(notify.text, values)
    return " ".join(subject.split()), text


def _failure(values: Mapping[str, str]) -> tuple[str, str]:
    text = t("Run {run} failed.", run=values["run"])
    return t("{dag} failed", dag=values["dag"]), f"{text}\n{values['tasks'] or values['reason']}"


def _recovery(values: Mapping[str, str]) -> tuple[str, str]:
    text = t("Run {run} succeeded; one before it had failed.", run=values["run"])
    return t("{dag} works again", dag=values["dag"]), text


def _missed(values: Mapping[str, str]) -> tuple[str, str]:
    subject = t("{dag} missed slots: {count}", dag=values["dag"], count=values["count"])
    return subject, f"{t('These got no run:')}\n{values['missed']}"


_OURS = {
    NoticeEvent.FAILURE: _failure,
    NoticeEvent.RECOVERY: _recovery,
    NoticeEvent.MISSED: _missed,
}


def _notices(
    dag: "Dag",
    event: NoticeEvent,
    name: str,
    payload: Mapping[str, Any],
    run_id: Any = None,
) -> "list[NewNotice]":
    from nbflow.metastore import NewNotice

    return [
        NewNotice(
            id=f"{name}:{number}", dag_id=dag.id, event=event, notify=notify, payload=payload,
            run_id=run_id,
        )
        for number, notify in enumerate(dag.options.notify)
        if event in notify.on
    ]  # fmt: skip


def _about_missed(one: "MissedRow", zone: str) -> str:
    """Say which slot or event got no run, and why."""
    what = in_zone(one.slot, zone) if one.slot else None
    if one.trigger is not None:
        what = told(trigger_sentence(one.trigger))
    reason = told(missed_reason(one.reason))
    return f"{what}: {reason}" if what else reason


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(_text(item) for item in value)
    if isinstance(value, Mapping):
        return f"{value['task']}: {value['reason']}"
    # What a kernel wrote may be no text that a mail can hold.
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _iso(at: Any) -> str | None:
    return at.isoformat() if at is not None else None
