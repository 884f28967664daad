"""Versions that nothing uses any more are found by when they were last taken, and by who names them."""

from functools import partial

import sqlalchemy as sa
from alembic import op

from nbflow.metastore.migrations.steps import run_steps

revision = "0015"
down_revision = "0014"

INDEXES = (
    ("ix_dag_version_used", "dag_version", ["used"]),
    ("ix_dag_version_dag_id_used", "dag_version", ["dag_id", "used"]),
    ("ix_run_version", "run", ["version"]),
    ("ix_clear_request_version", "clear_request", ["version"]),
)
OF_KEYS = (("fk_run_version", "run"), ("fk_clear_request_version", "clear_request"))
"""The indexes that MariaDB makes by itself for foreign keys, until there is another one."""


def _used() -> None:
    column = sa.Column("used", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("dag_version", column, if_not_exists=_may_be_repeated())


def _known_uses() -> None:
    op.execute("UPDATE dag_version SET used = created")


def _made(name: str, table: str, columns: list[str]) -> None:
    op.create_index(name, table, columns, if_not_exists=True)


def _dropped(name: str, table: str) -> None:
    if _is_mariadb():
        op.drop_index(name, table, if_exists=True)


def _is_mariadb() -> bool:
    return op.get_bind().dialect.name in ("mysql", "mariadb")


def _may_be_repeated() -> bool | None:
    # SQLite has no such clause, and needs none: there all steps are one transaction.
    return None if op.get_bind().dialect.name == "sqlite" else True


def upgrade() -> None:
    """Add the column and the indexes; versions count as used when they were recorded."""
    indexes = [partial(_made, *index) for index in INDEXES]
    own = [partial(_dropped, *index) for index in OF_KEYS]
    run_steps(revision, [_used, _known_uses, *indexes, *own])


def downgrade() -> None:
    """Drop them."""
    for name, table in OF_KEYS if _is_mariadb() else ():
        _made(name, table, ["version"])
    for name, table, _ in reversed(INDEXES):
        op.drop_index(name, table, if_exists=True)
    op.drop_column("dag_version", "used", if_exists=_may_be_repeated())
