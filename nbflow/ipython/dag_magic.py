"""``%dag``: draw, check, explain, show and run the notebook that it stands in."""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class

from nbflow.errors import CompileError, NbflowError, RunFailedError, UsageError
from nbflow.ipython.current import age_words, current_notebook, freshness
from nbflow.ipython.open_here import open_here
from nbflow.ipython.runs import RunNotebook, RunRequest, run_here
from nbflow.model.dag import Dag
from nbflow.model.diagnostics import Severity
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState
from nbflow.render.words import say
from nbflow.service.on_page import OnPage
from nbflow.service.targets import Compiled, load_one
from nbflow.texts import language, told

USAGE = """\
%dag [PATH]                    draw the notebook's DAG
%dag lint [PATH]               list what is wrong or worth knowing
%dag explain [A B] [PATH]      say why edges exist: all, or those from A to B
%dag show [PATH] [--format F]  print it as text, json or dot, or show it as svg or png
%dag run [PATH] [-p NAME=VALUE ...] [--select TASKS] [-o FILE] [--wait]
                               run it, and colour the picture while it runs; with --wait the cell
                               ends with the run, and fails if it does
%dag open RUN TASK [--item N]  load the inputs that a task had in a run into this kernel

Above 60 tasks sections are folded; --unfold SECTION opens one, --unfold all every one.
"""

VERBS = ("lint", "explain", "show", "run", "open", "help")
_STALE_SECONDS = 120.0


@dataclass(slots=True)
class Line:
    """A parsed ``%dag`` line."""

    verb: str = "draw"
    path: str | None = None
    names: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    select: str | None = None
    output: str | None = None
    form: str = "text"
    wait: bool = False
    item: int | None = None
    unfold: list[str] = field(default_factory=list)


def parse_line(text: str) -> Line:
    """Read a ``%dag`` line. Raises UsageError NBF711 with the usage for anything else."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _misused(Sentence("The line can't be read: {error}.", error=error)) from error
    line = Line()
    if words and words[0] in VERBS:
        line.verb = words.pop(0)
    while words:
        word = words.pop(0)
        if word in {"-p", "--param"}:
            name, equals, value = _value(words, word).partition("=")
            if not equals or not name:
                raise _misused(Sentence("{word} takes NAME=VALUE.", word=word))
            line.parameters[name] = value
        elif word == "--select":
            line.select = _value(words, word)
        elif word in {"-o", "--output"}:
            line.output = _value(words, word)
        elif word == "--format":
            line.form = _value(words, word)
        elif word == "--unfold":
            line.unfold.append(_value(words, word))
        elif word == "--item":
            line.item = _item(_value(words, word))
        elif word == "--wait":
            line.wait = True
        elif word.startswith("-"):
            raise _misused(Sentence("There is no option {word}.", word=word))
        elif word.lower().endswith((".ipynb", ".py", ".md")):
            line.path = word
        else:
            line.names.append(word)
    _check_names(line)
    return line


def _check_names(line: Line) -> None:
    if line.verb == "open" and len(line.names) != 2:
        raise _misused("open takes a run and a task.")
    if line.names and (line.verb not in {"explain", "open"} or len(line.names) != 2):
        raise _misused(Sentence("What is {names!r}?", names=line.names[0]))


def _item(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise _misused(Sentence("{word} takes a number from 1.", word="--item"))
    return int(text)


def _value(words: list[str], option: str) -> str:
    if not words:
        raise _misused(Sentence("{option} takes a value.", option=option))
    return words.pop(0)


def _misused(message: str) -> UsageError:
    return UsageError(message, hint=Sentence("Usage:\n{usage}", usage=USAGE), code="NBF711")


@magics_class
class DagMagics(Magics):  # type: ignore[misc]  # IPython's classes count as untyped
    """The ``%dag`` magic. ``load`` and ``run_notebook`` are its ways into compiler and engine."""

    load: Callable[[Path], Compiled] = staticmethod(load_one)
    run_notebook: RunNotebook = staticmethod(run_here)

    @line_magic  # type: ignore[untyped-decorator]
    def dag(self, text: str) -> Any:
        """Draw, check, explain or run this notebook's DAG; ``%dag help`` lists the ways."""
        line = Line()
        try:
            line = parse_line(text)
            if line.verb == "help":
                print(USAGE, end="")  # noqa: T201
                return None
            if line.verb == "open":
                return open_here(line.names[0], line.names[1], line.item)
            path = Path(line.path) if line.path else current_notebook(self.shell.user_ns)
            return getattr(self, f"_{line.verb}")(line, path, language())
        except NbflowError as error:
            # A problem of the user's is a sentence, not a traceback.
            if line.wait:
                raise CellFailure(error) from None
            print(error_text(error), file=sys.stderr)  # noqa: T201
            return None

    def _draw(self, line: Line, path: Path, lang: str) -> Any:
        from nbflow.ipython.dag_view import DagView

        view = OnPage(self.load(path)).folded(line.unfold)
        return DagView(view, lang=lang, head=self._head(line, path, lang))

    def _lint(self, line: Line, path: Path, lang: str) -> None:
        compiled = self.load(path)
        page = OnPage(compiled, lang)
        for finding in compiled.dag.diagnostics:
            print(page.finding(finding))  # noqa: T201
        if not compiled.dag.diagnostics:
            print(say("lint.clean", lang))  # noqa: T201

    def _explain(self, line: Line, path: Path, lang: str) -> None:
        print(explain(OnPage(self.load(path)).dag, line.names, lang))  # noqa: T201

    def _show(self, line: Line, path: Path, lang: str) -> Any:
        from IPython.display import SVG, Image

        from nbflow.render.draw import draw

        compiled = self.load(path)
        if line.form in ("dot", "json"):
            drawn = draw(compiled.dag, line.form, lang=lang)
        else:
            view = OnPage(compiled).folded(line.unfold)
            drawn = draw(view.dag, line.form, lang=lang, members=view.members)
        if isinstance(drawn, bytes):
            return Image(data=drawn, retina=True)
        if line.form == "svg":
            return SVG(data=drawn)
        print(drawn)  # noqa: T201
        return None

    def _run(self, line: Line, path: Path, lang: str) -> None:
        from nbflow.ipython.live_run import LiveRun

        compiled = self.load(path)
        request = RunRequest(
            compiled=compiled,
            parameters=line.parameters,
            select=line.select,
            output=Path(line.output) if line.output else None,
        )
        _check(request)
        live = LiveRun(OnPage(compiled).folded(line.unfold), request, self.run_notebook, lang=lang)
        live.show()
        live.start()
        if line.wait:
            ending = live.wait()
            if ending.state is not RunState.SUCCESS:
                word = say(f"live.{ending.state.value}", lang)
                raise RunFailedError(f"{word}. {ending.message}".strip())

    def _head(self, line: Line, path: Path, lang: str) -> str:
        """Say that the saved file is drawn where it may differ from what the page shows."""
        if line.path or not path.is_file():
            return ""
        ran = self.shell.history_manager.input_hist_raw
        fresh = freshness(path, ran, datetime.now(UTC))
        if not fresh.behind and fresh.age < _STALE_SECONDS:
            return ""
        return say("magic.saved", lang, file=path.name, age=age_words(fresh.age, lang))


