"""What users read, in their language: the English sentence is the key, Korean is looked up."""

import json
import locale
import os
import re
from collections.abc import Callable
from functools import lru_cache
from importlib import resources

from nbflow.model.sentence import CellName, Sentence, retold

_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
LANGUAGES = ("en", "ko")
LANGUAGE_VARIABLES = ("NBFLOW_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def language(asked: str | None = None) -> str:
    """Return ``en`` or ``ko``: as asked, else ``NBFLOW_LANG``, else the process's locale."""
    for name in LANGUAGE_VARIABLES:
        if asked:
            break
        asked = os.environ.get(name)
    return _language_of(asked or locale.getlocale()[0] or "")


@lru_cache(maxsize=16)
def _language_of(name: str) -> str:
    return "ko" if name.lower().startswith(("ko", "korean")) else "en"


def t(sentence: str, /, **values: object) -> str:
    """Return ``sentence`` in the user's language with ``{names}`` filled in from ``values``."""
    return told(Sentence(sentence, **values) if values else sentence)


def told(text: str, lang: str | None = None, *, seen: Callable[[CellName], str] = str) -> str:
    """Return a message or hint in a language, by default the user's.

    ``seen`` says how a cell is shown; by default by its id. What is in no catalogue (an operating
    system's words, say) stays as it is.
    """
    translate = _korean if language(lang) == "ko" else _english
    return retold(text, translate, seen)


def _english(text: str) -> str:
    return text


def _korean(text: str) -> str:
    return catalogue().get(text, text)


def clean(text: object) -> str:
    """Return ``text`` without anything that steers a terminal; line breaks and tabs stay."""
    return _CONTROLS.sub("", _SEQUENCES.sub("", str(text)))


@lru_cache(maxsize=1)
def catalogue() -> dict[str, str]:
    """Return the Korean of every English sentence."""
    path = resources.files("nbflow").joinpath("locale", "ko.json")
    table: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return table
