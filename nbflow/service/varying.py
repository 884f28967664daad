"""What varies between texts of one origin, and whether one more differs anywhere else."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

_UNIT = r"(?:ns|µs|μs|us|ms|s|sec|seconds?|min|minutes?|h)"
_TOKEN = re.compile(
    r"(?P<lead>\s*)(?:"
    r"(?P<uuid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<moment>(?:datetime\.(?:datetime|date|time|timedelta)|time\.struct_time)\([^()]*\))"
    r"|(?P<address>0x[0-9a-fA-F]+)"
    r"|(?P<process>ipykernel_\d+)"
    r"|(?P<styler>(?<![A-Za-z0-9])T_[0-9a-f]{5}(?![A-Za-z0-9])\w*)"
    r"|(?P<date>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?)"
    r"|(?P<clock>\d+:\d\d(?::\d\d)?(?:\.\d+)?)"
    r"|(?P<timing>\d+(?:\.\d+)?(?:e[+-]?\d+)?[ ]?" + _UNIT + r"\b|\d[\d,]*[ ]loops?\b)"
    r"|(?P<bytes>\bb(?:'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"))"
    r"|(?P<id>(?=[A-Za-z_]*\d)(?=\d*[A-Za-z_])\w{6,})"
    r"|(?P<float>[-+]?(?:\d+\.\d*(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\b(?:nan|inf)\b))"
    r"|(?P<int>[-+]?\d+)"
    r"|(?P<bool>\b(?:True|False)\b)"
    r"|(?P<string>(?<!\w)'[^'\\\n\d]{0,40}'(?!\w))"
    r"|(?P<word>\w+)"
    r"|(?P<mark>[^\w\s])"
    r"|(?P<end>\Z))"
)
_GENERIC = frozenset(
    {"uuid", "moment", "address", "process", "styler", "date", "clock", "timing", "id"}
)
"""Kinds that vary by themselves: once one of a kind did in a text, all of the kind may there."""

_VALUES = _GENERIC | {"bytes", "float", "int", "bool", "string"}
_FEW = frozenset({"bytes", "int", "bool", "string", "word"})
"""Kinds with so few values that two runs may well agree on one by chance."""

_MOST = 6_000
"""More tokens than this are aligned as whole lines: alignment takes quadratic time."""


@dataclass(frozen=True, slots=True)
class _Token:
    lead: str
    text: str
    kind: str

    @property
    def key(self) -> str:
        """What it is aligned by: values of a kind stand in each other's place."""
        return self.kind if self.kind in _VALUES else self.text


@dataclass(frozen=True, slots=True)
class Expected:
    """The same text of several runs; what differs between them varies by itself."""

    texts: Sequence[str]


def first_difference(expected: Expected, found: str) -> tuple[str, str] | None:
    """Return the first place where ``found`` differs from what did not vary, as two short texts.

    None if there is none.
    """
    texts = list(dict.fromkeys(expected.texts))
    if found in texts:
        return None
    if len(texts) == 1:
        return _around(texts[0], found)
    wrong = _first_wrong_line(texts, found)
    if wrong == ():
        return None
    # Lines may be wrapped elsewhere; of a long text only whole lines could be compared once more.
    if wrong and _tokens(texts[0])[0].kind == "line":
        return _short(wrong[0]), _short(wrong[1])
    if _fits(texts, found, _generic_kinds([texts])):
        return None
    return (_short(wrong[0]), _short(wrong[1])) if wrong else _around(texts[0], found)


def _first_wrong_line(texts: list[str], found: str) -> tuple[str, ...] | None:
    """Return the first line that doesn't fit and what stands there, nothing if all do; None if the
    lines can't be compared one by one.
    """
    lines = [text.split("\n") for text in (*texts, found)]
    if len({len(one) for one in lines}) > 1:
        return None
    rows = list(zip(*lines, strict=True))
    generic = _generic_kinds(row[:-1] for row in rows)
    for row in rows:
        ours, plain = row[-1], list(dict.fromkeys(row[:-1]))
        if ours not in plain and not _fits(plain, ours, generic):
            return plain[0], ours
    return ()


def _generic_kinds(texts: Iterable[Sequence[str]]) -> set[str]:
    kinds: set[str] = set()
    for one, *others in texts:
        if any(other != one for other in others):
            tokens = _tokens(one)
            wild = _Varying(tokens, [_tokens(other) for other in others]).wild
            kinds |= {tokens[at].kind for at in wild} & _GENERIC
    return kinds


