"""What varies between two texts of one origin, and whether a third differs anywhere else."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

_UNIT = r"(?:ns|µs|μs|us|ms|s|sec|seconds?|min|minutes?|h)"
_TOKEN = re.compile(
    r"(?P<uuid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<address>0x[0-9a-fA-F]+)"
    r"|(?P<process>ipykernel_\d+)"
    r"|(?P<date>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?)"
    r"|(?P<clock>\d+:\d\d(?::\d\d)?(?:\.\d+)?)"
    r"|(?P<timing>\d+(?:\.\d+)?(?:e[+-]?\d+)?[ ]?" + _UNIT + r"\b|\d[\d,]*[ ]loops?\b)"
    r"|(?P<id>(?=[A-Za-z_]*\d)(?=\d*[A-Za-z_])\w{6,})"
    r"|(?P<number>[-+]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)"
    r"|(?P<word>\w+)"
    r"|(?P<space>\s+)"
    r"|(?P<mark>[^\w\s])"
)
_GENERIC = frozenset({"uuid", "address", "process", "date", "clock", "timing", "id"})
"""Kinds that vary by themselves: once one of a kind did in a text, all of the kind may there."""

_MOST = 6_000
"""More tokens than this are aligned as whole lines: alignment takes quadratic time."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Expected:
    """The same text of two runs; what differs between them varies by itself."""

    one: str
    other: str


def first_difference(expected: Expected, found: str) -> tuple[str, str] | None:
    """Return the first place where ``found`` differs from what did not vary, as two short texts.

    None if there is none.
    """
    if found in (expected.one, expected.other):
        return None
    if expected.one == expected.other:
        return _around(expected.one, found)
    lines = [text.split("\n") for text in (expected.one, expected.other, found)]
    if len(lines[0]) == len(lines[1]) == len(lines[2]):
        generic = _generic_kinds(zip(lines[0], lines[1], strict=True))
        for one, other, ours in zip(*lines, strict=True):
            if ours not in (one, other) and not _fits(one, other, ours, generic):
                return _short(one), _short(ours)
        return None
    generic = _generic_kinds([(expected.one, expected.other)])
    if _fits(expected.one, expected.other, found, generic):
        return None
    return _around(expected.one, found)


def _generic_kinds(pairs: Iterable[tuple[str, str]]) -> set[str]:
    kinds: set[str] = set()
    for one, other in pairs:
        if one != other:
            tokens = _tokens(one)
            kinds |= {tokens[at].kind for at in _varying(tokens, _tokens(other))[0]} & _GENERIC
    return kinds


def _fits(one: str, other: str, found: str, generic: set[str]) -> bool:
    """Tell whether ``found`` differs from ``one`` only where ``one`` and ``other`` differ."""
    first, second, third = _tokens(one), _tokens(other), _tokens(found)
    wild, extra = _varying(first, second)
    for tag, i1, i2, j1, j2 in _opcodes(first, third):
        if tag == "equal":
            continue
        kinds = {second_kind for at in range(i1, i2 + 1) for second_kind in extra.get(at, ())}
        kinds |= {token.kind for at, token in enumerate(first[i1:i2], i1) if at in wild}
        spaced = bool(kinds) or i1 - 1 in wild or i2 in wild
        for at, token in enumerate(first[i1:i2], i1):
            loose = at in wild or (token.kind == "space" and spaced)
            if not loose and token.kind not in generic:
                return False
        allowed = kinds | generic | ({"space"} if spaced else set())
        if any(token.kind not in allowed for token in third[j1:j2]):
            return False
    return True


def _varying(first: list[_Token], second: list[_Token]) -> tuple[set[int], dict[int, set[str]]]:
    """Return the positions of ``first`` that vary, and the kinds ``second`` has there instead."""
    wild: set[int] = set()
    kinds: dict[int, set[str]] = {}
    for tag, i1, i2, j1, j2 in _opcodes(first, second):
        if tag == "equal":
            continue
        wild.update(range(i1, i2))
        other = {token.kind for token in second[j1:j2]}
        for at in range(i1, max(i2, i1 + 1)):
            kinds.setdefault(at, set()).update(other)
    return wild, kinds


def _opcodes(first: list[_Token], second: list[_Token]) -> list[tuple[str, int, int, int, int]]:
    """Align two token lists; lists of equal shape are aligned place by place."""
    if [token.kind for token in first] == [token.kind for token in second]:
        return [
            ("equal" if a == b else "replace", at, at + 1, at, at + 1)
            for at, (a, b) in enumerate(zip(first, second, strict=True))
        ]
    return list(SequenceMatcher(None, first, second, autojunk=False).get_opcodes())


def _tokens(text: str) -> list[_Token]:
    tokens = [_Token(match[0], match.lastgroup or "mark") for match in _TOKEN.finditer(text)]
    if len(tokens) <= _MOST:
        return tokens
    return [_Token(line, "line") for line in text.split("\n")]


def _around(expected: str, found: str) -> tuple[str, str]:
    """Return the first differing lines."""
    one, other = expected.split("\n"), found.split("\n")
    for a, b in zip(one, other, strict=False):
        if a != b:
            return _short(a, b), _short(b, a)
    longer = one[len(other) :] or other[len(one) :]
    words = f"{len(longer)} more lines, from {_short(longer[0])!r}"
    return (words, "nothing more") if len(one) > len(other) else ("nothing more", words)


def _short(text: str, beside: str = "") -> str:
    """Return at most 160 characters around the first place where ``text`` leaves ``beside``."""
    same = next((at for at, (a, b) in enumerate(zip(text, beside, strict=False)) if a != b), 0)
    start = max(0, same - 60)
    piece = text[start : start + 160]
    return f"{'…' if start else ''}{piece}{'…' if len(text) > start + 160 else ''}"
