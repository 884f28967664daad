"""What a schedule needs to be decided on by itself, and what lists say of a DAG."""

from functools import partial
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from nbflow.metastore.migrations.steps import run_steps

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
Column = tuple[str, str, TypeEngine[Any], str | None]
COLUMNS: tuple[Column, ...] = (
    ("dag", "owner", sa.String(255), None),
    ("dag", "description", TEXT, None),
    ("schedule", "anchor_utc", sa.BigInteger(), None),
    ("schedule", "start_utc", sa.BigInteger(), None),
    ("schedule", "end_utc", sa.BigInteger(), None),
    ("schedule", "catchup", sa.String(10), "latest"),
    ("schedule", "overlap", sa.String(20), "queue"),
    ("schedule", "max_active_runs", sa.Integer(), "1"),
)


def _add(table: str, name: str, kind: TypeEngine[Any], default: str | None) -> None:
    column = sa.Column(name, kind, nullable=default is None, server_default=default)
    op.add_column(table, column, if_not_exists=_may_be_repeated())


def _may_be_repeated() -> bool | None:
    # SQLite has no such clause, and needs none: there all steps are one transaction.
    return None if op.get_bind().dialect.name == "sqlite" else True


def upgrade() -> None:
    """Add the columns."""
    run_steps(revision, [partial(_add, *column) for column in COLUMNS])


def downgrade() -> None:
    """Drop the columns."""
    for table, name, *_ in reversed(COLUMNS):
        op.drop_column(table, name, if_exists=_may_be_repeated())
