"""Taking the same objects again, where a cell that is folded anew makes what it made before."""

from collections.abc import Iterable
from operator import attrgetter
from typing import TypeVar

from nbflow.compiler.drafts import AmbientVersion
from nbflow.compiler.versions import Version

Made = TypeVar("Made", Version, AmbientVersion)
_FIELDS = {cls: attrgetter(*cls.__slots__) for cls in (Version, AmbientVersion)}


class Recycler:
    """Versions are compared by identity. One that is like an older one of the same cell becomes that
    one, so that whatever was told from the older one stays true; none becomes the same one twice.
    """

    def __init__(self, old: Iterable[Version | AmbientVersion] = ()) -> None:
        self.made: list[Version | AmbientVersion] = []
        self._old: dict[object, list[Version | AmbientVersion]] = {}
        for version in old:
            self._old.setdefault(_key(version), []).append(version)

    def same(self, new: Made) -> Made:
        """Return the older version that is like it, or itself."""
        old = self._take(new) if self._old else None
        self.made.append(old or new)
        return old or new

    def _take(self, new: Made) -> Made | None:
        candidates = self._old.get(_key(new), [])
        fields = _FIELDS[type(new)]
        values = fields(new)
        for index, old in enumerate(candidates):
            if isinstance(old, type(new)) and fields(old) == values:
                del candidates[index]
                return old
        return None


def _key(version: Version | AmbientVersion) -> object:
    return version.name if isinstance(version, Version) else (version.state,)
