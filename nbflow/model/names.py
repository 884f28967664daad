"""The NAME grammar of tasks and DAGs (docs/reference/format.md, section 2)."""

import re
import unicodedata
from functools import lru_cache

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
