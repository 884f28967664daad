"""The grammar of cell tags and of ``%%task``, ``%%setup``, ``%%skip`` (format, section 2)."""

import io
import re
import shlex
import tokenize
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nbflow.model.names import name_key, name_problem, normalise_name
from nbflow.model.sentence import Sentence

PREFIXES = ("task", "after", "reads", "writes", "ignores")
ROLES = ("setup", "parameters", "skip")
AMBIENT = frozenset({"random", "numpy.random", "cwd"})

_NEAR = re.compile(r"\s*(task|after|read|write|ignore)s?\s*[:=](.*)", re.IGNORECASE | re.DOTALL)
_NEAR_ROLE = re.compile(r"\s*(setup|parameter|skip)s?\s*(?::\s*)?", re.IGNORECASE)
_STRINGS = {
    getattr(tokenize, name) for name in ("STRING", "FSTRING_MIDDLE") if hasattr(tokenize, name)
}
_LOOKING = re.compile(r"%(?:dag(?:\s.*)?|(?:re|un)?load_ext[ \t]+nbflow\s*)")
MAGIC = re.compile(r"[ \t]*%%(task|setup|skip)(?:[ \t]+(.*))?[ \t]*", re.IGNORECASE)
_PLURAL = {"read": "reads", "write": "writes", "ignore": "ignores", "parameter": "parameters"}
_LISTS = ("after", "reads", "writes", "ignores")
_RESOURCES = ("cpu", "memory", "gpu")
FLAGS = ("allow_failure",)


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding inside one cell; ``line`` is that of the cell, where there is one. ``place`` leads to
    the option that it is about: ``on.0.metric``.
    """

    code: str
    message: str
    hint: str = ""
    error: bool = True
    line: int | None = None
    place: str = ""


@dataclass(slots=True)
class Marks:
    """What tags or a magic line say of a cell. ``said`` keeps the words for error messages."""

    tasks: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    ignores: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    any: bool = False
    """Whether there is any mark of nbflow's at all."""
    named: set[tuple[str, str]] = field(default_factory=set)
    """The keys of the names in ``tasks`` and ``after``."""


def read_tags(tags: Sequence[str], *, python: bool = True) -> Marks:
    """Read a cell's tags; foreign ones are ignored, near misses reported."""
    marks = Marks()
    for tag in tags:
        kind, colon, value = tag.partition(":")
        if colon and kind in PREFIXES:
            marks.any = True
            _add(
                marks,
                kind,
                value,
                Sentence("the tag {tag!r}", tag=tag[:120]),
                python=python,
                line=None,
            )
        elif tag in ROLES:
            marks.any = True
            if tag not in marks.roles:
                marks.roles.append(tag)
        else:
            _near_miss(marks, tag)
    return marks


def read_magic(source: str, *, python: bool = True) -> tuple[Marks | None, str]:
    """Read a ``%%task`` first line; return its marks and the source with that line blanked.

    Lines of ``%dag`` and ``%load_ext nbflow`` look at the DAG and are no part of it: they are
    blanked, too. Lines keep their numbers. Without a ``%%task`` line the marks are None.
    """
    source = _without_looking(source) if python else source
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    match = MAGIC.fullmatch(lines[first].rstrip("\r")) if first is not None else None
    if first is None or match is None:
        return None, source
    lines[first] = ""
    marks = Marks(any=True)
    word = match[1].lower()
    if match[1] != word:
        message = Sentence("%%{match} is read as %%{word}", match=match[1], word=word)
        marks.problems.append(
            Problem(
                "NBF104",
                message,
                Sentence("write %%{word}", word=word),
                error=False,
                line=first + 1,
            )
        )
    _read_line(marks, word, match[2] or "", first + 1, python=python)
    return marks, "\n".join(lines)


def _without_looking(source: str) -> str:
    """Blank the lines with which a notebook shows or runs its own DAG: inside a run they would
    start another one.
    """
    if "%dag" not in source and "load_ext" not in source:
        return source
    lines = source.split("\n")
    inside = _inside_strings(source)
    for index, line in enumerate(lines):
        if _LOOKING.fullmatch(line) and index + 1 not in inside:
            lines[index] = ""
    return "\n".join(lines)


