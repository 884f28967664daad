"""Runs that go on are found by their DAG, however many have ended."""

from functools import partial

from alembic import op

from nbflow.metastore.migrations.steps import run_steps

revision = "0012"
down_revision = "0011"

NEW, OLD = ("ix_run_state_dag_id", ["state", "dag_id"]), ("ix_run_state", ["state"])


def _made(name: str, columns: list[str]) -> None:
    op.create_index(name, "run", columns, if_not_exists=True)


def _dropped(name: str) -> None:
    op.drop_index(name, "run", if_exists=True)


def upgrade() -> None:
    """Put the index of states and DAGs in the place of that of states."""
    run_steps(revision, [partial(_made, *NEW), partial(_dropped, OLD[0])])


def downgrade() -> None:
    """Put it back."""
    _made(*OLD)
    _dropped(NEW[0])
