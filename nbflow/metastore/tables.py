"""The tables. Instants are microseconds since the epoch, UTC, so that every database agrees."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Connection,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import event as event_of
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeDecorator, TypeEngine

from nbflow.metastore.stored_sentences import restored, stored
from nbflow.metastore.unread import Unreadable
from nbflow.model.states import FINAL_RUN_STATES, RunState

_MARIADB = ("mysql", "mariadb")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SERIAL = BigInteger().with_variant(Integer(), "sqlite")


def to_micros(at: datetime) -> int:
    """Return an aware instant as stored."""
    return (at - EPOCH) // timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return the value as stored."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return the stored value as it was."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class LongText(TypeDecorator[Any]):
    """Text of any length. MariaDB's own type is asked for only there: its dialect is slow to load."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type in one database."""
        if dialect.name not in _MARIADB:
            return super().load_dialect_impl(dialect)
        from sqlalchemy.dialects.mysql import LONGTEXT

        return dialect.type_descriptor(LONGTEXT())


class LongBytes(TypeDecorator[bytes]):
    """Bytes of any length, as `LongText`."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type in one database."""
        if dialect.name not in _MARIADB:
            return super().load_dialect_impl(dialect)
        from sqlalchemy.dialects.mysql import LONGBLOB

        return dialect.type_descriptor(LONGBLOB())


class Json(LongText):
    """A JSON value as ASCII text, which no server's character set can damage."""

    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        """Return the value as stored."""
        if isinstance(value, Unreadable):
            return value.text
        return None if value is None else json.dumps(value, separators=(",", ":"), default=str)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any:
        """Return the stored value as it was, or what says that it can't be read."""
        try:
            return None if value is None else json.loads(value)
        except (ValueError, RecursionError):
            return Unreadable(str(value))


