"""When a DAG was paused, as long as slots may lie in it on which nothing was decided yet."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from nbflow.metastore.migrations.steps import run_steps

revision = "0013"
down_revision = "0012"

TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
SINCE_EVER = '[{"from":"1970-01-01T00:00:00+00:00","to":null}]'


def _pauses() -> None:
    op.add_column("dag", sa.Column("pauses", TEXT), if_not_exists=_may_be_repeated())


def _paused_now() -> None:
    change = sa.text("UPDATE dag SET pauses = :pauses WHERE paused <> 0")
    op.get_bind().execute(change, {"pauses": SINCE_EVER})


def _may_be_repeated() -> bool | None:
    return None if op.get_bind().dialect.name == "sqlite" else True


def upgrade() -> None:
    """Add the column; a DAG that is paused now counts as paused since ever."""
    run_steps(revision, [_pauses, _paused_now])


def downgrade() -> None:
    """Drop it."""
    op.drop_column("dag", "pauses", if_exists=_may_be_repeated())
