"""Notebooks of the DAGs folder that can't be deployed, and which DAGs are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from nbflow.metastore.migrations.steps import run_steps

revision = "0007"
down_revision = "0006"

TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
OPTIONS = {
    f"{dialect}_{key}": value
    for dialect in ("mysql", "mariadb")
    for key, value in {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}.items()
}


def _import_error() -> None:
    op.create_table(
        "import_error",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("code", sa.String(20), nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("hint", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_import_error"),
        if_not_exists=True,
        **OPTIONS,
    )


def _index() -> None:
    op.create_index("ix_import_error_scope", "import_error", ["scope"], if_not_exists=True)


def _is_deployed() -> None:
    column = sa.Column("is_deployed", sa.Integer(), nullable=False, server_default="0")
    op.add_column("dag", column, if_not_exists=_may_be_repeated())


def _were_deployed() -> None:
    # Which of them were only run by hand, nobody knows any more.
    op.execute("UPDATE dag SET is_deployed = 1")


def _may_be_repeated() -> bool | None:
    return None if op.get_bind().dialect.name == "sqlite" else True


def upgrade() -> None:
    """Make the table, and the column with what is known."""
    run_steps(revision, [_import_error, _index, _is_deployed, _were_deployed])


def downgrade() -> None:
    """Drop both."""
    op.drop_column("dag", "is_deployed", if_exists=_may_be_repeated())
    op.drop_table("import_error", if_exists=True)