class CellFailure(Exception):  # noqa: N818 - what people read is its name
    """Fails the cell, so that *Run All* stops, with the error's sentence in place of a traceback."""

    def __init__(self, error: NbflowError) -> None:
        super().__init__(error_text(error))

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def error_text(error: NbflowError) -> str:
    """Return code and sentence, and the way out on a line of its own."""
    return f"{error.code}: {told(error.message)}" + (f"\n{told(error.hint)}" if error.hint else "")


def _check(request: RunRequest) -> None:
    """Raise what can't run; findings are shown as ``%dag lint`` shows them."""
    try:
        request.check()
    except CompileError as error:
        page = OnPage(request.compiled)
        findings = [d for d in error.diagnostics if d.severity is Severity.ERROR]
        raise CompileError(
            "The notebook can't run as a DAG yet.",
            diagnostics=error.diagnostics,
            hint="\n".join(page.finding(one) for one in findings),
        ) from None


def explain(dag: Dag, names: Sequence[str], lang: str) -> str:
    """Return why edges exist, one task pair a paragraph; all, or those from one task to another.

    Raises NotFoundError NBF902 for a name that is no task.
    """
    from nbflow.errors import NotFoundError
    from nbflow.render.picture import why

    known = [str(task.name) for task in dag.tasks]
    for name in names:
        if name not in known:
            raise NotFoundError(
                Sentence("There is no task {name!r} in {id}.", name=name, id=dag.id),
                hint=Sentence("Tasks: {known}.", known=", ".join(known)),
            )
    wanted = tuple(names) if names else None
    pairs: dict[tuple[str, str], list[str]] = {}
    for edge in dag.edges:
        if wanted is None or (edge.source, edge.target) == wanted:
            pairs.setdefault((edge.source, edge.target), []).append(why(edge, lang))
    if not pairs and wanted:
        return say("explain.none", lang, source=wanted[0], target=wanted[1])
    return "\n".join(
        f"{source} → {target}\n" + "\n".join(f"  • {reason}" for reason in dict.fromkeys(reasons))
        for (source, target), reasons in pairs.items()
    )
