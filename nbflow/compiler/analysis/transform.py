"""From a cell's text to Python: IPython's own transformer, and a map back to the cell's lines."""

import ast
import re
import warnings
from dataclasses import dataclass, field
from difflib import SequenceMatcher

_CELL_MAGIC = re.compile(r"%%(?P<name>[\w!]+)[ \t]*(?P<rest>.*)")
BODY_IS_PYTHON = frozenset({"time", "capture", "prun", "memit", "mprun", "timeit"})
"""Cell magics whose body IPython runs as code of the notebook."""
_AUTOMAGIC = re.compile(
    r"(?:alias|cat|cd|conda|config|cp|env|hist|history|less|ll|load_ext|ls|lsmagic|man|matplotlib"
    r"|mkdir|more|mv|pip|prun|psource|pwd|pylab|reload_ext|reset|rm|rmdir|run|store|time|timeit"
    r"|who|whos|xmode)(?:[ \t]+(?![=.,:)\]]|[-+*/%|&^<>]=?[ \t]|(?:in|is|if|and|or|not)\b).*)?$"
)
"""Lines that IPython takes for a magic without its ``%`` (automagic), unless they are Python."""


@dataclass(frozen=True, slots=True)
class CellMagic:
    """The first line of a cell magic and, where it isn't Python, its body."""

    name: str
    rest: str
    line: int
    body: str = ""


@dataclass(slots=True)
class Parsed:
    """A cell as Python. ``magics`` wrap the whole of it, outermost first; ``foreign`` is a cell magic
    whose body isn't Python; ``error`` is the syntax error, if any.
    """

    tree: ast.Module | None = None
    text: str = ""
    lines: list[int] | None = None
    magics: list[CellMagic] = field(default_factory=list)
    foreign: CellMagic | None = None
    error: tuple[str, int] | None = None
    original: list[str] = field(default_factory=list)

    def cell_line(self, line: int) -> int:
        """Return the cell's line for a line of the Python text."""
        if self.lines is None:
            return line
        return self.lines[min(max(line, 1), len(self.lines)) - 1] if self.lines else 1


def parse_cell(source: str) -> Parsed:
    """Read a cell as IPython would run it. Never raises."""
    parsed = Parsed(text=source, original=source.splitlines())
    source = _strip_cell_magics(source, parsed)
    if parsed.foreign is not None:
        return parsed
    parsed.text = source
    try:
        parsed.tree = _parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        spelled = _spell_magics(source)
        if not isinstance(error, SyntaxError) or not (spelled != source or _may_be_ipython(source)):
            parsed.error = _describe(error)
            return parsed
        _transform(spelled, parsed, error)
    return parsed


def _spell_magics(source: str) -> str:
    return "\n".join(f"%{line}" if _AUTOMAGIC.match(line) else line for line in source.split("\n"))


def parse_fragment(source: str) -> ast.Module | None:
    """Parse the Python inside a line magic; None if it isn't any."""
    try:
        return _parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _parse(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _describe(error: BaseException) -> tuple[str, int]:
    if isinstance(error, SyntaxError):
        return (error.msg or "invalid syntax", error.lineno or 1)
    if isinstance(error, RecursionError | MemoryError):
        return ("the code is nested too deeply", 1)
    return (str(error) or "the text is not Python", 1)


def _strip_cell_magics(source: str, parsed: Parsed) -> str:
    lines = source.split("\n")
    at = 0
    while at < len(lines):
        text = lines[at].strip()
        if not text:
            at += 1
            continue
        match = _CELL_MAGIC.match(lines[at])
        if match is None:
            break
        magic = CellMagic(name=match["name"], rest=match["rest"].strip(), line=at + 1)
        if magic.name not in BODY_IS_PYTHON:
            parsed.foreign = CellMagic(
                magic.name, magic.rest, magic.line, body="\n".join(lines[at + 1 :])
            )
            return source
        parsed.magics.append(magic)
        lines[at] = ""
        at += 1
    return "\n".join(lines) if parsed.magics else source


def _may_be_ipython(source: str) -> bool:
    return any(mark in source for mark in "%!?/;,>[") or source[:1].isspace()


def _transform(source: str, parsed: Parsed, first: SyntaxError) -> None:
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        # SyntaxErrors inside the transformer are IPython's way of saying: not for me.
        text = TransformerManager().transform_cell(source)
        parsed.tree = _parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, IndexError, AssertionError):
        parsed.error = _describe(first)
        return
    parsed.text = text
    parsed.lines = _line_map(source, text)


def _line_map(source: str, text: str) -> list[int] | None:
    old, new = source.split("\n"), text.rstrip("\n").split("\n")
    while old and not old[-1].strip():
        old.pop()
    if len(old) == len(new) and old[0].strip():
        return None
    mapping = [1] * (len(new) + 1)
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    for _tag, i1, i2, j1, j2 in matcher.get_opcodes():
        # Replaced blocks (continued magics) shrink: their lines map from the block's start.
        for offset in range(j2 - j1):
            mapping[j1 + offset] = min(i1 + offset, max(i2 - 1, i1)) + 1
    mapping[len(new)] = max(len(old), 1)
    return mapping