def _fits(plain: Sequence[str], found: str, generic: set[str]) -> bool:
    """Tell whether ``found`` differs from the plain texts only where they differ themselves."""
    first, *others = map(_tokens, plain)
    third = _tokens(found)
    varying = _Varying(first, others)
    loose = {at for at, token in enumerate(first) if at in varying.wild or token.kind in generic}
    pairs, blocks = _aligned(first, third)
    for at, place in pairs:
        one, ours = first[at], third[place]
        if one.text != ours.text:
            blocks.append((at, at + 1, place, place + 1))
        spaced = at in loose or at - 1 in loose or at in varying.spaced
        if one.lead != ours.lead and not spaced:
            return False
    for start, end, begin, stop in blocks:
        if any(at not in loose for at in range(start, end)):
            return False
        allowed = generic | {first[at].kind for at in range(start, end)}
        for at in range(start, end + 1):
            allowed |= varying.instead.get(at, set())
        if any(token.kind not in allowed for token in third[begin:stop]):
            return False
    return True


@dataclass(slots=True)
class _Varying:
    """Where the tokens of one text vary: ``wild`` places, ``spaced`` ones (only the space before),
    and the kinds that may stand ``instead``.
    """

    first: list[_Token]
    others: list[list[_Token]]
    wild: set[int] = field(default_factory=set)
    spaced: set[int] = field(default_factory=set)
    instead: dict[int, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        resized: set[int] = set()
        for other in self.others:
            pairs, blocks = _aligned(self.first, other)
            for at, place in pairs:
                if self.first[at].text != other[place].text:
                    self.wild.add(at)
                elif self.first[at].lead != other[place].lead:
                    self.spaced.add(at)
            for start, end, begin, stop in blocks:
                self.wild.update(range(start, end))
                if end - start != stop - begin:
                    resized.update(range(start, max(end, start + 1)))
                kinds = {token.kind for token in other[begin:stop]}
                for at in range(start, max(end, start + 1)):
                    self.instead.setdefault(at, set()).update(kinds)
        if self.wild or resized:
            self._widen(resized)

    def _widen(self, resized: set[int]) -> None:
        """In a list whose items vary, or whose length does, any item of the kind may."""
        for places in _brackets(self.first):
            inner = places[1:-1]
            if not resized.isdisjoint(places):
                kinds = {self.first[at].kind for at in inner}
                self.wild.update(inner)
                for at in places[1:]:
                    self.instead.setdefault(at, set()).update(kinds)
            for kind in {self.first[at].kind for at in inner if at in self.wild} & _FEW:
                items = [at for at in inner if self.first[at].kind == kind]
                if _are_items(self.first, items):
                    self.wild.update(items)


def _are_items(tokens: list[_Token], places: list[int]) -> bool:
    """Tell whether nothing, or a comma, stands between the tokens: not so in prose and mappings."""
    between = [{t.text for t in tokens[a + 1 : b]} for a, b in itertools.pairwise(places)]
    return all(not texts or ("," in texts and not texts & {":", "="}) for texts in between)


def _brackets(tokens: list[_Token]) -> Iterator[list[int]]:
    """Yield the places between each pair of brackets, with the brackets, without inner pairs; a
    call's arguments are no list, but may be items of one.
    """
    open_: list[list[int]] = []
    for at, token in enumerate(tokens):
        if token.kind == "mark" and token.text in "[({":
            open_.append([at])
        elif token.kind == "mark" and token.text in "])}" and open_:
            places = [*open_.pop(), at]
            before = places[0] - 1
            is_call = (
                tokens[places[0]].text == "(" and before >= 0 and tokens[before].kind == "word"
            )
            if not is_call:
                yield places
            elif open_:
                open_[-1] += places
        elif open_:
            open_[-1].append(at)


def _aligned(
    first: list[_Token], second: list[_Token]
) -> tuple[list[tuple[int, int]], list[tuple[int, int, int, int]]]:
    """Return the pairs of places that stand for each other, and the blocks without a counterpart.

    Lists of equal shape are aligned place by place.
    """
    if [token.kind for token in first] == [token.kind for token in second]:
        return [(at, at) for at in range(len(first))], []
    keys, other_keys = [token.key for token in first], [token.key for token in second]
    pairs: list[tuple[int, int]] = []
    blocks = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(
        None, keys, other_keys, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            pairs += zip(range(i1, i2), range(j1, j2), strict=True)
        else:
            blocks.append((i1, i2, j1, j2))
    return pairs, blocks


def _tokens(text: str) -> list[_Token]:
    tokens = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "end"
        tokens.append(_Token(match["lead"], match[kind], kind))
        if len(tokens) > _MOST:
            return [_Token("", line, "line") for line in text.split("\n")]
    return tokens


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
