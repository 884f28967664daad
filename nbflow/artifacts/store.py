"""The store of one installation: what tasks leave behind, by digest and by attempt.

    values/ab/cdef…                  bundles, content-addressed (see `nbflow.artifacts.bundle`)
    runs/<run>/<task>/<token>/       an attempt's folder: executed notebook, log, its spec
    value.key                        the key that signs bundles

A row of the metastore that names a digest or a token is the commit; what no row names is garbage.
"""

import math
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from nbflow.artifacts import bundle
from nbflow.artifacts.key import value_key
from nbflow.artifacts.local import LocalFiles, store_errors, sync_folder
from nbflow.artifacts.names import attempt_folder, id_part, value_name
from nbflow.errors import StoreError
from nbflow.model.going_on import GoesOn, always
from nbflow.model.ids import Digest, RunId, TaskName, Token
from nbflow.model.sentence import Sentence

_DRAFT = "."
_LOG_PART = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """How much the store holds: counts, and bytes on disk."""

    values: int
    value_bytes: int
    attempts: int
    attempt_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """The bytes of each bundle, and of each attempt's folder by `attempt_folder`."""

    values: Mapping[Digest, int]
    attempts: Mapping[str, int]

    @property
    def bytes(self) -> int:
        """All that the store holds."""
        return sum(self.values.values()) + sum(self.attempts.values())

    def without(self, gone: "Sizes") -> "Sizes":
        """Return what is left when some of it is gone."""
        return Sizes(
            values={one: size for one, size in self.values.items() if one not in gone.values},
            attempts={one: size for one, size in self.attempts.items() if one not in gone.attempts},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPart:
    """A piece of a log: its text, where the next piece starts (bytes), and the log's size."""

    text: str
    next_offset: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """What a garbage collection deleted."""

    values: int
    attempts: int
    bytes: int


class ArtifactStore:
    """The store in a folder. ``values`` may be named otherwise, for folders of other tools."""

    def __init__(self, root: str | Path, *, values: str = "values") -> None:
        self._files = LocalFiles(Path(root))
        self._values = values

    @property
    def root(self) -> Path:
        """The folder of the store."""
        return self._files.root

    def values_folder(self) -> Path:
        """Return the folder of values, made if need be: ``AttemptSpec.values``."""
        return self._files.folder(self._values)

    def value_path(self, digest: Digest) -> Path:
        """Return where the bundle of a digest lies. Raises StoreError for what is no digest."""
        return self._files.path(f"{self._values}/{value_name(digest)}")

    def has_value(self, digest: Digest) -> bool:
        """Tell whether the bundle is there; whether it is whole says `verify`."""
        return self.value_path(digest).is_file()

    def attempt_dir(self, run: RunId, task: TaskName, token: Token) -> Path:
        """Return an attempt's folder, made if need be: ``AttemptSpec.workdir``."""
        return self._files.folder(attempt_folder(run, task, token))

    def open_notebook(self, relative: str) -> bytes:
        """Return the text of a file that a row names, relative to the root. Raises StoreError."""
        with self._files.open(relative) as file:
            return file.read()

    def read_log(self, relative: str, offset: int = 0, limit: int = _LOG_PART) -> LogPart:
        """Return at most ``limit`` bytes of a log from ``offset`` on; a negative offset counts from
        the end. A character that the piece would cut comes with the next piece.
        """
        with self._files.open(relative) as file:
            size = file.seek(0, 2)
            start = max(0, size + offset) if offset < 0 else min(offset, size)
            file.seek(start)
            raw = file.read(limit)
        if start + len(raw) < size:
            raw = whole_characters(raw)
        return LogPart(text=raw.decode("utf-8", "replace"), next_offset=start + len(raw), size=size)

    def write_bytes(self, relative: str, content: bytes) -> Path:
        """Write a file whole or not at all; return its path. Raises StoreError."""
        return self._files.write(relative, content)

    def value_key(self) -> str:
        """Return the key that signs values, generated on first use. Raises StoreError."""
        return value_key(self._files.folder_of_root() / "value.key")

    def describe_bundle(self, digest: Digest) -> bundle.BundleHeader:
        """Read what a bundle says about itself, not its content. Raises StoreError."""
        with self._files.open(f"{self._values}/{value_name(digest)}") as file:
            return bundle.read_header(file, digest)

    def verify(self, digest: Digest, *, signed: bool = False) -> bundle.BundleHeader:
        """Prove a bundle byte by byte, and with ``signed`` its tag. Raises StoreError."""
        with self._files.open(f"{self._values}/{value_name(digest)}") as file:
            return bundle.verify(file, digest, self.value_key() if signed else "")

    def sizes(self) -> Sizes:
        """Measure what the store holds, file by file."""
        return Sizes(
            values={digest: _size_of(path) for digest, path in self._bundles()},
            attempts={name: _size(folder) for name, folder in self._attempts()},
        )

    def usage(self) -> Usage:
        """Count what the store holds."""
        sizes = self.sizes()
        return Usage(
            values=len(sizes.values),
            value_bytes=sum(sizes.values.values()),
            attempts=len(sizes.attempts),
            attempt_bytes=sum(sizes.attempts.values()),
        )

    def collect_garbage(
        self,
        keep_digests: Collection[Digest],
        keep_dirs: Collection[str],
        before: float,
        goes_on: GoesOn = always,
    ) -> Collected:
        """Delete bundles and attempt folders (`attempt_folder`) that are not to be kept and were last
        touched ``before`` (seconds since the epoch), and drafts that a killed process left. Others
        may write and delete meanwhile. ``goes_on`` is asked before each.
        """
        values, attempts, drafts = self._garbage(set(keep_digests), set(keep_dirs), before, goes_on)
        freed_values = [_delete_file(path) for _, path in values]
        freed_attempts = [_delete_folder(folder) for _, folder in attempts]
        freed = sum(freed_values) + sum(freed_attempts) + sum(map(_delete_file, drafts))
        return Collected(values=len(freed_values), attempts=len(freed_attempts), bytes=freed)

    def garbage(
        self, keep_digests: Collection[Digest], keep_dirs: Collection[str], before: float
    ) -> Sizes:
        """Measure what `collect_garbage` would delete, but for drafts; nothing is deleted."""
        values, attempts, _ = self._garbage(set(keep_digests), set(keep_dirs), before)
        return Sizes(
            values={digest: _size_of(path) for digest, path in values},
            attempts={name: _size(folder) for name, folder in attempts},
        )

    def _garbage(
        self,
        kept: set[Digest],
        folders: set[str],
        before: float,
        goes_on: GoesOn = always,
    ) -> tuple[Iterator[tuple[Digest, Path]], Iterator[tuple[str, Path]], Iterator[Path]]:
        bundles = takewhile(lambda _: goes_on(), list(self._bundles()))
        found = takewhile(lambda _: goes_on(), list(self._attempts()))
        drafts = self._path_of_values().glob(f"{_DRAFT}bundle-*")
        return (
            (one for one in bundles if one[0] not in kept and _touched(one[1]) < before),
            (one for one in found if one[0] not in folders and _last_touched(one[1]) < before),
            (draft for draft in drafts if _touched(draft) < before),
        )

    def delete_run(self, run: RunId) -> int:
        """Delete all that attempts of a run left; return the bytes. Raises StoreError."""
        folder = self._files.path(f"runs/{id_part(run)}")
        if not folder.is_dir():
            return 0
        size = _size(folder)
        with store_errors(folder):
            shutil.rmtree(folder)
        return size

    def _path_of_values(self) -> Path:
        return self._files.path(self._values)

    def _bundles(self) -> Iterator[tuple[Digest, Path]]:
        for path in sorted(self._path_of_values().glob("[0-9a-f][0-9a-f]/*")):
            digest = Digest(path.parent.name + path.name)
            if not path.name.startswith(_DRAFT) and not path.is_symlink():
                yield digest, path

    def _attempts(self) -> Iterator[tuple[str, Path]]:
        for path in sorted(self._files.path("runs").glob("*/*/*")):
            if path.is_dir() and not path.is_symlink():
                yield path.relative_to(self.root).as_posix(), path


class RemoteValues:
    """Bundles on any fsspec file system beside a local folder of values that kernels map.

    ``url`` is one that fsspec knows (``s3://bucket/prefix``). What is fetched is proven before it
    becomes visible locally.
    """

    def __init__(self, url: str, local: ArtifactStore) -> None:
        try:
            from fsspec.core import url_to_fs

            self._remote, self._prefix = url_to_fs(url)
        except (ImportError, ValueError) as problem:
            raise StoreError(
                Sentence("the store {url!r} can't be opened: {problem}", url=url, problem=problem),
                hint="install what fsspec names for that protocol, or use a folder",
            ) from problem
        self._local = local

    def publish(self, digest: Digest) -> None:
        """Copy a local bundle out, unless it is there; visible whole or not at all."""
        target = self._path(digest)
        with _remote_errors(target):
            if not self._remote.exists(target):
                self._remote.makedirs(target.rpartition("/")[0], exist_ok=True)
                draft = f"{target}.draft-{int(time.time() * 1e6):x}"
                self._remote.put_file(str(self._local.value_path(digest)), draft)
                self._remote.mv(draft, target)

    def fetch(self, digest: Digest) -> Path:
        """Bring a bundle into the local folder, unless it is there; return its path."""
        path = self._local.value_path(digest)
        if path.is_file():
            return path
        draft = self._local.values_folder() / f"{_DRAFT}bundle-{digest}"
        try:
            with _remote_errors(self._path(digest)):
                self._remote.get_file(self._path(digest), str(draft))
            draft.chmod(0o600)
            with draft.open("rb") as file:
                bundle.verify(file, digest)
            with store_errors(path):
                path.parent.mkdir(mode=0o700, exist_ok=True)
                draft.replace(path)
                sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
        return path

    def _path(self, digest: Digest) -> str:
        return f"{self._prefix}/values/{value_name(digest)}"


class _remote_errors:  # noqa: N801
    """Turn what a remote file system says into a StoreError."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        if isinstance(problem, FileNotFoundError):
            raise StoreError(
                Sentence("{path} is not in the store", path=self._path), code="NBF643"
            ) from problem
        if isinstance(problem, OSError):
            raise StoreError(
                Sentence("{path} can't be used: {problem}", path=self._path, problem=problem)
            ) from problem


def whole_characters(raw: bytes) -> bytes:
    """Leave out a character of UTF-8 that the end cuts, unless nothing else is there."""
    return raw[: len(raw) - _cut_character(raw)] or raw


def _cut_character(raw: bytes) -> int:
    """Return how many bytes at the end belong to a character that isn't whole."""
    for back in range(1, min(4, len(raw)) + 1):
        byte = raw[-back]
        if byte & 0b1100_0000 != 0b1000_0000:
            length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return back if length > back else 0
    return 0


def _size(folder: Path) -> int:
    return sum(_size_of(path) for path in folder.rglob("*") if not path.is_dir())


def _size_of(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _touched(path: Path) -> float:
    """Return when a file was touched last; one that is gone counts as just touched."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return math.inf


def _last_touched(folder: Path) -> float:
    return max(_touched(path) for path in [folder, *folder.rglob("*")])


def _delete_file(path: Path) -> int:
    size = _size_of(path)
    with store_errors(path):
        path.unlink(missing_ok=True)
    return size


def _delete_folder(folder: Path) -> int:
    size = _size(folder)
    with store_errors(folder), suppress(FileNotFoundError):
        shutil.rmtree(folder)
    for parent in (folder.parent, folder.parent.parent):
        try:
            parent.rmdir()
        except OSError:
            # Another attempt's folder is in it, or it is gone.
            break
    return size
