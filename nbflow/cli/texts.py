"""Sentences for users in their language: the English sentence is the key, Korean is looked up."""

import json
import locale
import os
from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def language() -> str:
    """Return ``en`` or ``ko``: ``NBFLOW_LANG``, else the process's locale."""
    for name in ("NBFLOW_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "ko" if value.lower().startswith(("ko", "korean")) else "en"
    return "ko" if (locale.getlocale()[0] or "").lower().startswith(("ko", "korean")) else "en"


def t(sentence: str, /, **values: object) -> str:
    """Return ``sentence`` in the user's language with ``{names}`` filled in from ``values``."""
    text = sentence if language() == "en" else catalogue().get(sentence, sentence)
    return text.format(**values) if values else text


@lru_cache(maxsize=1)
def catalogue() -> dict[str, str]:
    """Return the Korean of every English sentence of the command line."""
    path = resources.files("nbflow").joinpath("locale", "ko.json")
    table: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return table
