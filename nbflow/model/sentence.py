"""Sentences for people, made where a problem is found and translated where somebody reads them."""

from collections.abc import Callable, Mapping
from typing import Any


class CellName(str):
    """A cell's id inside a sentence; a face may show the cell's number instead."""

    __slots__ = ()


class Sentence(str):
    """An English sentence that still knows its template and the values that fill it.

    ``template`` is a format string with named fields; it is what catalogues are asked for. Values
    are plain, sentences themselves, `CellName`, or a tuple of these, which is joined with "; ".
    Without values the template is the text itself, braces and all.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> "Sentence":
        """Fill ``template``'s fields."""
        self = super().__new__(cls, _told(template, values, str, str))
        self.template, self.values = str(template), values
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """Copy and pickle as made."""
        return (self.template,), dict(self.values)


def as_sentence(text: str) -> Sentence:
    """Return text for people as a sentence, as which it may stand inside another one."""
    return text if isinstance(text, Sentence) else Sentence(text)


def retold(
    text: str, translate: Callable[[str], str], seen: Callable[[CellName], str] = str
) -> str:
    """Return any text for people with every template translated and every cell as people see it;
    plain text is its own template.
    """
    if isinstance(text, Sentence):
        return _told(text.template, text.values, translate, seen)
    return translate(text)


def _told(
    template: str,
    values: Mapping[str, Any],
    translate: Callable[[str], str],
    seen: Callable[[CellName], str],
) -> str:
    if not values:
        return translate(template)
    filled = {name: _filled(value, translate, seen) for name, value in values.items()}
    return translate(template).format_map(filled)


def _filled(value: Any, translate: Callable[[str], str], seen: Callable[[CellName], str]) -> Any:
    if isinstance(value, Sentence):
        return retold(value, translate, seen)
    if isinstance(value, CellName):
        return seen(value)
    if isinstance(value, tuple):
        return "; ".join(str(_filled(part, translate, seen)) for part in value)
    return value
