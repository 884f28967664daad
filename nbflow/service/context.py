"""The names that every run has: they fill parameters of these names, and templates in values."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from nbflow.compiler.parameter_values import BadValueError, read_value
from nbflow.errors import ParameterError
from nbflow.model.dag import Parameter
from nbflow.model.ids import RunId
from nbflow.model.sentence import Sentence
from nbflow.scheduling.schedule import stored_zone

_TEMPLATE = re.compile(r"(\\?)\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunContext:
    """What a run is for: its logical date and data interval, aware instants, and its id.

    ``timezone`` is the schedule's; ``ds`` is the logical date's day there.
    """

    run_id: RunId
    logical_date: datetime
    data_interval_start: datetime
    data_interval_end: datetime
    timezone: str = "UTC"

    @property
    def day(self) -> date:
        """The logical date's day in the schedule's zone. Raises MetastoreError if that is damaged."""
        return self.logical_date.astimezone(stored_zone(self.timezone)).date()

    def texts(self) -> dict[str, str]:
        """Return every name with its value as text."""
        return {
            "data_interval_end": _utc(self.data_interval_end).isoformat(),
            "data_interval_start": _utc(self.data_interval_start).isoformat(),
            "ds": self.day.isoformat(),
            "logical_date": _utc(self.logical_date).isoformat(),
            "run_id": str(self.run_id),
        }

    def fill(self, given: Mapping[str, object]) -> dict[str, object]:
        """Return values with ``{{ name }}`` in their texts filled in, also inside lists and dicts.

        A backslash before the braces leaves them as they are. Raises ParameterError NBF403 for other names.
        """
        return {name: self._filled(name, value) for name, value in given.items()}

    def values_for(self, parameters: Iterable[Parameter]) -> dict[str, object]:
        """Return values for the parameters that have a run's name, in their types: text for a text,
        else an aware instant. A parameter of a type that none of these fits keeps its default.
        """
        found: dict[str, object] = {}
        for parameter in parameters:
            for candidate in self._candidates(parameter.name):
                try:
                    found[parameter.name] = read_value(parameter, candidate)
                except BadValueError:
                    continue
                break
        return found

    def _candidates(self, name: str) -> tuple[object, ...]:
        text = self.texts().get(name)
        if text is None:
            return ()
        if name in ("ds", "run_id"):
            return (text,)
        instant: datetime = getattr(self, name)
        local = instant.astimezone(stored_zone(self.timezone)).date()
        return (_utc(instant), text, local)

    def _filled(self, parameter: str, value: object) -> object:
        if isinstance(value, list | tuple):
            return type(value)(self._filled(parameter, item) for item in value)
        if isinstance(value, dict):
            return {key: self._filled(parameter, item) for key, item in value.items()}
        if not isinstance(value, str) or "{{" not in value:
            return value
        texts = self.texts()

        def one(match: re.Match[str]) -> str:
            if match[1]:
                return match[0][1:]
            name = match[2].strip()
            if name not in texts:
                raise ParameterError(
                    Sentence(
                        "The value of {parameter} holds {template}, which no run has.",
                        parameter=parameter,
                        template=match[0],
                    ),
                    hint=Sentence(
                        "Between double braces these can stand: {names}.", names=", ".join(texts)
                    ),
                    code="NBF403",
                )
            return texts[name]

        # Behind the last braces there is no template to look for.
        known, braces, rest = value.rpartition("}}")
        return _TEMPLATE.sub(one, known + braces) + rest


def sample_context(now: datetime) -> RunContext:
    """Return a context to check values with before there is a run."""
    return RunContext(
        run_id=RunId("manual__20260101T000000Z__aaaaaaaa"),
        logical_date=now,
        data_interval_start=now,
        data_interval_end=now,
    )


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
