"""What the page so far tells about names, and what of it an analysis looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import is_

from nbflow.compiler.analysis.values import Value, exact
from nbflow.compiler.effects import BindKind, CellAnalysis, NameInfo

Infos = Mapping[str, NameInfo]


class PageNames(dict[str, NameInfo | None]):
    """What earlier cells tell about names; None: nothing is known any more."""

    def __init__(self, infos: Mapping[str, NameInfo | None] | None = None) -> None:
        super().__init__(infos or {})
        self.classes = {n: i for n, i in self.items() if i and i.kind is BindKind.CLASS}
        """The names of classes among them."""

    def tell(self, analysis: CellAnalysis) -> None:
        """Put in what one more cell tells."""
        self.update(analysis.exports)
        if self.classes:
            for name in self.classes.keys() & analysis.exports.keys():
                del self.classes[name]
        self.classes.update(analysis.classes)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an analysis looked at: names, as it found them, and perhaps all classes."""

    names: tuple[str, ...]
    infos: tuple[NameInfo | None, ...]
    classes: Infos | None

    def holds(self, names: PageNames) -> bool:
        """Tell whether an analysis would see the same now."""
        if not all(map(is_, map(names.get, self.names), self.infos)) and not _same(
            tuple(map(names.get, self.names)), self.infos
        ):
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
        return [(name, info) for name, info in self._names.items() if info is not None]

    def classes(self) -> Infos:
        """Return what is known of the names of classes."""
        self._saw_classes = True
        return self._names.classes

    def seen(self) -> Seen:
        """Return what was looked at."""
        classes = dict(self._names.classes) if self._saw_classes else None
        return Seen(tuple(self._found), tuple(self._found.values()), classes)


def _same(one: tuple[NameInfo | None, ...], other: tuple[NameInfo | None, ...]) -> bool:
    return one == other and list(map(_exact, one)) == list(map(_exact, other))


def _exact(info: NameInfo | None) -> object:
    return exact(info.detail) if info is not None and isinstance(info.detail, Value) else None
