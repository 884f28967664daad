"""How much a browser loads of the built extension, beside what JupyterLab itself is made of."""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.machine import Row

BUILT = Path(__file__).parents[1] / "nbflow" / "labextension" / "static"


def measure() -> Iterator[Row]:
    """Sizes of the scripts and styles, packed as servers send them, too."""
    files = _loaded(BUILT)
    if not files:
        yield "the extension's size", "left out: it is not built"
        return
    drawing = max(files, key=lambda path: path.stat().st_size)
    at_once = _sizes(path for path in files if path != drawing)
    yield "the extension, loaded with the page", _told(*at_once)
    yield "Graphviz, loaded with the first picture", _told(*_sizes([drawing]))
    whole = _sizes(_loaded(_jupyterlab()))
    share = at_once[1] / whole[1] if whole[1] else 0
    yield "all of JupyterLab's own scripts", f"{_told(*whole)}; the extension: {share:.1%} of that"


def _jupyterlab() -> Path:
    from jupyterlab.commands import get_app_dir

    return Path(get_app_dir()) / "static"


def _loaded(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if path.suffix in {".js", ".css", ".wasm"}]


def _sizes(files: Iterable[Path]) -> tuple[int, int]:
    contents = [path.read_bytes() for path in files]
    return sum(map(len, contents)), sum(len(gzip.compress(data, 6)) for data in contents)


def _told(size: int, packed: int) -> str:
    return f"{size / 1000:,.0f} kB, gzip {packed / 1000:,.0f} kB"
