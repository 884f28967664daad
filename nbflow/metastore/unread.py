"""What the metastore holds and can't be read any more: it stands aside, and takes nothing else along."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from nbflow.errors import MetastoreError, is_contained
from nbflow.model.sentence import Sentence

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)
_SHOWN = 60
_WAY_OUT = "Run `nbflow db check`, then put a backup in its place."


class Unreadable:
    """Stands where a row should hold JSON and holds something else: an error for whoever uses it, and
    for nobody who only reads other columns of the row, or other rows.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __getattr__(self, name: str) -> NoReturn:
        raise self.damage()

    def __getitem__(self, key: Any) -> NoReturn:
        raise self.damage()

    def __iter__(self) -> NoReturn:
        raise self.damage()

    def __len__(self) -> int:
        raise self.damage()

    def __str__(self) -> str:
        raise self.damage()

    def damage(self) -> MetastoreError:
        """Return what whoever needs it is told."""
        shown = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"
        return MetastoreError(
            Sentence("The metastore holds {text!r} where JSON should be.", text=shown),
            hint=_WAY_OUT,
            code="NBF621",
        )


def word(kind: type[Word], text: str) -> Word:
    """Return the word of a list that a row holds. Raises MetastoreError NBF621 if it is none of them."""
    try:
        return kind(text)
    except ValueError:
        raise MetastoreError(
            Sentence(
                "The metastore holds {text!r} where one of these should be: {words}.",
                text=text,
                words=", ".join(kind),
            ),
            hint=_WAY_OUT,
            code="NBF621",
        ) from None


def word_or_none(kind: type[Word], text: str | None) -> Word | None:
    """Return the word of a list that a row holds; None if it holds none of them."""
    return next((one for one in kind if one.value == text), None)


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
