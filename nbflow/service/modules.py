"""The modules beside a notebook that its code uses, and those that they use in turn."""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from nbflow.model.notebook import CellType, Notebook, Role

MOST = 500
"""Modules that are followed."""
_MAGIC = re.compile(r"^\s*[%!?].*$", re.MULTILINE)

_Stamp = tuple[int, int]


@dataclass(kw_only=True, slots=True)
class LocalModules:
    """Follows imports; a file that did not change is read once."""

    _imports: dict[Path, tuple[_Stamp, frozenset[str]]] = field(default_factory=dict)

    def of(self, notebooks: Iterable[Notebook]) -> tuple[Path, ...]:
        """Return the files, sorted, that the notebooks' code cells import from their folders."""
        found: dict[Path, None] = {}
        for notebook in notebooks:
            folder = Path(notebook.path).parent
            waiting = list(_located(folder, folder, notebook_imports(notebook)))
            while waiting and len(found) < MOST:
                path = waiting.pop()
                if path not in found:
                    found[path] = None
                    waiting += _located(folder, path.parent, self._imports_of(path))
        return tuple(sorted(found))

    def _imports_of(self, path: Path) -> frozenset[str]:
        try:
            about = path.stat()
            stamp = (about.st_size, about.st_mtime_ns)
            known = self._imports.get(path)
            if known is None or known[0] != stamp:
                known = stamp, _imports(path.read_text(encoding="utf-8", errors="replace"))
                self._imports[path] = known
        except OSError:
            return frozenset()
        return known[1]


def notebook_imports(notebook: Notebook) -> frozenset[str]:
    """Return the dotted names that a notebook's code cells import."""
    found: set[str] = set()
    for cell in notebook.cells:
        if cell.type is CellType.CODE and cell.role is not Role.SKIP:
            found |= _imports(_MAGIC.sub("", cell.source))
    return frozenset(found)


def _imports(source: str) -> frozenset[str]:
    """Return dotted names, those of relative imports with their dots."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            found.add(base)
            joint = "" if base.endswith(".") or not base else "."
            found |= {f"{base}{joint}{alias.name}" for alias in node.names if alias.name != "*"}
    return frozenset(found)


def _located(root: Path, here: Path, names: Iterable[str]) -> Iterable[Path]:
    for name in names:
        bare = name.lstrip(".")
        folder = root
        if bare != name:
            folder = here
            for _ in range(len(name) - len(bare) - 1):
                folder = folder.parent
        parts = [part for part in bare.split(".") if part]
        for length in range(len(parts) + 1):
            place = folder.joinpath(*parts[:length])
            if length:
                yield from _existing(place.with_name(f"{place.name}.py"))
            if length or bare != name:
                yield from _existing(place / "__init__.py")


def _existing(path: Path) -> Iterable[Path]:
    if path.is_file():
        yield path
