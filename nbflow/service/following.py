"""Follow the logs of a run while its attempts write them."""

import codecs
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nbflow.model.ids import RunId, TaskName
from nbflow.service.looking import attempt_files

if TYPE_CHECKING:
    from nbflow.metastore.rows import RunRow
    from nbflow.service.service import Service

_PIECE = 1 << 20
_LONGEST_LINE = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPiece:
    """Whole lines that an attempt wrote since the last look."""

    task: TaskName
    try_no: int
    text: str


class LogFollower:
    """The logs of some tasks of a run, from their beginning on. A line is told when it is whole."""

    def __init__(self, service: "Service", run_id: RunId, tasks: Iterable[TaskName]) -> None:
        self._service = service
        self._run_id = run_id
        self._tasks = set(tasks)
        self._files: dict[int, _File] = {}

    def look(self) -> "tuple[RunRow, list[LogPiece]]":
        """Return the run as it stands, and what was written since the last look; of a run that has
        ended, that is all there will be.
        """
        run, _ = self._service.store.show_run(self._run_id)
        pieces = []
        for attempt, logs in attempt_files(self._service, self._run_id):
            if attempt.task not in self._tasks:
                continue
            for path in logs:
                text = self._new_text(path, at_end=attempt.outcome is not None)
                if text:
                    piece = LogPiece(task=attempt.task, try_no=attempt.try_no, text=text)
                    pieces.append(piece)
        return run, pieces

    def _new_text(self, path: Path, *, at_end: bool) -> str:
        try:
            with path.open("rb") as file:
                # A log that got too long goes by another name, but is the same file.
                known = self._files.setdefault(os.fstat(file.fileno()).st_ino, _File())
                return known.read(file, at_end=at_end)
        except FileNotFoundError:
            return ""


@dataclass(kw_only=True, slots=True)
class _File:
    """How far a file was read, and the line at its end that isn't whole."""

    offset: int = 0
    rest: str = ""
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )

    def read(self, file: BinaryIO, *, at_end: bool) -> str:
        """Return the whole lines that are new; ``at_end`` also what has no line break."""
        file.seek(self.offset)
        parts = [self.rest]
        while raw := file.read(_PIECE):
            self.offset += len(raw)
            parts.append(self.decoder.decode(raw))
        text = "".join(parts)
        if at_end or len(text) > _LONGEST_LINE:
            self.rest = ""
            return text
        whole, _, self.rest = text.rpartition("\n")
        return whole + "\n" if whole else ""
