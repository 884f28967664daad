"""Since when a pool has its size, and how many runs of a DAG may go at once."""

import json
from functools import partial

import sqlalchemy as sa
from alembic import op

from nbflow.metastore.migrations.steps import run_steps

revision = "0011"
down_revision = "0010"


def _add(table: str, column: sa.Column[int]) -> None:
    op.add_column(table, column, if_not_exists=_may_be_repeated())


def _known_limits() -> None:
    """Take the DAGs' limits from the versions that they have."""
    connection = op.get_bind()
    query = "SELECT dag.id, document FROM dag JOIN dag_version ON dag_version.digest = dag.version"
    for dag_id, document in connection.execute(sa.text(query)).all():
        limit = json.loads(document).get("options", {}).get("max_active_runs", 1)
        change = sa.text("UPDATE dag SET max_active_runs = :limit WHERE id = :id")
        connection.execute(change, {"limit": limit, "id": dag_id})


def _may_be_repeated() -> bool | None:
    # SQLite has no such clause, and needs none: there all steps are one transaction.
    return None if op.get_bind().dialect.name == "sqlite" else True


def upgrade() -> None:
    """Add the columns; pools count as never changed."""
    since = sa.Column("since_token", sa.BigInteger(), nullable=False, server_default="0")
    runs = sa.Column("max_active_runs", sa.Integer(), nullable=True)
    columns = [partial(_add, "pool", since), partial(_add, "dag", runs)]
    run_steps(revision, [*columns, _known_limits])


def downgrade() -> None:
    """Drop them."""
    op.drop_column("dag", "max_active_runs", if_exists=_may_be_repeated())
    op.drop_column("pool", "since_token", if_exists=_may_be_repeated())
