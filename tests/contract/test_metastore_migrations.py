import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from forked_calls import ForkedCalls
from small_dags import ended, manual_run, run_id, small_dag, stored, succeeded
from sqlalchemy import Inspector, create_engine, inspect, select, text

from nbflow.errors import MetastoreBusyError, MetastoreError, SchemaError
from nbflow.metastore import Looks, check, downgrade, migrate, open_metastore, schema_state
from nbflow.metastore.dialect import parse_url
from nbflow.metastore.pauses import read_pauses
from nbflow.metastore.schema import REVISION, REVISIONS
from nbflow.metastore.tables import EPOCH, dag, metadata, outbox
from nbflow.model.clock import SystemClock
from nbflow.model.schedule import Pause
from nbflow.scheduling.decide import decide

DAG = small_dag({"a": [], "b": ["a"]})


def fill(url: str) -> None:
    with open_metastore(url, clock=SystemClock()) as store:
        store.deploy(DAG, {"etl.ipynb": b"{}"})
        store.create_run(manual_run(DAG, driven=True))
        decision = partial(decide, DAG, now=store.db.clock.wall())
        store.apply(run_id(), decision(store.run_snapshot(run_id())))
        for task in DAG.tasks:
            (claim,) = store.claim(run_id(), limit=1)
            store.finish(claim, succeeded(stored("x", task.name)), ended(task.name), decision)
        # Told already: what is not, a migration takes for told.
        store.db.write("test", lambda c: c.execute(outbox.update().values(told())))


def told() -> dict[str, object]:
    return {"sent_at": outbox.c.created, "tries": 1}


