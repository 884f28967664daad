"""From when on a schedule's slots are all on record."""

import sqlalchemy as sa
from alembic import op

from nbflow.metastore.migrations.steps import run_steps

revision = "0005"
down_revision = "0004"


def _may_be_repeated() -> bool | None:
    # SQLite has no such clause, and needs none: there all steps are one transaction.
    return None if op.get_bind().dialect.name == "sqlite" else True


def _add() -> None:
    column = sa.Column("since_utc", sa.BigInteger(), nullable=True)
    op.add_column("schedule", column, if_not_exists=_may_be_repeated())


def _fill() -> None:
    op.execute(sa.text("UPDATE schedule SET since_utc = cursor_utc WHERE since_utc IS NULL"))


def upgrade() -> None:
    """Add the column; what is decided from now on is on record."""
    run_steps(revision, [_add, _fill])


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("schedule", "since_utc", if_exists=_may_be_repeated())
