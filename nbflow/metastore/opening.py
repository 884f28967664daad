"""How a metastore is opened: connected to, made if it isn't there, refused if it is another one's."""

from nbflow.metastore import schema
from nbflow.metastore.dialect import damaged, no_metastore, parse_url
from nbflow.metastore.engine import Database
from nbflow.metastore.store import LEASE, Metastore
from nbflow.model.clock import Clock
from nbflow.model.sentence import Sentence


def open_metastore(
    url: str, *, clock: Clock, create: bool = True, lease: float = LEASE
) -> Metastore:
    """Connect to the metastore at an SQLAlchemy URL; make it if it isn't there and ``create``.

    Raises MetastoreError (unreachable, read-only, full, damaged) and SchemaError (older or newer
    than this code).
    """
    db = Database(parse_url(url), clock)
    try:
        _prepare(db, create=create)
    except BaseException:
        db.close()
        raise
    return Metastore(db, lease=lease)


def _prepare(db: Database, *, create: bool) -> None:
    if db.path is not None and not db.path.exists():
        if not create:
            raise no_metastore(db.path)
        schema.create_sqlite(db.path)
    elif db.path is not None and db.path.stat().st_size == 0:
        raise damaged(db.place, Sentence("the file is empty"))
    found = db.read(schema.revision)
    if found is None and create and db.path is None:
        _create_on_server(db)
        found = db.read(schema.revision)
    if found is None and db.path is not None:
        raise damaged(db.place, Sentence("it is no metastore"))
    schema.check_revision(found, db.place)


def _create_on_server(db: Database) -> None:
    patient = Database(db.url, db.clock, is_patient=True)
    try:
        patient.guard(lambda: schema.create_on_server(patient))
    finally:
        patient.close()