def rows(
    url: str, known: dict[str, list[str]] | None = None
) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows, with the columns of ``known`` only if given."""
    wanted = known or columns(url)
    engine = create_engine(parse_url(url))
    with engine.connect() as connection:
        found = {
            table.name: sorted(
                map(tuple, connection.execute(select(*(table.c[n] for n in wanted[table.name])))),
                key=repr,
            )
            for table in metadata.sorted_tables
            if table.name in wanted
        }
    engine.dispose()
    return found


def columns(url: str) -> dict[str, list[str]]:
    """Return the columns that a metastore has, of those that this code knows."""
    engine = create_engine(parse_url(url))
    there = inspect(engine)
    found = {
        table.name: [c.name for c in table.c if c.name in _names(there, table.name)]
        for table in metadata.sorted_tables
        if there.has_table(table.name)
    }
    engine.dispose()
    return found


def _names(there: Inspector, table: str) -> set[str]:
    return {column["name"] for column in there.get_columns(table)}


def stamp(url: str, revision: str) -> None:
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": revision})
    engine.dispose()


def empty(url: str) -> None:
    """Leave a database without tables, as migrations begin with."""
    open_metastore(url, clock=SystemClock()).close()
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DELETE FROM alembic_version"))
    engine.dispose()


def test_the_migrations_are_the_ones_that_the_code_names() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    import nbflow.metastore

    config = Config()
    folder = Path(nbflow.metastore.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == REVISIONS


def test_the_migrations_add_up_to_the_schema(new_url: Callable[[], str]) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    url = new_url()
    empty(url)
    migrate(url)
    engine = create_engine(parse_url(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                # MariaDB's stand-in for a partial index, which metadata can't say.
                "include_object": lambda _, name, *__: name not in ("live", "uq_attempt_live"),
            },
        )
        differences = compare_metadata(context, metadata)
        live = "SELECT count(*) FROM attempt WHERE outcome IS NULL"
        assert connection.execute(text(live)).scalar() == 0
    engine.dispose()
    assert differences == []
    fill(url)
    assert check(url) == []


@pytest.mark.fault(42)
def test_down_and_up_again_keeps_every_row(new_url: Callable[[], str]) -> None:
    url = new_url()
    fill(url)
    before, full = rows(url), columns(url)
    downgrade(url, "0001")
    assert schema_state(url).found == "0001"
    old = columns(url)
    assert old != full
    kept = rows(url)
    assert migrate(url) == REVISION
    assert columns(url) == full
    assert rows(url, old) == kept
    assert rows(url) == before
    assert check(url) == []


def test_an_older_schema_is_refused_until_it_is_migrated(new_url: Callable[[], str]) -> None:
    url = new_url()
    fill(url)
    downgrade(url, "0001")
    with pytest.raises(SchemaError, match=f"older: 1 < {int(REVISION)}") as caught:
        open_metastore(url, clock=SystemClock())
    assert "nbflow db migrate" in caught.value.hint


@pytest.mark.fault(43)
def test_a_newer_schema_is_refused_by_every_verb(new_url: Callable[[], str]) -> None:
    url = new_url()
    fill(url)
    stamp(url, "0099")
    before = rows(url)
    with pytest.raises(SchemaError, match=rf"newer: 99 > {int(REVISION)}\."):
        open_metastore(url, clock=SystemClock())
    with pytest.raises(SchemaError, match=rf"newer: 99 > {int(REVISION)}\."):
        migrate(url)
    with pytest.raises(SchemaError, match=rf"newer: 99 > {int(REVISION)}\."):
        downgrade(url, "0001")
    assert rows(url) == before


@pytest.mark.fault(42)
def test_of_two_that_start_a_migration_one_does_it(new_url: Callable[[], str]) -> None:
    url = new_url()
    fill(url)
    downgrade(url, "0001")
    before, known, errors = rows(url), columns(url), []

    def work() -> None:
        try:
            migrate(url)
        except MetastoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (schema_state(url).found, rows(url, known)) == (REVISION, before)


def test_starters_that_find_nothing_make_one_metastore(new_url: Callable[[], str]) -> None:
    url, errors = new_url(), []

    def work() -> None:
        try:
            open_metastore(url, clock=SystemClock()).close()
        except MetastoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert check(url) == []


POINTS = ("migrate.step:1", "migrate.step:2", "migrate.step:4", "migrate.pre_commit:1")


@pytest.mark.fault(42)
@pytest.mark.parametrize("point", POINTS)
def test_a_migration_killed_at_any_step_is_taken_up_again(
    forked_calls: ForkedCalls, new_url: Callable[[], str], point: str
) -> None:
    url = new_url()
    fill(url)
    downgrade(url, "0001")
    before, known = rows(url), columns(url)
    script = "import sys; from nbflow.metastore import migrate; migrate(sys.argv[1])"
    killed = forked_calls.run(script, url, fault=f"{point}:kill")
    assert killed.returncode == -9, killed.stderr
    assert schema_state(url).found in REVISIONS[:-1]
    with pytest.raises(SchemaError):
        open_metastore(url, clock=SystemClock())
    migrate(url)
    assert rows(url, known) == before
    assert check(url) == []


def test_a_migration_is_refused_while_another_process_has_the_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'nbflow.db'}"
    fill(url)
    downgrade(url, "0001")
    holder = sqlite3.connect(tmp_path / "nbflow.db", isolation_level=None)
    holder.execute("PRAGMA journal_mode=WAL")
    holder.execute("SELECT * FROM run").fetchall()
    monkeypatch.setattr(sys.modules["nbflow.metastore.migrating"], "_PATIENCE", 0.1)
    with closing(holder), pytest.raises(MetastoreBusyError, match="in use"):
        migrate(url)
    assert schema_state(url).found == "0001"


def test_a_dag_that_is_paused_already_counts_as_paused_since_ever(
    new_url: Callable[[], str],
) -> None:
    url = new_url()
    fill(url)
    with open_metastore(url, clock=SystemClock()) as store:
        store.pause(DAG.id, paused=True)
    downgrade(url, "0012")
    migrate(url)
    assert check(url) == []
    with open_metastore(url, clock=SystemClock()) as store:
        paused = store.db.read(lambda c: read_pauses(c.execute(select(dag.c.pauses)).scalar()))
    assert paused == (Pause(since=EPOCH),)


def test_of_ends_before_notifications_nobody_is_told_any_more(new_url: Callable[[], str]) -> None:
    url = new_url()
    fill(url)
    downgrade(url, "0009")
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(outbox.update().values(sent_at=None, tries=0))
    engine.dispose()
    migrate(url)
    assert check(url, Looks(sent=True)) == []
