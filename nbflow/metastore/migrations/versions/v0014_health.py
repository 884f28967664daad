"""Of which date the newest run was by whose end it was judged how a DAG stands."""

import sqlalchemy as sa
from alembic import op

from nbflow.metastore.migrations.steps import run_steps

revision = "0014"
down_revision = "0013"


def _health_at() -> None:
    op.add_column("dag", sa.Column("health_at", sa.BigInteger()), if_not_exists=_may_be_repeated())


def _may_be_repeated() -> bool | None:
    return None if op.get_bind().dialect.name == "sqlite" else True


def upgrade() -> None:
    """Add the column; until the next end nobody knows."""
    run_steps(revision, [_health_at])


def downgrade() -> None:
    """Drop it."""
    op.drop_column("dag", "health_at", if_exists=_may_be_repeated())
