"""Indexes for the lists of runs, and for the newest value of a name."""

from functools import partial

from alembic import op

from nbflow.metastore.migrations.steps import run_steps

revision = "0002"
down_revision = "0001"

INDEXES = (
    ("ix_run_created", "run", ["created"]),
    ("ix_run_state", "run", ["state"]),
    ("ix_artifact_task_name", "artifact", ["task", "name"]),
)


def _made(name: str, table: str, columns: list[str]) -> None:
    op.create_index(name, table, columns, if_not_exists=True)


def upgrade() -> None:
    """Make the indexes."""
    run_steps(revision, [partial(_made, *index) for index in INDEXES])


def downgrade() -> None:
    """Drop the indexes."""
    for name, table, _ in reversed(INDEXES):
        op.drop_index(name, table, if_exists=True)
