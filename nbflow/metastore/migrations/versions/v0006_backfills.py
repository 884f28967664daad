"""Backfills: what was asked for, what became of each slot, and which runs are theirs."""

from functools import partial

import sqlalchemy as sa
from alembic import op

from nbflow.metastore.migrations.steps import run_steps

revision = "0006"
down_revision = "0005"

_OPTIONS = {
    f"{dialect}_{key}": value
    for dialect in ("mysql", "mariadb")
    for key, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def _backfill() -> None:
    op.create_table(
        "backfill",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("dag_id", sa.String(100), sa.ForeignKey("dag.id"), nullable=False),
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("expr", sa.String(256), nullable=False),
        sa.Column("tz", sa.String(64), nullable=False),
        sa.Column("anchor_utc", sa.BigInteger()),
        sa.Column("first_utc", sa.BigInteger(), nullable=False),
        sa.Column("last_utc", sa.BigInteger(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("reverse", sa.Integer(), nullable=False),
        sa.Column("reprocess", sa.String(20), nullable=False),
        sa.Column("max_active", sa.Integer()),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("cursor_utc", sa.BigInteger()),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("version", sa.Integer(), nullable=False),
        if_not_exists=True,
        **_OPTIONS,
    )


def _backfill_slot() -> None:
    op.create_table(
        "backfill_slot",
        sa.Column("backfill_id", sa.String(20), sa.ForeignKey("backfill.id"), primary_key=True),
        sa.Column("slot_utc", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("why", sa.String(20), nullable=False),
        sa.Column("run_id", sa.String(200)),
        if_not_exists=True,
        **_OPTIONS,
    )


def _may_be_repeated() -> bool | None:
    # SQLite has no such clause, and needs none: there all steps are one transaction.
    return None if op.get_bind().dialect.name == "sqlite" else True


def _column() -> None:
    op.add_column("run", sa.Column("backfill_id", sa.String(20)), if_not_exists=_may_be_repeated())


INDEXES = (
    ("ix_backfill_dag_id", "backfill", ["dag_id"]),
    ("ix_backfill_state", "backfill", ["state"]),
    ("ix_run_backfill_id", "run", ["backfill_id"]),
)


def _index(name: str, table: str, columns: list[str]) -> None:
    op.create_index(name, table, columns, if_not_exists=True)


def upgrade() -> None:
    """Add the tables, the column and the indexes."""
    indexes = [partial(_index, *index) for index in INDEXES]
    run_steps(revision, [_backfill, _backfill_slot, _column, *indexes])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_run_backfill_id", "run", if_exists=True)
    op.drop_column("run", "backfill_id", if_exists=_may_be_repeated())
    op.drop_table("backfill_slot", if_exists=True)
    op.drop_table("backfill", if_exists=True)
