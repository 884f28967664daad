"""Why something stopped, as it comes back from the metastore: to be told in any language."""

from pathlib import PurePosixPath

import pytest
from small_dags import manual_run, run_id, small_dag
from sqlalchemy import select

from nbflow.metastore import Metastore
from nbflow.metastore import tables as t
from nbflow.model.attempt import died_running
from nbflow.model.ids import TaskName
from nbflow.model.options import TaskOptions
from nbflow.model.run import Decisions, TaskMove
from nbflow.model.sentence import CellName, Sentence
from nbflow.model.states import Reason, TaskState
from nbflow.scheduling.decide import Ended, settle
from nbflow.texts import told

ALONE = small_dag({"a": []})


@pytest.fixture
def recorded(store: Metastore) -> Metastore:
    """Record a run with one task that waits."""
    store.deploy(ALONE, {"etl.ipynb": b"{}"})
    store.create_run(manual_run(ALONE))
    return store


def kept(store: Metastore, note: str) -> str:
    """Return a note as the metastore gives it back."""
    move = TaskMove(
        task=TaskName("a"), source=TaskState.NONE, target=TaskState.CANCELLED, note=note
    )
    store.apply(run_id(), Decisions(tasks=(move,)))
    (task,) = store.show_run(run_id())[1]
    return task.note


def test_a_reason_is_told_in_the_language_of_who_reads_it(recorded: Metastore) -> None:
    note = kept(recorded, died_running(3))
    assert note == "worker died 3 times running this task"
    assert told(note, "ko") == "이 작업을 실행하던 프로세스가 3번 죽었습니다"


@pytest.mark.parametrize(
    "sentence",
    [
        Sentence("{why}; try {number} in {delay} s", why=died_running(2), number=2, delay="1.5"),
        Sentence("output {name!r} can't be stored: {why}", name="x\n'", why='\x1e{"a"} \ud800'),
        Sentence("'{name}' is read in cell {cell}", name=None, cell=CellName("a1b2")),
        Sentence("{a} {b} {c}", a=(Sentence("cancelled"), "x"), b=1.5, c=PurePosixPath("/x")),
        Sentence('write {"retries": 2}'),
    ],
    ids=["inner", "odd", "cell", "tuple", "braces"],
)
def test_a_stored_sentence_keeps_its_values_its_inner_sentences_and_its_cells(
    recorded: Metastore, sentence: Sentence
) -> None:
    note = kept(recorded, sentence)
    plain = sentence.replace("\ud800", "?")
    assert note == plain
    assert told(note, "ko", seen=lambda _: "[4]") == told(
        sentence, "ko", seen=lambda _: "[4]"
    ).replace("\ud800", "?")


@pytest.mark.parametrize("text", ['\x1e{"template":"{x}","values":{}}', "\x1e", "ValueError: {x}"])
def test_what_a_notebook_raised_is_never_taken_for_a_sentence_of_ours(
    recorded: Metastore, text: str
) -> None:
    assert kept(recorded, text) == text.replace("\x1e", "\ufffd")


def test_reasons_of_older_versions_are_told_as_they_were_stored(recorded: Metastore) -> None:
    with recorded.db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE task_instance SET note = 'worker died 3 times'")
        found = connection.execute(select(t.task_instance.c.note)).scalar_one()
    assert told(found, "ko") == "worker died 3 times"


def test_a_retry_says_why_it_is_one_in_the_readers_language(recorded: Metastore) -> None:
    snapshot = recorded.run_snapshot(run_id())
    ended = Ended(
        state=TaskState.FAILED,
        reason=Reason.TIMED_OUT,
        message=Sentence("timed out after {seconds} s", seconds="5"),
    )
    task = small_dag({"a": []}, a=TaskOptions(retries=1)).task(TaskName("a"))
    before, now = snapshot.tasks[TaskName("a")], recorded.db.clock.wall()
    move = settle(run_id(), task, before, ended, now)
    assert told(kept(recorded, move.note), "ko").startswith("5초가 지나 시간 초과되었습니다; ")


def test_runs_are_found_by_how_their_ids_begin_in_this_case_alone(recorded: Metastore) -> None:
    wanted = str(run_id())
    assert recorded.runs_that_begin(wanted) == ([run_id()], 1)
    assert recorded.runs_that_begin(wanted[:3]) == ([run_id()], 1)
    assert recorded.runs_that_begin(wanted[:3].swapcase()) == ([], 0)
    assert recorded.runs_that_begin("%") == ([], 0)
