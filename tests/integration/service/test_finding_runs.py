"""Which run is meant: by its id, the beginning of it, or nearly so."""

import pytest

from nbflow.errors import NotFoundError
from nbflow.metastore import NewRun
from nbflow.model.ids import RunId
from nbflow.model.states import RunKind
from nbflow.service.looking import find_run

ONE, TWO, SHOUTED = (
    "manual__20260301T120000Z__abcdefgh",
    "manual__20260302T120000Z__ijklmnop",
    "Run_1",
)


@pytest.fixture
def recorded(service, page):
    """Record three runs of one DAG."""
    (deployment,) = service.deploy(page(("x = 1", "task:a"), name="etl"))
    dag = deployment.dag
    for name in (ONE, TWO, SHOUTED):
        new = NewRun(
            run_id=RunId(name), dag_id=dag.id, version=dag.digest, kind=RunKind.MANUAL,
            slot_key=f"manual:{name}", driven=False,
        )  # fmt: skip
        assert service.store.create_run(new)
    return service


def hint(service, text):
    with pytest.raises(NotFoundError) as caught:
        find_run(service, text)
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "meant"), [(ONE, ONE), ("manual__20260302", TWO), ("R", SHOUTED), ("last", SHOUTED)]
)
def test_a_run_is_meant_by_its_id_or_by_how_it_alone_begins(recorded, text, meant):
    assert find_run(recorded, text) == meant


def test_a_beginning_of_several_names_two_of_them(recorded):
    said = hint(recorded, "manual__")
    assert said.startswith("2 runs begin with 'manual__'.")
    assert ONE in said
    assert TWO in said


@pytest.mark.parametrize("text", ["", "%", "_", "r", "RUN_"])
def test_no_wildcard_and_no_other_case_means_a_run(recorded, text):
    assert "There is no run" in hint(recorded, text)


def test_an_unknown_id_names_the_runs_that_may_be_meant(recorded):
    assert f"Did you mean {TWO}?" in hint(recorded, "ijklmnop")
    assert f"Did you mean {ONE}?" in hint(recorded, ONE.replace("abc", "acb"))
    assert f"etl is a DAG; its newest run is {SHOUTED}." in hint(recorded, "etl")
    assert "nbflow runs list shows the runs." in hint(recorded, "zzzzzzzz")
