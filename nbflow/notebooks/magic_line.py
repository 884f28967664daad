"""A cell's ``%%task``, ``%%setup`` or ``%%skip`` line, to be changed word by word."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Self

from nbflow.notebooks.tags import FLAGS, MAGIC

_WORDS = re.compile(r"""(?:"[^"]*"|'[^']*'|\S)+""")


@dataclass(slots=True)
class MagicLine:
    """``word`` is ``task``, ``setup``, ``skip`` or nothing; the rest of the cell stays as it is."""

    word: str
    name: str
    options: list[list[str]] = field(default_factory=list)
    _before: list[str] = field(default_factory=list)
    _after: list[str] = field(default_factory=list)
    _written: str = ""
    _is_changed: bool = False

    @classmethod
    def read(cls, source: str) -> Self:
        """Read a cell's first line that isn't blank."""
        lines = source.split("\n")
        first = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
        match = MAGIC.fullmatch(lines[first].rstrip("\r")) if first < len(lines) else None
        if match is None:
            return cls(word="", name="", _after=lines)
        name, options = _parse(match[2] or "")
        return cls(
            word=match[1].lower(),
            name=name,
            options=options,
            _before=lines[:first],
            _after=lines[first + 1 :],
            _written=lines[first],
        )

    @property
    def source(self) -> str:
        """The cell's source with the line as it is now."""
        line = [self._line()] if self.word else []
        return "\n".join([*self._before, *line, *self._after])

    def become(self, word: str, name: str = "") -> None:
        """Say something else of the cell; a task keeps its options, others have none."""
        if word != "task":
            self.options = []
        self.word, self.name, self._is_changed = word, name, True

    def take_off(self) -> None:
        """Say nothing of the cell."""
        self.word, self.name, self.options = "", "", []

    def rename(self, follow: Callable[[str], str]) -> None:
        """Give the task, and those it is ordered after, the names that ``follow`` says."""
        self._name_to(follow(self.name) if self.name else "")
        names = self._ordered_after()
        if [follow(one) for one in names] != names:
            self.order_after(follow(one) for one in names)

    def order_after(self, names: Iterable[str]) -> None:
        """Order the task after these and no others."""
        wanted = list(names)
        if wanted == self._ordered_after():
            return
        self.options = [one for one in self.options if one[0] != "--after"]
        if wanted:
            self.options.insert(0, ["--after", ",".join(wanted)])
        self._is_changed = True

    def _name_to(self, name: str) -> None:
        if name != self.name:
            self.name, self._is_changed = name, True

    def _ordered_after(self) -> list[str]:
        return [
            name.strip()
            for key, *value in self.options
            if key == "--after"
            for name in "".join(value).strip("\"'").split(",")
            if name.strip()
        ]

    def _line(self) -> str:
        if not self._is_changed:
            return self._written
        words = [f"%%{self.word}", self.name, *(word for one in self.options for word in one)]
        return " ".join(word for word in words if word)


def _parse(text: str) -> tuple[str, list[list[str]]]:
    """Split what follows the magic into the name and the options, each as it is written."""
    name, options = "", []
    words = _WORDS.findall(text)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            name = name or word.strip("\"'")
            continue
        key, equals, value = word.partition("=")
        if equals:
            options.append([key, value] if key == "--after" else [word])
        elif key[2:].replace("-", "_") in FLAGS or not words or words[0].startswith("--"):
            options.append([word])
        else:
            options.append([word, words.pop(0)])
    return name, options
