"""What the page so far tells about names, and what of it an analysis looked at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import is_

from nbflow.compiler.analysis.values import Value, exact
from nbflow.compiler.effects import BindKind, NameInfo

Infos = Mapping[str, NameInfo]


class PageNames(dict[str, NameInfo]):
    """What earlier cells tell about names."""

    def __init__(self, infos: Infos | Iterable[tuple[str, NameInfo]] = ()) -> None:
        super().__init__(infos)
        self.classes = {n: i for n, i in self.items() if i.kind is BindKind.CLASS}
        """The names of classes among them."""

    def tell(self, exports: Mapping[str, NameInfo | None]) -> None:
        """Put in what one more cell tells."""
        for name, info in exports.items():
            if info is None:
                self.pop(name, None)
            else:
                self[name] = info
            if info is not None and info.kind is BindKind.CLASS:
                self.classes[name] = info
            else:
                self.classes.pop(name, None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an analysis looked at: names, as it found them, and perhaps all classes."""

    names: tuple[str, ...]
    infos: tuple[NameInfo | None, ...]
    classes: Infos | None

    def holds(self, names: PageNames) -> bool:
        """Tell whether an analysis would see the same now."""
        if not _same(tuple(map(names.get, self.names)), self.infos):
            return False
        return self.classes is None or (
            tuple(names.classes) == tuple(self.classes)
            and _same(tuple(names.classes.values()), tuple(self.classes.values()))
        )


class Environment:
    """What one analysis may look at. It notes what was looked at."""

    __slots__ = ("_found", "_names", "_saw_classes", "everything")

    def __init__(self, names: PageNames) -> None:
        self._names = names
        self._found: dict[str, NameInfo | None] = {}
        self._saw_classes = False
        self.everything = False
        """Whether the analysis went through all names, so that it can't be used again."""

    def get(self, name: str) -> NameInfo | None:
        """Return what is known of a name."""
        if name not in self._found:
            self._found[name] = self._names.get(name)
        return self._found[name]

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def items(self) -> list[tuple[str, NameInfo]]:
        """Return all that is known."""
        self.everything = True
        return list(self._names.items())

    def classes(self) -> Infos:
        """Return what is known of the names of classes."""
        self._saw_classes = True
        return self._names.classes

    def seen(self) -> Seen:
        """Return what was looked at."""
        classes = dict(self._names.classes) if self._saw_classes else None
        return Seen(tuple(self._found), tuple(self._found.values()), classes)


def _same(one: tuple[NameInfo | None, ...], other: tuple[NameInfo | None, ...]) -> bool:
    if len(one) == len(other) and all(map(is_, one, other)):
        return True
    return one == other and list(map(_exact, one)) == list(map(_exact, other))


def _exact(info: NameInfo | None) -> object:
    return exact(info.detail) if info is not None and isinstance(info.detail, Value) else None
