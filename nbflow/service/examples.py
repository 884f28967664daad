"""The examples that ship with nbflow, and how they get into the DAGs folder."""

import shutil
from pathlib import Path

from nbflow.errors import StoreError
from nbflow.model.sentence import Sentence

_LEFT_OUT = frozenset({".ipynb_checkpoints", "__pycache__"})


def examples_folder() -> Path:
    """Return where the examples lie: inside the package, or beside it in a checkout.

    Raises StoreError NBF713 if they are in neither place.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "examples", package.parent / "example_notebooks"):
        if folder.is_dir():
            return folder
    raise StoreError(
        "The examples are not part of this installation.",
        hint="Install jupyter-nbflow from a wheel, or pass --without-examples.",
        code="NBF713",
    )


def copy_examples(target: Path) -> tuple[str, ...]:
    """Copy the examples into ``target``; files that are there already stay as they are.

    Returns the paths that were written, relative to ``target``. Raises StoreError NBF611 if the
    folder can't be written to.
    """
    source = examples_folder()
    written = []
    try:
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source)
            if not path.is_file() or _LEFT_OUT & set(name.parts):
                continue
            if (target / name).exists():
                continue
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)
            written.append(name.as_posix())
    except OSError as error:
        raise StoreError(
            Sentence(
                "{target} can't be written to: {strerror}.",
                target=target,
                strerror=error.strerror or error,
            ),
            hint="Choose another NBFLOW_HOME, or make room.",
            code="NBF611",
        ) from error
    return tuple(written)