def _inside_strings(source: str) -> set[int]:
    """Return the numbers of the lines that begin inside a string."""
    found: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in _STRINGS:
                found.update(range(token.start[0] + 1, token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError):
        pass  # what other magics leave no Python in is looked at as far as it is read
    return found


def merge_marks(tags: Marks, magic: Marks | None, options: dict[str, Any]) -> Marks:
    """Join what tags, magic line and metadata say; contradictions become errors naming both.

    ``options`` are those of ``metadata.nbflow.task``.
    """
    both = Marks(any=tags.any or bool(magic and magic.any))
    both.problems = [*tags.problems, *(magic.problems if magic else ())]
    both.tasks, both.roles = _one_role(tags, both.problems)
    for key in _LISTS:
        found = [*getattr(tags, key), *(getattr(magic, key) if magic else ())]
        setattr(both, key, list(dict.fromkeys(found)))
    both.options = dict(options)
    if magic is None:
        return both
    for key, value in magic.options.items():
        if key in options and str(options[key]) != str(value):
            both.problems.append(
                Problem(
                    "NBF106",
                    Sentence(
                        "the option {key} is {options!r} in the cell's metadata and {value!r} on its %% line",
                        key=key,
                        options=options[key],
                        value=value,
                    ),
                    "keep one of them",
                )
            )
        else:
            both.options[key] = value
    said, written = _role_words(both), _role_words(magic)
    if said is None:
        both.tasks, both.roles = magic.tasks, magic.roles
    elif written is not None and name_key(said[0]) != name_key(written[0]):
        both.problems.append(
            Problem(
                "NBF106",
                Sentence(
                    "the tag {said!r} and the line {written!r} contradict each other",
                    said=said[0],
                    written=written[1],
                ),
                "keep one of them",
            )
        )
    return both


def _role_words(marks: Marks) -> tuple[str, str] | None:
    """Return the role as a tag and as a magic line; None if there is none (or parameters)."""
    if marks.tasks:
        return f"task:{marks.tasks[0]}", f"%%task {marks.tasks[0]}"
    for role in ("setup", "skip"):
        if role in marks.roles:
            return role, f"%%{role}"
    return None


def _one_role(marks: Marks, problems: list[Problem]) -> tuple[list[str], list[str]]:
    """Keep one role a cell (``parameters`` may stand beside a task or setup)."""
    said = [f"task:{name}" for name in marks.tasks]
    said += [role for role in marks.roles if role != "parameters"]
    if "skip" in marks.roles and "parameters" in marks.roles:
        said.append("parameters")
    if len(said) <= 1:
        return marks.tasks, marks.roles
    words = ", ".join(repr(one) for one in said)
    problems.append(
        Problem(
            "NBF103",
            Sentence("the cell has the tags {words}; one role a cell", words=words),
            "keep one of them",
        )
    )
    return marks.tasks[:1], [role for role in marks.roles if role == "parameters"]


def _read_line(marks: Marks, word: str, text: str, line: int, *, python: bool) -> None:
    """Read what follows ``%%task``, ``%%setup`` or ``%%skip``."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        message = Sentence(
            "the %%{word} line can't be read: {lower}", word=word, lower=str(error).lower()
        )
        marks.problems.append(Problem("NBF105", message, "close the quotation mark", line=line))
        return
    names: list[str] = []
    index = 0
    while index < len(words):
        one = words[index]
        index += 1
        if not one.startswith("--"):
            names.append(one)
            continue
        key, equals, value = one[2:].partition("=")
        key = key.replace("-", "_")
        if key in FLAGS and not equals:
            marks.options[key] = True
            continue
        if not equals:
            if index >= len(words) or words[index].startswith("--"):
                message = Sentence(
                    "the option --{value} lacks its value", value=key.replace("_", "-")
                )
                marks.problems.append(Problem("NBF105", message, "write it after", line=line))
                continue
            value = words[index]
            index += 1
        _set_option(marks, key, value, line, python=python)
    if word != "task":
        if names or marks.options:
            marks.problems.append(
                Problem(
                    "NBF105",
                    Sentence("%%{word} takes no name and no options", word=word),
                    Sentence("write %%{word}", word=word),
                    line=line,
                )
            )
            marks.options.clear()
        marks.roles.append(word)
    elif len(names) != 1:
        what = (
            Sentence("{count} names ({names})", count=len(names), names=", ".join(names))
            if names
            else Sentence("no name")
        )
        marks.problems.append(
            Problem(
                "NBF105",
                Sentence("the %%task line has {what}", what=what),
                "write %%task NAME",
                line=line,
            )
        )
    else:
        _add(marks, "task", names[0], Sentence("the %%task line"), python=python, line=line)


def _set_option(marks: Marks, key: str, value: str, line: int, *, python: bool) -> None:
    if key in _LISTS:
        for name in value.split(","):
            where = Sentence("the option --{key}", key=key)
            _add(marks, key, name, where, python=python, line=line)
    elif key in _RESOURCES:
        marks.options.setdefault("resources", {})[key] = value
    else:
        marks.options[key] = value


def _add(
    marks: Marks, kind: str, value: str, where: str, *, python: bool, line: int | None
) -> None:
    """Take one ``kind:value``; a value that is no name or variable is an error."""
    if kind in ("task", "after"):
        problem = name_problem(value)
        if problem:
            message = Sentence("{where} names a task that {problem}", where=where, problem=problem)
            hint = "a name is letters, digits, '_', '.' and '-', like load_data"
            marks.problems.append(Problem("NBF101", message, hint, line=line))
            return
        name = normalise_name(value)
        if (kind, name_key(name)) not in marks.named:
            marks.named.add((kind, name_key(name)))
            (marks.tasks if kind == "task" else marks.after).append(name)
        return
    variable = unicodedata.normalize("NFKC", value.strip())
    fits = variable.isidentifier() if python else re.fullmatch(r"[\w.]+", variable)
    if not fits and variable not in AMBIENT:
        message = Sentence(
            "{where}: {variable!r} is not the name of a variable", where=where, variable=variable
        )
        hint = "write the variable's bare name, like reads:df"
        marks.problems.append(Problem("NBF102", message, hint, line=line))
        return
    variables: list[str] = getattr(marks, kind)
    if variable not in variables:
        variables.append(variable)


def _near_miss(marks: Marks, tag: str) -> None:
    match = _NEAR.fullmatch(tag)
    if match and match[2].strip():
        word = match[1].lower()
        meant = f"{_PLURAL.get(word, word)}:{match[2].strip()[:80]}"
    else:
        role = _NEAR_ROLE.fullmatch(tag)
        if role is None:
            return
        meant = _PLURAL.get(role[1].lower(), role[1].lower())
    marks.problems.append(
        Problem(
            "NBF104",
            Sentence("the tag {tag!r} is no tag of nbflow and is ignored", tag=tag[:80]),
            Sentence("if you meant it, write {meant}", meant=meant),
            error=False,
        )
    )
