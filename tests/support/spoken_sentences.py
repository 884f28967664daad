"""Every sentence for users that the source holds, and how each is made."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from nbflow import errors
from nbflow.model.codes import CODES
from nbflow.notebooks.refusals import REFUSALS

PACKAGE = Path(__file__).parents[2] / "nbflow"
SPOKEN = {"t", "Sentence"}
ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.NbflowError)
}
MAKERS: dict[str, tuple[int | str, ...]] = {
    "Diagnostic": ("message", "hint"),
    "Finding": ("message", "hint"),
    "Problem": (1, 2),
    "warn": (3, 4),
    "add": (1, "hint"),
    "BadValueError": (0,),
    "KernelStartError": (0, "hint"),
    "GroupLostError": (0, "hint"),
    "ScheduleError": (0, "hint"),
    "_refused": (0,),
    "_misused": (0,),
    "_no_effect": (0,),
    "_no_move": (0,),
    "_damaged": (1,),
    "damaged": (1,),
    "_not_a_notebook": (1,),
    "RequestError": (2, "hint"),
    "make_problem": (2, "hint"),
    **dict.fromkeys(ERRORS, (0, "hint")),
}
"""Which arguments of a call are read by users: a message, a hint, or what stands inside one."""
NAMES = {"HELP", "message", "hint", "what", "kind", "where", "_HINT", "_EXAMPLES"}
"""Variables that such an argument is handed over in."""
IN_THE_KERNEL = PACKAGE / "execution" / "runtime"
"""Runs where nothing of nbflow is installed, and speaks English."""


def sources() -> Iterator[tuple[Path, ast.AST]]:
    """Every module whose messages reach users in their language."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if IN_THE_KERNEL not in path.parents:
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def handed_over() -> Iterator[tuple[Path, ast.expr]]:
    """Every expression that is handed over as a message or hint."""
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for part in _parts(node):
                    yield path, part


def sentences() -> set[str]:
    """Every literal that users may read: as it stands, or as the template that is filled."""
    found = {one for info in CODES.values() for one in (info.title, info.explanation, info.remedy)}
    found |= {str(template) for template in REFUSALS.values()}
    found |= {"error", "warning", "info"}
    for _, part in handed_over():
        found |= {text for text in _constants(part) if _says_something(text)}
    for _, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node) in SPOKEN and node.args:
                found |= {text for text in _constants(node.args[0]) if _says_something(text)}
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in NAMES:
                found |= {text for text in _constants(node.value) if _says_something(text)}
    return found


def _parts(call: ast.Call) -> Iterator[ast.expr]:
    wanted = MAKERS.get(_name(call), ())
    if _name(call) == "add" and not _is_code(call.args[:1]):
        return
    for index, argument in enumerate(call.args):
        if index in wanted:
            yield argument
    for keyword in call.keywords:
        if keyword.arg in wanted or (keyword.arg == "message" and 0 in wanted):
            yield keyword.value


def _is_code(arguments: list[ast.expr]) -> bool:
    return bool(arguments) and str(getattr(arguments[0], "value", "")).startswith("NBF")


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def _constants(part: ast.expr) -> set[str]:
    if isinstance(part, ast.Constant) and isinstance(part.value, str):
        return {part.value}
    if isinstance(part, ast.IfExp):
        return _constants(part.body) | _constants(part.orelse)
    return set()


def _says_something(text: str) -> bool:
    """Tell whether a text has a word of its own, not only places to fill, signs and a path."""
    if re.fullmatch(r"[\w.]+\.\w+", text):
        return False
    return bool(re.search(r"[A-Za-z]{2}", re.sub(r"\{[^}]*\}", "", text)))


def columns() -> set[str]:
    """Every heading of a table: the lists of column names given to ``emit``."""
    found = set()
    for path in (PACKAGE / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "emit":
                for part in ast.walk(node.args[1]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found.add(part.value.replace("_", " "))
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "columns":
                found |= {name.replace("_", " ") for name in ast.literal_eval(node.value)}
    return found
