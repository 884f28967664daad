"""The first schema: DAG versions, runs, attempts, values, events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from nbflow.metastore.migrations.steps import run_steps

revision = "0001"
down_revision = None

LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
LONG_BYTES = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def _counter() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
        **TABLE,
        if_not_exists=True,
    )


def _dag() -> None:
    op.create_table(
        "dag",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("paused", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_active_tasks", sa.Integer(), nullable=True),
        sa.Column("deployed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dag")),
        **TABLE,
        if_not_exists=True,
    )


def _dag_version() -> None:
    op.create_table(
        "dag_version",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("dag_id", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", LONG_TEXT, nullable=False),
        sa.Column("notebooks", LONG_TEXT, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_dag_version")),
        sa.UniqueConstraint("dag_id", "number", name=op.f("uq_dag_version_dag_id_number")),
        **TABLE,
        if_not_exists=True,
    )


def _instance() -> None:
    op.create_table(
        "instance",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("boot_id", sa.String(length=64), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_start", sa.Double(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_mono", sa.Double(), nullable=False),
        sa.Column("closed", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
        **TABLE,
        if_not_exists=True,
    )


def _missed() -> None:
    op.create_table(
        "missed",
        sa.Column("dag_id", sa.String(length=100), nullable=False),
        sa.Column("slot_key", sa.String(length=250), nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("dag_id", "slot_key", name=op.f("pk_missed")),
        **TABLE,
        if_not_exists=True,
    )


def _notebook_snapshot() -> None:
    op.create_table(
        "notebook_snapshot",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content", LONG_BYTES, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_notebook_snapshot")),
        **TABLE,
        if_not_exists=True,
    )


def _pool() -> None:
    op.create_table(
        "pool",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pool")),
        **TABLE,
        if_not_exists=True,
    )


def _schema_step() -> None:
    op.create_table(
        "schema_step",
        sa.Column("revision", sa.String(length=32), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("revision", "step", name=op.f("pk_schema_step")),
        **TABLE,
        if_not_exists=True,
    )


def _cell() -> None:
    op.create_table(
        "cell",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("cell", sa.String(length=255), nullable=False),
        sa.Column("place", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["dag_version.digest"], name=op.f("fk_cell_version")),
        sa.PrimaryKeyConstraint("version", "position", name=op.f("pk_cell")),
        **TABLE,
        if_not_exists=True,
    )


def _dag_task() -> None:
    op.create_table(
        "dag_task",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("pool", sa.String(length=100), nullable=False),
        sa.Column("pool_slots", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("max_lost", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version"], ["dag_version.digest"], name=op.f("fk_dag_task_version")
        ),
        sa.PrimaryKeyConstraint("version", "name", name=op.f("pk_dag_task")),
        **TABLE,
        if_not_exists=True,
    )


def _edge() -> None:
    op.create_table(
        "edge",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("variable", LONG_TEXT, nullable=True),
        sa.ForeignKeyConstraint(["version"], ["dag_version.digest"], name=op.f("fk_edge_version")),
        sa.PrimaryKeyConstraint("version", "position", name=op.f("pk_edge")),
        **TABLE,
        if_not_exists=True,
    )


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("dag_id", sa.String(length=100), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("slot_key", sa.String(length=250), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("parameters", LONG_TEXT, nullable=False),
        sa.Column("selected", LONG_TEXT, nullable=True),
        sa.Column("cancel_requested", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("logical_date", sa.BigInteger(), nullable=True),
        sa.Column("data_interval_start", sa.BigInteger(), nullable=True),
        sa.Column("data_interval_end", sa.BigInteger(), nullable=True),
        sa.Column("note", LONG_TEXT, nullable=False),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.id"], name=op.f("fk_run_dag_id")),
        sa.ForeignKeyConstraint(["owner"], ["instance.id"], name=op.f("fk_run_owner")),
        sa.ForeignKeyConstraint(["version"], ["dag_version.digest"], name=op.f("fk_run_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("dag_id", "slot_key", name=op.f("uq_run_dag_id_slot_key")),
        **TABLE,
        if_not_exists=True,
    )
    op.create_index("ix_run_dag_id_created", "run", ["dag_id", "created"], if_not_exists=True)


def _schedule() -> None:
    op.create_table(
        "schedule",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("dag_id", sa.String(length=100), nullable=False),
        sa.Column("expr", sa.String(length=256), nullable=False),
        sa.Column("tz", sa.String(length=64), nullable=False),
        sa.Column("cursor_utc", sa.BigInteger(), nullable=True),
        sa.Column("next_fire_utc", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.id"], name=op.f("fk_schedule_dag_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("dag_id", name=op.f("uq_schedule_dag_id")),
        **TABLE,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_schedule_next_fire_utc"), "schedule", ["next_fire_utc"], if_not_exists=True
    )


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("task", sa.String(length=100), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=20), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("note", LONG_TEXT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_event_run_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event")),
        **TABLE,
        if_not_exists=True,
    )
    op.create_index(op.f("ix_event_run_id"), "event", ["run_id"], if_not_exists=True)


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=220), nullable=False),
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("payload", LONG_TEXT, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_outbox_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        **TABLE,
        if_not_exists=True,
    )


def _task_instance() -> None:
    op.create_table(
        "task_instance",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("task", sa.String(length=100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lost", sa.Integer(), server_default="0", nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=True),
        sa.Column("owner", sa.String(length=100), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_mono", sa.Double(), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("queued_at", sa.BigInteger(), nullable=True),
        sa.Column("pool", sa.String(length=100), nullable=False),
        sa.Column("pool_slots", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("max_lost", sa.Integer(), nullable=False),
        sa.Column("kept_kernel", LONG_TEXT, nullable=True),
        sa.Column("unstorable", LONG_TEXT, nullable=True),
        sa.Column("last_error", LONG_TEXT, nullable=True),
        sa.Column("note", LONG_TEXT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_task_instance_run_id")),
        sa.PrimaryKeyConstraint("run_id", "task", name=op.f("pk_task_instance")),
        **TABLE,
        if_not_exists=True,
    )
    op.create_index(
        "ix_task_instance_state", "task_instance", ["state", "pool"], if_not_exists=True
    )


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("task", sa.String(length=100), nullable=False),
        sa.Column("try_no", sa.Integer(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("boot_id", sa.String(length=64), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("claimed", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=True),
        sa.Column("message", LONG_TEXT, nullable=False),
        sa.Column("result", LONG_TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id", "task"],
            ["task_instance.run_id", "task_instance.task"],
            name=op.f("fk_attempt_run_id_task"),
        ),
        sa.PrimaryKeyConstraint("run_id", "task", "try_no", name=op.f("pk_attempt")),
        sa.UniqueConstraint("token", name=op.f("uq_attempt_token")),
        **TABLE,
        if_not_exists=True,
    )
    if op.get_bind().dialect.name in ("mysql", "mariadb"):
        # No partial index there; NULLs don't collide in a unique one.
        op.execute(
            "ALTER TABLE attempt ADD COLUMN IF NOT EXISTS live INTEGER "
            "AS (IF(outcome IS NULL, 1, NULL)) STORED"
        )
        op.execute(
            "CREATE UNIQUE INDEX IF NOT EXISTS uq_attempt_live ON attempt (run_id, task, live)"
        )
        return
    op.create_index(
        "uq_attempt_live",
        "attempt",
        ["run_id", "task"],
        unique=True,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
        if_not_exists=True,
    )


def _artifact() -> None:
    op.create_table(
        "artifact",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("task", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("bundle", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("type", LONG_TEXT, nullable=False),
        sa.Column("preview", LONG_TEXT, nullable=True),
        sa.Column("ambient", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "task"],
            ["task_instance.run_id", "task_instance.task"],
            name=op.f("fk_artifact_run_id_task"),
        ),
        sa.ForeignKeyConstraint(["token"], ["attempt.token"], name=op.f("fk_artifact_token")),
        sa.PrimaryKeyConstraint("run_id", "task", "name", name=op.f("pk_artifact")),
        **TABLE,
        if_not_exists=True,
    )


def _cell_run() -> None:
    op.create_table(
        "cell_run",
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("cell", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("started", sa.Double(), nullable=True),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["token"], ["attempt.token"], name=op.f("fk_cell_run_token")),
        sa.PrimaryKeyConstraint("token", "cell", name=op.f("pk_cell_run")),
        **TABLE,
        if_not_exists=True,
    )


def _first_rows() -> None:
    for table, column, name, value in (
        ("counter", "value", "token", 0),
        ("pool", "slots", "default", 128),
    ):
        op.execute(
            sa.text(
                f"INSERT INTO {table} (name, {column}) SELECT :name, :value "  # noqa: S608
                f"WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE name = :name)"
            ).bindparams(name=name, value=value)
        )


TABLES = (
    _counter,
    _dag,
    _dag_version,
    _instance,
    _missed,
    _notebook_snapshot,
    _pool,
    _schema_step,
    _cell,
    _dag_task,
    _edge,
    _run,
    _schedule,
    _event,
    _outbox,
    _task_instance,
    _attempt,
    _artifact,
    _cell_run,
)


def upgrade() -> None:
    """Make all tables."""
    run_steps(revision, (*TABLES, _first_rows))


def downgrade() -> None:
    """Drop all tables, the referring ones first."""
    for make in reversed(TABLES):
        op.drop_table(make.__name__.removeprefix("_"), if_exists=True)
