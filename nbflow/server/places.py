"""Notebooks as Jupyter names them become files below the server's root, and nothing else does."""

from pathlib import Path

from nbflow.errors import NotFoundError
from nbflow.model.sentence import Sentence

_DRIVE = "RTC:"


class NotebookPlaces:
    """The folder that the server shows."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def file(self, path: str) -> Path:
        """Return the file that a path names; it need not exist.

        Raises NotFoundError for what leads out of the root, by links too, and for hidden files.
        """
        parts = path.removeprefix(_DRIVE).removeprefix("/").split("/")
        if any(not part or part.startswith(".") or "\\" in part for part in parts):
            raise _absent(path)
        file = self._root.joinpath(*parts)
        try:
            is_inside = file.resolve().is_relative_to(self._root.resolve())
        except (OSError, ValueError, RuntimeError):
            raise _absent(path) from None
        if not is_inside:
            raise _absent(path)
        return file

    def notebook(self, path: str) -> Path:
        """Return the file, which exists. Raises NotFoundError."""
        file = self.file(path)
        try:
            file.stat()
        except OSError:  # not there, or of a name that no file can have
            raise _absent(path) from None
        return file

    def shown(self, path: str) -> str | None:
        """Return how Jupyter names a file, None for one that it doesn't show."""
        root = self._root.resolve()
        try:
            place = Path(path).resolve()
        except (OSError, ValueError, RuntimeError):
            return None
        return place.relative_to(root).as_posix() if place.is_relative_to(root) else None


def _absent(path: str) -> NotFoundError:
    return NotFoundError(
        Sentence("{shown!r}: there is no such notebook.", shown=path[:200]),
        hint="Name it as Jupyter's file browser does, with its folder.",
    )
