"""Whatever order the edges allow, the tasks print what the page prints top to bottom."""

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from page_maker import page
from pipeline_simulator import run_page, run_pipeline
from statements import START, STATEMENTS

cells = st.lists(
    st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=3).map("\n".join),
    min_size=2,
    max_size=7,
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,  # the same examples everywhere; raise max_examples to search further
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(cells, st.integers(0, 99))
def test_each_cell_as_a_task_prints_what_the_page_prints(sources: list[str], seed: int) -> None:
    if any("random." in source for source in sources):
        sources = ["random.seed(5)", *sources]  # never seeded, two plain runs differ as well
    notebook = page(START, *sources)
    expected = run_page(notebook)
    assume(len(expected) == len(sources) + 1 and not any("Error" in text for text in expected))
    assert run_pipeline(notebook, seed) == expected
