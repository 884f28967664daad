"""Notifications, and what nobody has been told yet."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from nbflow.metastore.migrations.steps import run_steps

revision = "0010"
down_revision = "0009"

TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
OPTIONS = {
    f"{dialect}_{key}": value
    for dialect in ("mysql", "mariadb")
    for key, value in {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}.items()
}


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.String(250), nullable=False),
        sa.Column("dag_id", sa.String(100), nullable=False),
        sa.Column("run_id", sa.String(200)),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("spec", TEXT, nullable=False),
        sa.Column("payload", TEXT, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger()),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("dead_at", sa.BigInteger()),
        sa.Column("error", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        if_not_exists=True,
        **OPTIONS,
    )


def _indexes() -> None:
    for table, column in (("notice", "created"), ("notice", "due"), ("outbox", "sent_at")):
        op.create_index(f"ix_{table}_{column}", table, [column], if_not_exists=True)


def _told() -> None:
    column = sa.Column("told", sa.Integer(), nullable=False, server_default="0")
    op.add_column("missed", column, if_not_exists=_may_be_repeated())


def _told_index() -> None:
    op.create_index("ix_missed_told", "missed", ["told"], if_not_exists=True)


def _health() -> None:
    op.add_column("dag", sa.Column("health", sa.String(20)), if_not_exists=_may_be_repeated())


def _nothing_old() -> None:
    op.execute("UPDATE missed SET told = 1")
    op.execute("UPDATE outbox SET sent_at = created, tries = 1 WHERE sent_at IS NULL")


def _may_be_repeated() -> bool | None:
    return None if op.get_bind().dialect.name == "sqlite" else True


def upgrade() -> None:
    """Make the table and the columns; of what happened before, nobody is told any more."""
    run_steps(revision, [_notice, _indexes, _told, _told_index, _health, _nothing_old])


def downgrade() -> None:
    """Drop them."""
    op.drop_column("dag", "health", if_exists=_may_be_repeated())
    op.drop_index("ix_missed_told", "missed", if_exists=True)
    op.drop_column("missed", "told", if_exists=_may_be_repeated())
    op.drop_index("ix_outbox_sent_at", "outbox", if_exists=True)
    op.drop_table("notice", if_exists=True)
