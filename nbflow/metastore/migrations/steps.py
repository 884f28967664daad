"""Steps of a migration that can be taken up again where they were interrupted."""

from collections.abc import Callable, Sequence

from alembic import op
from sqlalchemy import text

from nbflow.faults import point


def run_steps(revision: str, steps: Sequence[Callable[[], object]]) -> None:
    """Run the steps; on MariaDB, which can't undo DDL, record each one and skip the recorded.

    A step must bear being repeated there: the record follows it.
    """
    connection = op.get_bind()
    if connection.dialect.name not in ("mysql", "mariadb"):
        for step in steps:
            step()
            point("migrate.step")
        return
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS schema_step (revision VARCHAR(32) NOT NULL, "
            "step INTEGER NOT NULL, PRIMARY KEY (revision, step)) "
            "ENGINE=InnoDB CHARSET=utf8mb4 COLLATE utf8mb4_bin"
        )
    )
    done = set(
        connection.execute(
            text("SELECT step FROM schema_step WHERE revision = :r"), {"r": revision}
        ).scalars()
    )
    for number, step in enumerate(steps):
        if number in done:
            continue
        step()
        point("migrate.step")
        connection.execute(
            text("INSERT INTO schema_step VALUES (:r, :n)"), {"r": revision, "n": number}
        )
        connection.commit()
    connection.execute(text("DELETE FROM schema_step WHERE revision = :r"), {"r": revision})
