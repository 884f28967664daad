"""Since when a pool has its size, and how many runs of a DAG may go at once."""

from functools import partial

import sqlalchemy as sa
from alembic import op

from nbflow.metastore.migrations.steps import run_steps

revision = "0011"
down_revision = "0010"


def _add(table: str, column: sa.Column[int]) -> None:
    op.add_column(table, column, if_not_exists=_may_be_repeated())


def _may_be_repeated() -> bool | None:
    # SQLite has no such clause, and needs none: there all steps are one transaction.
    return None if op.get_bind().dialect.name == "sqlite" else True


def upgrade() -> None:
    """Add the columns: that pools were never changed, and that DAGs' limits are not known yet."""
    since = sa.Column("since_token", sa.BigInteger(), nullable=False, server_default="0")
    runs = sa.Column("max_active_runs", sa.Integer(), nullable=True)
    run_steps(revision, [partial(_add, "pool", since), partial(_add, "dag", runs)])


def downgrade() -> None:
    """Drop them."""
    op.drop_column("dag", "max_active_runs", if_exists=_may_be_repeated())
    op.drop_column("pool", "since_token", if_exists=_may_be_repeated())
