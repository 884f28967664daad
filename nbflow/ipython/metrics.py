"""``nbflow.metric``: a figure that a task records of itself, handed to the run that it works for."""

import math
import sys
from typing import SupportsFloat

from nbflow.errors import UsageError
from nbflow.execution.kernel_runtime import PACKAGE
from nbflow.model.names import metric_name_problem
from nbflow.model.sentence import Sentence


def metric(name: str, value: SupportsFloat) -> None:
    """Record a figure of the task that runs, such as ``nbflow.metric("accuracy", 0.91)``.

    It is stored with the task's attempt; said twice of one name, the last one counts. Outside a
    run nothing happens. Raises UsageError for what is no name or no finite number.
    """
    problem = metric_name_problem(name)
    if problem is not None:
        raise UsageError(
            Sentence("The metric's name {name!r} {problem}.", name=str(name)[:60], problem=problem),
            hint='Write for example nbflow.metric("accuracy", 0.91).',
            code="NBF405",
        )
    number = _number(name, value)
    runtime = sys.modules.get(PACKAGE)
    if runtime is not None:
        runtime.record_metric(name, number)


def _number(name: str, value: object) -> float:
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isfinite(number):
        return number
    raise UsageError(
        Sentence(
            "The metric {name!r} is {value!r}, which is no finite number.",
            name=name,
            value=str(value)[:60],
        ),
        hint="A metric is a finite number.",
        code="NBF405",
    )
