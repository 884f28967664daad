"""A DAG's parameters: found in the parameters cell, checked before a run, put in place.

Everything goes by the syntax tree; no code of the notebook is run.
"""

import ast
import io
import keyword
import re
import tokenize
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from nbflow.compiler.parameter_values import BadValueError, codify, read_text, read_value
from nbflow.errors import ParameterError
from nbflow.model.dag import Parameter
from nbflow.model.ids import CellId
from nbflow.model.notebook import Cell
from nbflow.model.sentence import Sentence

MAX_VALUE = 64_000
"""Longest value, in bytes of its source text."""

MAX_VALUES = 1_000_000
"""All values of a run together."""

_MAGIC_LINE = re.compile(r"^[ \t]*[%!?].*$|^[^#\n]*\?[ \t]*$", re.MULTILINE)
_TYPE_COMMENT = re.compile(r"type:\s*([^\s#]+)\s*#?\s*(.*)")
_NAMES = {"datetime.date": "date", "datetime.datetime": "datetime", "pathlib.Path": "path"}
_NAMES |= {"Path": "path", "NoneType": "None", "dt.date": "date", "dt.datetime": "datetime"}


def find_parameters(cell: Cell) -> tuple[Parameter, ...]:
    """Return the parameters that a cell assigns, in page order.

    A parameter is a top-level assignment of a literal, a date, a ``Path`` or an enum's member, or
    any annotated assignment. What is computed from others is none. A cell that does not parse has
    no parameters; the compiler reports its syntax error.
    """
    tree = _parse(cell.source)
    if tree is None:
        return ()
    comments = _comments(cell.source)
    found: dict[str, Parameter] = {}
    for name, statement in _assignments(tree):
        comment = comments.get(statement.end_lineno or statement.lineno, "")
        parameter = _parameter(cell.id, cell.source, name, statement, comment)
        if parameter is not None:
            found[name] = parameter
    return tuple(found.values())


def check_values(
    parameters: Sequence[Parameter], given: Mapping[str, object], *, from_text: bool
) -> dict[str, object]:
    """Return the given values as Python values of the parameters' types.

    ``from_text``: values are text typed at a command line, read by the parameter's type; else they
    are values (JSON ones too: an ISO date where a date is due). Raises ParameterError that lists
    all problems, with the known names as hint.
    """
    known = {one.name: one for one in parameters}
    problems: dict[str, str] = {}
    values: dict[str, object] = {}
    total, too_large = 0, False
    for written, value in given.items():
        name = unicodedata.normalize("NFKC", written)
        problem = _name_problem(name, known)
        if problem:
            problems[written] = problem
            continue
        try:
            if len(value) > MAX_VALUE if isinstance(value, str | bytes) else False:
                raise BadValueError(Sentence("is too large"))
            read = (
                read_text(known[name], str(value)) if from_text else read_value(known[name], value)
            )
            size = len(codify(read))
        except BadValueError as error:
            too_large = too_large or str(error) == "is too large"
            problems[written] = Sentence("{name} {error}", name=name, error=error.args[0])
            continue
        total += size
        if size > MAX_VALUE:
            too_large = True
            problems[written] = Sentence(
                "{name} is too large: {size:,} bytes; at most {max_value:,} are allowed",
                name=name,
                size=size,
                max_value=MAX_VALUE,
            )
        values[name] = read
    told = list(problems.values())
    if total > MAX_VALUES:
        too_large = True
        told.append(
            Sentence(
                "all values together have {total:,} bytes; at most {max_values:,}",
                total=total,
                max_values=MAX_VALUES,
            )
        )
    if told:
        names = ", ".join(f"{one.name} ({one.type})" for one in parameters) or Sentence("none")
        code = "NBF402" if too_large and len(told) == 1 else "NBF401"
        raise ParameterError(
            Sentence("{problems}", problems=tuple(told)),
            hint=Sentence("the parameters are: {names}", names=names),
            code=code,
            problems=problems,
        )
    return values


