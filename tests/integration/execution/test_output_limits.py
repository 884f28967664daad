"""What is kept of a flood of output, and what it costs."""

import json
import sys
import time
from pathlib import Path

import pytest
from waiting import until

from nbflow.execution import processes
from nbflow.model.attempt import Limits
from nbflow.model.states import Reason, TaskState

pytestmark = pytest.mark.kernel


def outputs(spec, cell=0):
    notebook = json.loads(Path(spec.workdir, "executed.ipynb").read_text(encoding="utf-8"))
    return notebook["cells"][cell]["outputs"]


@pytest.mark.fault(33)
@pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc")
def test_200_megabytes_of_output_are_cut_and_the_slot_stays_small(own_driver, spec_of):
    spec = spec_of("for _ in range(200):\n    print('x' * 2**20)", "print('still here')")
    result = own_driver.run(spec)
    slot = own_driver.executor._slots[0].pid
    assert result.state is TaskState.SUCCESS
    text, notice = outputs(spec)
    assert sum(map(len, text["text"])) == 10_000_000
    assert notice["text"][-1] == "… truncated 200 MB\n"
    assert outputs(spec, 1)[0]["text"] == ["still here\n"]
    assert processes.peak_memory(slot) < 300 * 2**20
    assert Path(spec.workdir, "attempt.log").stat().st_size <= 64 * 2**20


@pytest.mark.fault(34)
def test_output_without_end_ends_the_attempt_within_10_seconds(driver, spec_of):
    limits = Limits(timeout=60, output_total=30_000_000, log_bytes=1_000_000)
    spec = driver.start(spec_of("while True: print('x' * 1000)", limits=limits))
    driver.until_running(spec, "c1")
    begun = time.monotonic()
    result = driver.end_of(spec)
    assert (result.state, result.reason) == (TaskState.FAILED, Reason.OUTPUT_LIMIT)
    assert result.message == "output limit: it wrote more than 30 MB"
    assert result.cells[0].status.value == "failed"
    assert time.monotonic() - begun < 15
    logs = [f.stat().st_size for f in Path(spec.workdir).glob("attempt.log*")]
    assert sum(logs) <= 1_000_000


def test_the_limit_of_a_notebook_spans_its_cells(driver, spec_of):
    limits = Limits(timeout=60, output_per_cell=1000, output_per_notebook=1500)
    spec = spec_of(*["print('y' * 899)"] * 3, limits=limits)
    driver.run(spec)
    kept = [outputs(spec, cell)[0]["text"] if outputs(spec, cell) else [] for cell in range(3)]
    assert [sum(map(len, text)) for text in kept[:2]] == [900, 600]
    assert "truncated" in outputs(spec, 2)[-1]["text"][-1]


def test_a_picture_over_the_limit_is_left_out_whole(driver, spec_of):
    limits = Limits(timeout=60, output_per_cell=1000)
    code = (
        "from IPython.display import display\n"
        "display({'image/png': 'A' * 4000}, raw=True)\n"
        "display({'text/plain': 'small'}, raw=True)"
    )
    spec = spec_of(code, limits=limits)
    driver.run(spec)
    small, notice = outputs(spec)
    assert small["data"] == {"text/plain": ["small"]}
    assert "truncated" in notice["text"][-1]


def test_a_display_that_is_cleared_and_redrawn_does_not_use_up_the_limit(driver, spec_of):
    limits = Limits(timeout=60, output_per_cell=1000)
    code = (
        "from IPython.display import clear_output\n"
        "for n in range(20):\n    clear_output(wait=True)\n    print('z' * 300, n)"
    )
    spec = spec_of(code, limits=limits)
    driver.run(spec)
    assert [o["text"] for o in outputs(spec)] == [["z" * 300 + " 19\n"]]


def test_streams_of_one_name_are_one_output_and_others_keep_their_order(driver, spec_of):
    code = "import sys\nfor n in range(3):\n    print(n, flush=True)\ndisplay(1)\nprint('last')"
    spec = spec_of(code)
    driver.run(spec)
    assert [o["output_type"] for o in outputs(spec)] == ["stream", "display_data", "stream"]
    assert outputs(spec)[0]["text"] == ["0\n", "1\n", "2\n"]


def test_a_display_updated_by_a_later_cell_shows_the_new_state(driver, spec_of):
    spec = spec_of("h = display('old', display_id=True)", "h.update('new')")
    driver.run(spec)
    assert outputs(spec)[0]["data"]["text/plain"] == ["'new'"]


def test_a_long_silent_cell_does_not_keep_earlier_output_from_the_file(driver, spec_of):
    spec = driver.start(spec_of("print('early')", "import time; time.sleep(600)"))
    driver.until_running(spec, "c2")
    until(lambda: outputs(spec) and outputs(spec)[0]["text"] == ["early\n"])
    driver.executor.cancel(spec.token)
    driver.end_of(spec)
