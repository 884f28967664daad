"""How much output a cell and a notebook may keep; counted as messages arrive, never collected."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MEGABYTE = 1_000_000


@dataclass(slots=True)
class OutputBudget:
    """Counts the bytes that one notebook's outputs take and says how many more are welcome.

    ``per_cell`` and ``per_notebook`` bound what is kept, ``total`` what may arrive at all (dropped
    output included). Sizes are bytes of UTF-8.
    """

    per_cell: int
    per_notebook: int
    total: int
    arrived: int = 0
    kept: int = 0
    kept_in_cell: int = 0
    dropped_in_cell: int = 0

    @property
    def is_exceeded(self) -> bool:
        """Tell whether more arrived than a whole attempt may write."""
        return self.arrived > self.total

    @property
    def room(self) -> int:
        """Bytes that the current cell may still keep."""
        return max(0, min(self.per_cell - self.kept_in_cell, self.per_notebook - self.kept))

    def start_cell(self) -> None:
        """Begin to count for the next cell."""
        self.kept_in_cell = 0
        self.dropped_in_cell = 0

    def clear_cell(self) -> None:
        """Give back what the current cell kept: its outputs were cleared."""
        self.kept -= self.kept_in_cell
        self.start_cell()

    def admit_text(self, text: str) -> str:
        """Return the part of a stream's text that is kept."""
        size = text_size(text)
        self.arrived += size
        room = self.room
        if size <= room:
            self._keep(size)
            return text
        part = text[:room] if text.isascii() else _cut(text, room)
        kept = text_size(part)
        self._keep(kept)
        self.dropped_in_cell += size - kept
        return part

    def admit_data(self, size: int) -> bool:
        """Tell whether an output of ``size`` bytes is kept; it is kept whole or not at all."""
        self.arrived += size
        if size > self.room:
            self.dropped_in_cell += size
            return False
        self._keep(size)
        return True

    def notice(self) -> str | None:
        """Return the sentence that stands for the current cell's dropped output, None if all is there."""
        if not self.dropped_in_cell:
            return None
        megabytes = self.dropped_in_cell / MEGABYTE
        amount = f"{megabytes:.0f}" if megabytes >= 10 else f"{max(megabytes, 0.1):.1f}"
        return f"\n… truncated {amount} MB\n"

    def _keep(self, size: int) -> None:
        self.kept += size
        self.kept_in_cell += size


def text_size(text: str) -> int:
    """Return the length of ``text`` in UTF-8 bytes."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def bundle_size(data: Mapping[str, Any]) -> int:
    """Return about how many bytes a MIME bundle takes in a notebook."""
    return sum(
        text_size(value) if isinstance(value, str) else len(json.dumps(value, default=str))
        for value in data.values()
    )


def _cut(text: str, size: int) -> str:
    return text.encode("utf-8", "surrogatepass")[:size].decode("utf-8", "ignore")
