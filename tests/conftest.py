"""What was left out is named at the end; with NBFLOW_REQUIRE_ALL=1 nothing may be left out."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_calls import ForkedCalls
from hypothesis import settings

# The same examples everywhere: what fails here fails for everybody. To search further, run with
# --hypothesis-profile=search.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, max_examples=2_000)
settings.load_profile("same")


@pytest.fixture(scope="session")
def forked_calls() -> Iterator[ForkedCalls]:
    calls = ForkedCalls()
    yield calls
    calls.close()


_REQUIRE_ALL = os.environ.get("NBFLOW_REQUIRE_ALL") == "1"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders first whose tests may take long: at the end no worker waits for such a one. Those of
    one folder stay side by side, since they share a browser.
    """
    longest: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        allowed = mark.args[0] if mark else 0
        longest[item.path.parent] = max(longest.get(item.path.parent, 0), allowed)
    items.sort(key=lambda item: -longest[item.path.parent])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """Say what this machine lacks, each reason once."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section("left out on this machine")
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count:5d}  {reason}")


def _refuse_skip(report: "pytest.TestReport | pytest.CollectReport") -> None:
    if _REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"left out, though NBFLOW_REQUIRE_ALL=1: {_reason(report)}"


def _reason(report: "pytest.TestReport | pytest.CollectReport") -> str:
    text = report.longrepr
    return str(text[2] if isinstance(text, tuple) else text).removeprefix("Skipped: ")
