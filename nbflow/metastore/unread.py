"""What the metastore holds and can't be read any more: it stands aside, and takes nothing else along."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from nbflow.errors import MetastoreError, is_contained
from nbflow.model.sentence import Sentence

T = TypeVar("T")
_SHOWN = 60


class Unreadable:
    """Stands where a row should hold JSON and holds something else: an error for whoever uses it, and
    for nobody who only reads other columns of the row, or other rows.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __getattr__(self, name: str) -> NoReturn:
        raise self._damage()

    def __getitem__(self, key: Any) -> NoReturn:
        raise self._damage()

    def __iter__(self) -> NoReturn:
        raise self._damage()

    def __len__(self) -> int:
        raise self._damage()

    def __str__(self) -> str:
        raise self._damage()

    def _damage(self) -> MetastoreError:
        shown = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"
        return MetastoreError(
            Sentence("The metastore holds {text!r} where JSON should be.", text=shown),
            hint="Run `nbflow db check`, then put a backup in its place.",
            code="NBF621",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadRow:
    """A row that could not be read: what it is about, under the name that people know, and why."""

    what: str
    name: str
    problem: Exception


class UnreadRows:
    """Rows that were left out of lists, until somebody tells of them."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], UnreadRow] = {}

    def each(
        self,
        what: str,
        rows: Iterable[Any],
        name: Callable[[Any], str],
        build: Callable[[Any], T],
    ) -> list[T]:
        """Return what is built of each row; those of which nothing can be built are put aside."""
        built = []
        for row in rows:
            try:
                built.append(build(row))
            except Exception as problem:
                if not is_contained(problem):
                    raise
                unread = UnreadRow(what=what, name=name(row), problem=problem)
                self._rows[what, unread.name] = unread
        return built

    def take(self, *what: str) -> list[UnreadRow]:
        """Return what was put aside of these kinds since the last call."""
        found = [key for key in tuple(self._rows) if key[0] in what]
        return [row for key in found if (row := self._rows.pop(key, None)) is not None]
