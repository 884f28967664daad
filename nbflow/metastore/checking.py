"""The invariants of a metastore, as questions that a sound one answers with nothing.

Numbers are those of docs/reference/reliability.md.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from nbflow.metastore.checks.violation import Looks, Violation
from nbflow.metastore.dialect import no_metastore, parse_url
from nbflow.metastore.engine import Database
from nbflow.metastore.schema import REVISION, revision

_PLAIN = Looks()


def check(url: str, looks: Looks = _PLAIN) -> list[Violation]:
    """Look for broken invariants, all in one reading transaction; a sound metastore has none.

    Raises MetastoreError if the metastore can't be read at all, or is damaged.
    """
    db = Database(parse_url(url), looks.clock, is_patient=True)
    try:
        if db.path is not None and not db.path.exists():
            raise no_metastore(db.path)
        return db.read(lambda connection: list(_all(db, connection, looks)), steady=True)
    finally:
        db.close()


def _all(db: Database, connection: Connection, looks: Looks) -> Iterator[Violation]:
    # Loaded by those who look: whoever opens a metastore imports this module.
    from nbflow.metastore.checks.decisions import decisions
    from nbflow.metastore.checks.files import files
    from nbflow.metastore.checks.history import history
    from nbflow.metastore.checks.reactions import ends_on_record, reactions
    from nbflow.metastore.checks.readable import readable
    from nbflow.metastore.checks.rows import rows
    from nbflow.metastore.checks.soundness import leaks, soundness
    from nbflow.metastore.checks.time import time

    yield from soundness(db, connection)
    if revision(connection) != REVISION:
        return
    damaged = list(readable(connection, looks.rules))
    yield from damaged
    if damaged:
        # The other questions are about what rows say.
        return
    yield from rows(connection, drained=looks.drained, sent=looks.sent)
    yield from ends_on_record(connection)
    yield from reactions(connection)
    yield from history(connection, looks.rules)
    yield from decisions(db, connection, looks.rules)
    yield from time(db, connection, looks)
    yield from leaks(connection, looks.secrets)
    if looks.store is not None:
        yield from files(connection, looks.store)
