"""Files of a local folder: private, written whole, and never outside of it."""

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from nbflow import faults
from nbflow.errors import StoreError
from nbflow.model.sentence import Sentence

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextlib.contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn what the system says about a file of the store into a StoreError with a way out."""
    try:
        yield
    except OSError as problem:
        raise _error(path, problem) from problem


def _error(path: Path, problem: OSError) -> StoreError:
    if problem.errno in _FULL:
        return StoreError(
            Sentence("no space left to write {path}", path=path),
            code="NBF641",
            hint="free space on that disk",
        )
    if problem.errno in _REFUSED:
        return StoreError(
            Sentence("{path} can't be used: {strerror}", path=path, strerror=problem.strerror),
            code="NBF642",
            hint="give this account the right to write there, or set NBFLOW_HOME to another folder",
        )
    if problem.errno == errno.ELOOP:
        return outside(path)
    if problem.errno == errno.ENOENT:
        return StoreError(
            Sentence("{path} is not in the store", path=path),
            code="NBF643",
            hint="run the task again to make it anew",
        )
    return StoreError(
        Sentence(
            "{path} can't be used: {strerror}", path=path, strerror=problem.strerror or problem
        )
    )


def outside(path: Path) -> StoreError:
    """Return the error for a path that leads out of the store."""
    return StoreError(Sentence("{path} leads outside of the store", path=path), code="NBF644")


class LocalFiles:
    """The files below ``root``. Paths are relative, with ``/``. Folders are 0700, files 0600."""

    is_local = True

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def path(self, relative: str) -> Path:
        """Return the real path. Raises StoreError for one that leads outside, by ``..`` or a link."""
        parts = PurePosixPath(relative).parts
        if not parts or relative.startswith("/") or ".." in parts or "\0" in relative:
            raise outside(Path(relative.replace("\0", "�")))
        path = self.root.joinpath(*parts)
        with store_errors(path):
            if not path.resolve().is_relative_to(self.root.resolve()):
                raise outside(path)
        return path

    def folder(self, relative: str) -> Path:
        """Return a folder's path; the folder and those above it are made, private to this account."""
        path = self.path(relative)
        with store_errors(path):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for ancestor in [*reversed(path.relative_to(self.root).parents[:-1]), None]:
                made = path if ancestor is None else self.root / ancestor
                if not made.is_dir():
                    made.mkdir(exist_ok=True)
                    made.chmod(0o700)
        return path

    @contextlib.contextmanager
    def open(self, relative: str) -> Iterator[BinaryIO]:
        """Open a plain file for reading; a link in its place is refused, even one put there late."""
        path = self.path(relative)
        with store_errors(path):
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise outside(path)
                yield file

    def write(self, relative: str, content: bytes) -> Path:
        """Write a file whole or not at all: draft beside it, on disk, then renamed."""
        path = (
            self.folder(relative.rpartition("/")[0]) / PurePosixPath(relative).name
            if "/" in relative
            else self.folder_of_root() / relative
        )
        self.path(relative)
        with store_errors(path):
            handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                faults.point("artifact.rename")
                Path(draft).replace(path)
            except BaseException:
                Path(draft).unlink(missing_ok=True)
                raise
            sync_folder(path.parent)
        return path

    def folder_of_root(self) -> Path:
        """Return the root, made if it isn't there."""
        with store_errors(self.root):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.root

    def exists(self, relative: str) -> bool:
        """Tell whether a file is there."""
        return self.path(relative).is_file()


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
