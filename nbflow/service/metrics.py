"""Figures that tasks recorded: of one run, and of two side by side."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.ids import TaskName
from nbflow.service.looking import find_run

if TYPE_CHECKING:
    from nbflow.service.service import Service


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricPair:
    """A metric in two runs; None where a run has none of that name."""

    task: TaskName
    name: str
    first: float | None
    second: float | None

    @property
    def change(self) -> float | None:
        """The second value less the first."""
        if self.first is None or self.second is None:
            return None
        return self.second - self.first


def metrics_by_task(service: "Service", run: str) -> dict[str, dict[str, float]]:
    """Return a run's metrics by task and name. Raises NotFoundError."""
    found: dict[str, dict[str, float]] = {}
    for row in service.store.values.metrics(find_run(service, run)):
        found.setdefault(row.task, {})[row.name] = row.value
    return found


def compared(service: "Service", first: str, second: str) -> list[MetricPair]:
    """Return the metrics of two runs side by side. Raises NotFoundError."""
    left, right = (
        {
            (row.task, row.name): row.value
            for row in service.store.values.metrics(find_run(service, run))
        }
        for run in (first, second)
    )
    return [
        MetricPair(
            task=task, name=name, first=left.get((task, name)), second=right.get((task, name))
        )
        for task, name in {**left, **right}
    ]
