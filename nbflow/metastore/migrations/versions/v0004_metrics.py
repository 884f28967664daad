"""Figures that tasks record of themselves."""

import sqlalchemy as sa
from alembic import op

from nbflow.metastore.migrations.steps import run_steps

revision = "0004"
down_revision = "0003"

OPTIONS = {
    f"{dialect}_{key}": value
    for dialect in ("mysql", "mariadb")
    for key, value in {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}.items()
}


def _metric() -> None:
    op.create_table(
        "metric",
        sa.Column("run_id", sa.String(200), nullable=False),
        sa.Column("task", sa.String(100), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "task"],
            ["task_instance.run_id", "task_instance.task"],
            name="fk_metric_run_id_task",
        ),
        sa.ForeignKeyConstraint(["token"], ["attempt.token"], name="fk_metric_token"),
        sa.PrimaryKeyConstraint("run_id", "task", "name", name="pk_metric"),
        if_not_exists=True,
        **OPTIONS,
    )


def upgrade() -> None:
    """Make the table."""
    run_steps(revision, [_metric])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("metric", if_exists=True)
