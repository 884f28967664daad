"""Runs that are asked to go on again, how often they did, and where relative paths begin."""

from functools import partial
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from nbflow.metastore.migrations.steps import run_steps

revision = "0008"
down_revision = "0007"

LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
TABLE = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}
COLUMNS: tuple[tuple[str, TypeEngine[Any], str | None], ...] = (
    ("folder", LONG_TEXT, None),
    ("clears", sa.Integer(), "0"),
)


def _add(name: str, kind: TypeEngine[Any], default: str | None) -> None:
    column = sa.Column(name, kind, nullable=default is None, server_default=default)
    op.add_column("run", column, if_not_exists=_may_be_repeated())


def _clear_request() -> None:
    op.create_table(
        "clear_request",
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("tasks", LONG_TEXT, nullable=False),
        sa.Column("version", sa.String(length=64), nullable=True),
        sa.Column("requested", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_clear_request_run_id")),
        sa.ForeignKeyConstraint(
            ["version"], ["dag_version.digest"], name=op.f("fk_clear_request_version")
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_clear_request")),
        **TABLE,
        if_not_exists=True,
    )


def _may_be_repeated() -> bool | None:
    # SQLite has no such clause, and needs none: there all steps are one transaction.
    return None if op.get_bind().dialect.name == "sqlite" else True


def upgrade() -> None:
    """Add the columns and the table."""
    run_steps(revision, [*(partial(_add, *column) for column in COLUMNS), _clear_request])


def downgrade() -> None:
    """Drop them; requests that nobody carried out are lost."""
    op.drop_table("clear_request", if_exists=True)
    for name, *_ in reversed(COLUMNS):
        op.drop_column("run", name, if_exists=_may_be_repeated())