class Words(LongText):
    """Text for people, as any program may have written it: NUL and lone surrogates replaced. A
    `Sentence` comes back as one, to be told in the reader's language.
    """

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the value as stored."""
        if value is None:
            return None
        return stored(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        """Return the stored value as it was."""
        return None if value is None else restored(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(name, metadata, *items)


@event_of.listens_for(metadata, "before_create")
def _by_bytes(target: MetaData, connection: Connection, **_: Any) -> None:
    """Python names differ by case, so MariaDB may compare nothing without regard to it."""
    if connection.dialect.name in _MARIADB:
        options = {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}
        for table in target.tables.values():
            for key, value in options.items():
                table.kwargs[f"{connection.dialect.name}_{key}"] = value


DAG_ID, RUN_ID, TASK, VARIABLE, SHA = String(100), String(200), String(100), String(255), String(64)

ENDED = sorted(state.value for state in FINAL_RUN_STATES)
"""The states of a run that has ended."""
GOING = sorted(state.value for state in RunState if not state.is_final)
"""The states of one that has not: said this way, an index finds them among all that ended."""

dag = _table(
    "dag",
    Column("id", DAG_ID, primary_key=True),
    Column("version", SHA, nullable=False),
    Column("paused", Integer, nullable=False, server_default="0"),
    Column("max_active_tasks", Integer),
    Column("max_active_runs", Integer),
    Column("deployed", Instant, nullable=False),
    Column("owner", VARIABLE),
    Column("description", Words),
    Column("is_deployed", Integer, nullable=False, server_default="0"),
    Column("health", String(20)),
    # Of which date the newest run was that this rests on.
    Column("health_at", Instant),
    Column("pauses", Json),
)
dag_version = _table(
    "dag_version",
    Column("digest", SHA, primary_key=True),
    Column("dag_id", DAG_ID, nullable=False),
    Column("number", Integer, nullable=False),
    Column("document", Json, nullable=False),
    Column("notebooks", Json, nullable=False),
    Column("created", Instant, nullable=False),
    Column("used", Instant, nullable=False, server_default="0", index=True),
    UniqueConstraint("dag_id", "number"),
)
notebook_snapshot = _table(
    "notebook_snapshot",
    Column("digest", SHA, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("content", LongBytes(), nullable=False),
)
dag_task = _table(
    "dag_task",
    Column("version", SHA, ForeignKey("dag_version.digest"), primary_key=True),
    Column("name", TASK, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("pool", DAG_ID, nullable=False),
    Column("pool_slots", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("max_lost", Integer, nullable=False),
)
edge = _table(
    "edge",
    Column("version", SHA, ForeignKey("dag_version.digest"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("source", TASK, nullable=False),
    Column("target", TASK, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("variable", Words),
)
cell = _table(
    "cell",
    Column("version", SHA, ForeignKey("dag_version.digest"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("cell", VARIABLE, nullable=False),
    Column("place", TASK, nullable=False),
)
schedule = _table(
    "schedule",
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("dag_id", DAG_ID, ForeignKey("dag.id"), nullable=False, unique=True),
    Column("expr", String(256), nullable=False),
    Column("tz", String(64), nullable=False),
    Column("cursor_utc", Instant),
    Column("next_fire_utc", Instant, index=True),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("anchor_utc", Instant),
    Column("start_utc", Instant),
    Column("end_utc", Instant),
    Column("catchup", String(10), nullable=False, server_default="latest"),
    Column("overlap", String(20), nullable=False, server_default="queue"),
    Column("max_active_runs", Integer, nullable=False, server_default="1"),
    # After this instant every decided slot has a run or a missed record.
    Column("since_utc", Instant),
)
missed = _table(
    "missed",
    Column("dag_id", DAG_ID, primary_key=True),
    Column("slot_key", String(250), primary_key=True),
    Column("reason", Words, nullable=False),
    Column("at", Instant, nullable=False),
    Column("told", Integer, nullable=False, server_default="0", index=True),
)
backfill = _table(
    "backfill",
    Column("id", String(20), primary_key=True),
    Column("dag_id", DAG_ID, ForeignKey("dag.id"), nullable=False, index=True),
    Column("schedule_id", BigInteger, nullable=False),
    Column("expr", String(256), nullable=False),
    Column("tz", String(64), nullable=False),
    Column("anchor_utc", Instant),
    Column("first_utc", Instant, nullable=False),
    Column("last_utc", Instant, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("reverse", Integer, nullable=False),
    Column("reprocess", String(20), nullable=False),
    Column("max_active", Integer),
    Column("state", String(20), nullable=False, index=True),
    Column("cursor_utc", Instant),
    Column("created", Instant, nullable=False),
    Column("ended", Instant),
    Column("version", Integer, nullable=False),
)
backfill_slot = _table(
    "backfill_slot",
    Column("backfill_id", String(20), ForeignKey("backfill.id"), primary_key=True),
    Column("slot_utc", Instant, primary_key=True, autoincrement=False),
    Column("action", String(20), nullable=False),
    Column("why", String(20), nullable=False),
    Column("run_id", RUN_ID),
)
instance = _table(
    "instance",
    Column("id", DAG_ID, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("host", String(255), nullable=False),
    Column("boot_id", String(64), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_start", Double, nullable=False),
    Column("started", Instant, nullable=False),
    Column("heartbeat", Instant, nullable=False),
    Column("heartbeat_mono", Double, nullable=False),
    Column("closed", Instant),
)
run = _table(
    "run",
    Column("id", RUN_ID, primary_key=True),
    Column("dag_id", DAG_ID, ForeignKey("dag.id"), nullable=False),
    Column("version", SHA, ForeignKey("dag_version.digest"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("slot_key", String(250), nullable=False),
    Column("state", String(20), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("selected", Json),
    Column("cancel_requested", Integer, nullable=False, server_default="0"),
    Column("owner", DAG_ID, ForeignKey("instance.id")),
    Column("created", Instant, nullable=False),
    Column("started", Instant),
    Column("ended", Instant),
    Column("logical_date", Instant),
    Column("data_interval_start", Instant),
    Column("data_interval_end", Instant),
    Column("cause", Json),
    Column("note", Words, nullable=False),
    Column("backfill_id", String(20), index=True),
    Column("folder", Words),
    Column("clears", Integer, nullable=False, server_default="0"),
    UniqueConstraint("dag_id", "slot_key"),
)
clear_request = _table(
    "clear_request",
    Column("run_id", RUN_ID, ForeignKey("run.id"), primary_key=True),
    Column("tasks", Json, nullable=False),
    Column("version", SHA, ForeignKey("dag_version.digest"), index=True),
    Column("requested", Instant, nullable=False),
)
task_instance = _table(
    "task_instance",
    Column("run_id", RUN_ID, ForeignKey("run.id"), primary_key=True),
    Column("task", TASK, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("lost", Integer, nullable=False, server_default="0"),
    Column("token", BigInteger),
    Column("owner", DAG_ID),
    Column("lease_until", Instant),
    Column("lease_mono", Double),
    Column("not_before", Instant),
    Column("queued_at", Instant),
    Column("pool", DAG_ID, nullable=False),
    Column("pool_slots", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("max_lost", Integer, nullable=False),
    Column("kept_kernel", Words),
    Column("unstorable", Json),
    Column("last_error", Words),
    Column("note", Words, nullable=False),
)
Index("ix_task_instance_state", task_instance.c.state, task_instance.c.pool)

attempt = _table(
    "attempt",
    Column("run_id", RUN_ID, primary_key=True),
    Column("task", TASK, primary_key=True),
    Column("try_no", Integer, primary_key=True),
    Column("token", BigInteger, nullable=False, unique=True),
    Column("owner", DAG_ID, nullable=False),
    Column("host", String(255), nullable=False),
    Column("boot_id", String(64), nullable=False),
    Column("pid", Integer),
    Column("claimed", Instant, nullable=False),
    Column("started", Instant),
    Column("ended", Instant),
    Column("outcome", String(20)),
    Column("reason", String(20)),
    Column("message", Words, nullable=False),
    Column("result", Json),
    ForeignKeyConstraint(["run_id", "task"], ["task_instance.run_id", "task_instance.task"]),
)
# As DDL: an index with a dialect's own arguments loads that dialect wherever the tables are read.
ONE_LIVE_ATTEMPT = DDL(  # type: ignore[no-untyped-call]
    "CREATE UNIQUE INDEX uq_attempt_live ON attempt (run_id, task) WHERE outcome IS NULL"
).execute_if(callable_=lambda *_, dialect, **__: dialect.name in ("sqlite", "postgresql"))
event_of.listen(attempt, "after_create", ONE_LIVE_ATTEMPT)
# MariaDB has no partial index; NULLs don't collide in a unique one.
event_of.listen(
    attempt,
    "after_create",
    DDL(  # type: ignore[no-untyped-call]
        "ALTER TABLE attempt ADD COLUMN live INTEGER AS (IF(outcome IS NULL, 1, NULL)) STORED, "
        "ADD CONSTRAINT uq_attempt_live UNIQUE (run_id, task, live)"
    ).execute_if(callable_=lambda *_, dialect, **__: dialect.name in _MARIADB),
)

cell_run = _table(
    "cell_run",
    Column("token", BigInteger, ForeignKey("attempt.token"), primary_key=True),
    Column("cell", VARIABLE, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("started", Double),
    Column("ended", Double),
)
artifact = _table(
    "artifact",
    Column("run_id", RUN_ID, primary_key=True),
    Column("task", TASK, primary_key=True),
    Column("name", VARIABLE, primary_key=True),
    Column("token", BigInteger, ForeignKey("attempt.token"), nullable=False),
    Column("bundle", SHA, nullable=False),
    Column("key", VARIABLE, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("type", Words, nullable=False),
    Column("preview", Words),
    Column("ambient", Integer, nullable=False),
    ForeignKeyConstraint(["run_id", "task"], ["task_instance.run_id", "task_instance.task"]),
)
metric = _table(
    "metric",
    Column("run_id", RUN_ID, primary_key=True),
    Column("task", TASK, primary_key=True),
    Column("name", VARIABLE, primary_key=True),
    Column("value", Double, nullable=False),
    Column("token", BigInteger, ForeignKey("attempt.token"), nullable=False),
    ForeignKeyConstraint(["run_id", "task"], ["task_instance.run_id", "task_instance.task"]),
)
event = _table(
    "event",
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("run_id", RUN_ID, ForeignKey("run.id"), nullable=False, index=True),
    Column("task", TASK),
    Column("source", String(20), nullable=False),
    Column("target", String(20), nullable=False),
    Column("token", BigInteger),
    Column("at", Instant, nullable=False),
    Column("who", DAG_ID, nullable=False),
    Column("note", Words, nullable=False),
)
outbox = _table(
    "outbox",
    Column("id", String(220), primary_key=True),
    Column("run_id", RUN_ID, ForeignKey("run.id"), nullable=False),
    Column("payload", Json, nullable=False),
    Column("created", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("tries", Integer, nullable=False, server_default="0"),
)
dag_trigger = _table(
    "dag_trigger",
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("dag_id", DAG_ID, ForeignKey("dag.id"), nullable=False),
    Column("key", SHA, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("watched", DAG_ID, index=True),
    Column("spec", Json, nullable=False),
    Column("state", Json, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("active", Integer, nullable=False),
    Column("created", Instant, nullable=False),
    UniqueConstraint("dag_id", "key"),
)
trigger_event = _table(
    "trigger_event",
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("trigger_id", SERIAL, ForeignKey("dag_trigger.id"), nullable=False),
    Column("name", String(250), nullable=False),
    Column("payload", Json, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("trigger_id", "name"),
)
import_error = _table(
    "import_error",
    Column("id", SHA, primary_key=True),
    Column("scope", SHA, nullable=False, index=True),
    Column("path", Words, nullable=False),
    Column("code", String(20), nullable=False),
    Column("message", Words, nullable=False),
    Column("hint", Words, nullable=False),
    Column("at", Instant, nullable=False),
)
notice = _table(
    "notice",
    Column("id", String(250), primary_key=True),
    Column("dag_id", DAG_ID, nullable=False),
    Column("run_id", RUN_ID),
    Column("event", String(20), nullable=False),
    Column("spec", Json, nullable=False),
    Column("payload", Json, nullable=False),
    Column("created", Instant, nullable=False, index=True),
    Column("due", Instant, index=True),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("sent_at", Instant),
    Column("dead_at", Instant),
    Column("error", Words, nullable=False),
)
counter = _table(
    "counter",
    Column("name", String(20), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
pool = _table(
    "pool",
    Column("name", DAG_ID, primary_key=True),
    Column("slots", Integer, nullable=False),
    # Attempts with a later token were claimed under this size.
    Column("since_token", BigInteger, nullable=False, server_default="0"),
)
schema_step = _table(
    "schema_step",
    Column("revision", String(32), primary_key=True),
    Column("step", Integer, primary_key=True),
)

Index("ix_dag_version_dag_id_used", dag_version.c.dag_id, dag_version.c.used)
Index("ix_run_dag_id_created", run.c.dag_id, run.c.created)
Index("ix_run_created", run.c.created)
Index("ix_outbox_sent_at", outbox.c.sent_at)
Index("ix_run_state_dag_id", run.c.state, run.c.dag_id)
Index("ix_artifact_task_name", artifact.c.task, artifact.c.name)