def apply_parameters(source: str, values: Mapping[str, object]) -> str:
    """Return a parameters cell's source with the values in place of the assigned ones.

    Every line keeps its number, so that what is computed from a parameter follows it and
    tracebacks point at the right place. Raises ParameterError for a name the cell doesn't assign.
    """
    if not values:
        return source
    tree = _parse(source)
    found = [] if tree is None else list(_assignments(tree))
    missing = sorted(set(values) - {name for name, _ in found})
    if missing:
        raise ParameterError(
            Sentence("the parameters cell does not assign {missing}", missing=", ".join(missing)),
            hint="assign a default there, like n = 10",
        )
    data = source.encode("utf-8", "surrogatepass")
    starts = _line_starts(data)
    places: dict[tuple[int, int], str] = {}
    for name, statement in found:
        node = statement.value
        if name not in values or node is None:
            continue
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        text = codify(values[name])
        lost = data.count(b"\n", start, end)
        places[start, end] = f"({text}{chr(10) * lost})" if lost else text
    for (start, end), text in sorted(places.items(), reverse=True):
        data = data[:start] + text.encode("utf-8", "surrogatepass") + data[end:]
    return data.decode("utf-8", "surrogatepass")


def _parse(source: str) -> ast.Module | None:
    """Parse a cell; lines of magics are blanked, keeping every position."""
    for text in (source, _MAGIC_LINE.sub(lambda match: " " * len(match[0].encode()), source)):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.Assign | ast.AnnAssign]]:
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield unicodedata.normalize("NFKC", target.id), statement
        elif (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.value is not None
        ):
            yield unicodedata.normalize("NFKC", statement.target.id), statement


def _parameter(
    cell: CellId, source: str, name: str, statement: ast.Assign | ast.AnnAssign, comment: str
) -> Parameter | None:
    value = statement.value
    if value is None:
        return None
    kind = _value_type(value)
    if isinstance(statement, ast.AnnAssign):
        kind = _annotated_type(statement.annotation, kind)
    typed = _TYPE_COMMENT.fullmatch(comment)
    if typed and kind is not None:
        kind, comment = _NAMES.get(typed[1], typed[1]), typed[2]
    if kind is None:
        return None
    default = ast.get_source_segment(source, value) or ast.unparse(value)
    return Parameter(
        name=name, type=kind, default=default, cell=cell, line=statement.lineno, help=comment
    )


def _annotated_type(annotation: ast.expr, kind: str | None) -> str:
    text = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
    text = str(text)
    if kind == "enum" and text.isidentifier():
        return "enum"
    return _NAMES.get(text, text)


def _value_type(node: ast.expr) -> str | None:
    """Return the type told by a default's syntax; None if it is computed."""
    call = _dotted(node.func) if isinstance(node, ast.Call) else None
    if isinstance(node, ast.Call):
        kind = _NAMES.get(call or "", call if call in ("date", "datetime") else None)
        arguments = [*node.args, *(one.value for one in node.keywords)]
        return kind if all(_value_type(one) for one in arguments) else None
    if isinstance(node, ast.Attribute):
        # a member of an enum: Color.RED; np.pi and the like are no members of a class
        dotted = _dotted(node)
        owner = dotted.split(".")[-2] if dotted else ""
        return "enum" if owner[:1].isupper() else None
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        items = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []
        if items and all(_value_type(item) for item in items):
            return type(node).__name__.lower()
        return None
    return "None" if value is None else type(value).__name__


def _dotted(node: ast.expr) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def _comments(source: str) -> dict[int, str]:
    """Return the comment of each line that holds code before it."""
    found: dict[int, str] = {}
    code: set[int] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            line = token.start[0]
            if token.type == tokenize.COMMENT and line in code:
                found[line] = token.string.lstrip("#").strip()
            elif token.string.strip():
                code.add(token.end[0])
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def _line_starts(data: bytes) -> list[int]:
    starts = [0]
    for line in re.split(rb"(?<=\n)|(?<=\r)(?!\n)", data):
        starts.append(starts[-1] + len(line))
    return starts


def _name_problem(name: str, known: Mapping[str, Parameter]) -> str | None:
    shown = repr(name[:60])
    if not name.isidentifier() or keyword.iskeyword(name):
        return f"{shown} is not the name of a variable"
    if name not in known:
        return f"{shown} is not a parameter"
    return None
