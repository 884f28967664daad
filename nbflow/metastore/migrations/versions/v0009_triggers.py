"""Triggers with their events, and what made a run."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from nbflow.metastore.migrations.steps import run_steps

revision = "0009"
down_revision = "0008"

TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPTIONS = {
    f"{dialect}_{key}": value
    for dialect in ("mysql", "mariadb")
    for key, value in {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}.items()
}


def _dag_trigger() -> None:
    op.create_table(
        "dag_trigger",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("dag_id", sa.String(100), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("watched", sa.String(100)),
        sa.Column("spec", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.id"], name="fk_dag_trigger_dag_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dag_trigger"),
        sa.UniqueConstraint("dag_id", "key", name="uq_dag_trigger_dag_id_key"),
        if_not_exists=True,
        **OPTIONS,
    )


def _watched() -> None:
    op.create_index("ix_dag_trigger_watched", "dag_trigger", ["watched"], if_not_exists=True)


def _trigger_event() -> None:
    op.create_table(
        "trigger_event",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("trigger_id", SERIAL, nullable=False),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("payload", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trigger_id"], ["dag_trigger.id"], name="fk_trigger_event_trigger_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_trigger_event"),
        sa.UniqueConstraint("trigger_id", "name", name="uq_trigger_event_trigger_id_name"),
        if_not_exists=True,
        **OPTIONS,
    )


def _cause() -> None:
    op.add_column("run", sa.Column("cause", TEXT), if_not_exists=_may_be_repeated())


def _may_be_repeated() -> bool | None:
    return None if op.get_bind().dialect.name == "sqlite" else True


def upgrade() -> None:
    """Make the tables and the column."""
    run_steps(revision, [_dag_trigger, _watched, _trigger_event, _cause])


def downgrade() -> None:
    """Drop them."""
    op.drop_column("run", "cause", if_exists=_may_be_repeated())
    op.drop_table("trigger_event", if_exists=True)
    op.drop_table("dag_trigger", if_exists=True)
