"""The NAME grammar of tasks and DAGs (docs/reference/format.md, section 2)."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePath

from nbflow.model.sentence import Sentence

MAX_NAME_LENGTH = 100

# \w is Unicode letters, digits and "_"; combining marks count as parts of letters after NFC.
_NAME = re.compile(r"[^\W_][\w.\-]*")


def normalise_name(text: str) -> str:
    """Return ``text`` as names are stored and compared for display: NFC, no outer white space."""
    return unicodedata.normalize("NFC", text).strip()


@lru_cache(maxsize=8192)
def name_key(text: str) -> str:
    """Return the key under which a name must be unique: NFC and case-folded."""
    return unicodedata.normalize("NFC", normalise_name(text).casefold())


def name_problem(text: str) -> str | None:
    """Return what is wrong with a name as half a sentence, or None if it is well formed."""
    name = normalise_name(text)
    if not name:
        return Sentence("is empty")
    if len(name) > MAX_NAME_LENGTH:
        return Sentence(
            "has {count} characters; at most {most} are allowed",
            count=len(name),
            most=MAX_NAME_LENGTH,
        )
    if not _NAME.fullmatch(name):
        return Sentence(
            "may hold letters, digits, '_', '.' and '-' only, the first a letter or digit"
        )
    return None


def name_from_text(text: str, fallback: str = "task") -> str:
    """Make a well-formed name of a file stem or heading: what the grammar lacks becomes ``_``."""
    name = re.sub(r"[^\w.\-]+", "_", normalise_name(text)).lstrip("_.-").rstrip("_")
    name = normalise_name(name[:MAX_NAME_LENGTH])
    return name if name_problem(name) is None else fallback


def notebook_name(path: str) -> str:
    """Return what a notebook is called after its file, and its DAG if it names none."""
    return name_from_text(PurePath(path).stem, "notebook")


def metric_name_problem(text: object) -> str | None:
    """Return what is wrong with a metric's name as half a sentence, or None if it is well formed."""
    if not isinstance(text, str) or not text.strip():
        return Sentence("is empty")
    if len(text) > MAX_NAME_LENGTH:
        return Sentence(
            "has {count} characters; at most {most} are allowed",
            count=len(text),
            most=MAX_NAME_LENGTH,
        )
    return None if text.isprintable() else Sentence("holds characters that can't be printed")


def did_you_mean(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> Sentence | None:
    """Return which known names may be meant by one that is not among them; None if none is near.
    ``cutoff`` is how near, as `difflib.get_close_matches` counts.
    """
    # Loaded for an error alone.
    from difflib import get_close_matches

    return may_be_meant(get_close_matches(name, list(known), cutoff=cutoff))


def may_be_meant(names: Iterable[str]) -> Sentence | None:
    """Ask whether one of these was meant; None if there are none."""
    found = ", ".join(names)
    return Sentence("Did you mean {names}?", names=found) if found else None
