"""What a face points at - a file, a folder, a document - as notebooks and their DAG."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from nbflow.errors import CompileError, NotFoundError, ParameterError, is_contained, unforeseen
from nbflow.model.clock import SystemClock
from nbflow.model.codes import CODES
from nbflow.model.dag import Dag, Parameter
from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.ids import CellId
from nbflow.model.notebook import Cell, CellType, Notebook, Role
from nbflow.model.notices import Channel, Notify, shown_target, url_problem, variable_of
from nbflow.model.sentence import Sentence
from nbflow.service.context import RunContext, sample_context

Target = str | Path | Notebook
"""A notebook file, a folder of notebooks, or a notebook as an editor holds it."""

_KERNEL_GROUP = "NBF211"
_log = logging.getLogger("nbflow.targets")
NOTIFY_CODE = "NBF119"
NOTIFY_HINT = Sentence(
    "use a public https:// address, or put the host into NBFLOW_NOTIFY_ALLOW, here "
    "and for the scheduler"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiled:
    """A DAG with the notebooks it was made of, in the order of ``dag.notebooks``."""

    dag: Dag
    notebooks: tuple[Notebook, ...]

    def check(self, *, strict: bool = False) -> "Compiled":
        """Return self if it can run. Raises CompileError, with ``strict`` also for kernel groups."""
        from nbflow.notebooks.numbers import cell_numbers

        groups = [d for d in self.dag.diagnostics if d.code == _KERNEL_GROUP] if strict else []
        errors = [d for d in self.dag.diagnostics if d.severity is Severity.ERROR] + groups
        if errors:
            path, count = self.dag.notebooks[0], len(errors)
            raise CompileError(
                Sentence(
                    "{path} can't run as a DAG; findings that stop it: {count}.",
                    path=path,
                    count=count,
                ),
                diagnostics=self.dag.diagnostics,
                hint="nbflow lint shows all findings with their cells",
                numbers=cell_numbers(self.notebooks),
            )
        return self


def load_all(target: Target, *, now: datetime | None = None) -> list[Compiled]:
    """Read and compile everything at ``target``. Raises NotebookError, NotFoundError.

    The findings of the schedule are among those of each DAG; ``now`` is by default the machine's.
    """
    from nbflow.compiler import compile_notebook, compile_notebooks
    from nbflow.notebooks import read_folder, read_notebook

    now = now or SystemClock().wall()
    if not isinstance(target, Notebook) and Path(target).is_dir():
        notebooks = read_folder(target)
        by_path = {notebook.path: notebook for notebook in notebooks}
        found = [
            Compiled(
                dag=with_schedule_findings(dag, now),
                notebooks=tuple(by_path[p] for p in dag.notebooks),
            )
            for dag in compile_notebooks(notebooks)
        ]
        if not found:
            raise NotFoundError(
                Sentence("{target}: no notebook here is marked as a DAG", target=target),
                hint="tag a cell with task:NAME, or name the notebook itself",
            )
        return found
    notebook = target if isinstance(target, Notebook) else read_notebook(target)
    dag = with_schedule_findings(compile_notebook(notebook), now)
    return [Compiled(dag=dag, notebooks=(notebook,))]


def load_one(target: Target, dag: str | None = None, *, now: datetime | None = None) -> Compiled:
    """Read and compile the one DAG that is meant. Raises NotFoundError if that can't be told."""
    found = load_all(target, now=now)
    known = ", ".join(one.dag.id for one in found)
    if dag is not None:
        found = [one for one in found if one.dag.id == dag]
        if not found:
            raise NotFoundError(
                Sentence("there is no DAG {dag} in {target}", dag=dag, target=target),
                hint=Sentence("DAGs: {known}", known=known),
            )
    if len(found) > 1:
        raise NotFoundError(
            Sentence("{target}: holds {count} DAGs", target=target, count=len(found)),
            hint=Sentence("name one of them: {known}", known=known),
            code="NBF705",
        )
    return found[0]


def overrides(
    compiled: Compiled, given: Mapping[str, Any], context: RunContext
) -> dict[str, dict[CellId, str]]:
    """Return the parameters cells' sources with a run's values in place, by path and cell.

    Text is read by the parameter's type, other values must fit it; templates in both are filled.
    A whole notebook's own ``params`` go before its defaults, the run's context before defaults of
    its names, the run's values before all. Raises ParameterError.
    """
    values = parameter_values(compiled.dag.parameters, context.fill(given))
    params = {task.notebook: dict(task.params) for task in compiled.dag.tasks if task.notebook}
    found: dict[str, dict[CellId, str]] = {}
    for notebook in compiled.notebooks:
        cell = next((c for c in notebook.cells if _is_parameters_cell(c)), None)
        own = context.fill(params.get(notebook.path, {}))
        source = _applied(cell, own, values, context) if cell is not None else None
        if cell is not None and source is not None:
            found[notebook.path] = {cell.id: source}
    return found


def check_parameters(dag: Dag, given: Mapping[str, Any], now: datetime) -> None:
    """Raise ParameterError for values that a run would refuse."""
    parameter_values(dag.parameters, sample_context(now).fill(given))


def parameter_values(
    parameters: Sequence[Parameter], given: Mapping[str, Any]
) -> dict[str, object]:
    """Return the values of a run's parameters in their types. Raises ParameterError with all
    problems.
    """
    from nbflow.compiler.parameters import check_values

    if not given:
        return {}
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    others = {name: value for name, value in given.items() if name not in texts}
    problems: list[ParameterError] = []
    values: dict[str, object] = {}
    for part, from_text in ((texts, True), (others, False)):
        try:
            values |= check_values(parameters, part, from_text=from_text)
        except ParameterError as problem:
            problems.append(problem)
    if len(problems) == 2:
        message = Sentence("{problems}", problems=tuple(one.message for one in problems))
        by_name = {name: text for one in problems for name, text in one.problems.items()}
        raise ParameterError(message, hint=problems[0].hint, problems=by_name)
    if problems:
        raise problems[0]
    return values


def _applied(
    cell: Cell, own: Mapping[str, Any], values: Mapping[str, object], context: RunContext
) -> str | None:
    """Return a parameters cell's source with its values; None if all of them are the defaults."""
    from nbflow.compiler.parameters import apply_parameters, find_parameters

    here = find_parameters(cell)
    names = {parameter.name for parameter in here}
    chosen = context.values_for(here) | parameter_values(here, own)
    chosen |= {name: value for name, value in values.items() if name in names}
    return apply_parameters(cell.source, chosen) if chosen else None


def _is_parameters_cell(cell: Cell) -> bool:
    return cell.parameters and cell.type is CellType.CODE and cell.role is not Role.SKIP


def with_schedule_findings(dag: Dag, now: datetime) -> Dag:
    """Add what is wrong with the schedule, and with whom to tell, to the compiler's findings. A
    failure nobody foresaw is one of them, so that it stops no other DAG.
    """
    try:
        return _with_notify_findings(_with_schedule_findings(dag, now))
    except Exception as problem:
        if not is_contained(problem):
            raise
        # At this level those who only list what there is print no traceback.
        _log.info("the settings of %s could not be checked", dag.id, exc_info=problem)
        return replace(dag, diagnostics=(*dag.diagnostics, _unforeseen(dag, problem)))


def _unforeseen(dag: Dag, problem: Exception) -> Diagnostic:
    return Diagnostic(
        code="NBF900",
        severity=Severity.ERROR,
        message=Sentence(
            "the DAG's settings could not be checked: {problem}",
            problem=unforeseen(problem),
        ),
        hint=CODES["NBF900"].remedy,
        path=dag.notebooks[0],
    )


def _with_notify_findings(dag: Dag) -> Dag:
    found = [
        Diagnostic(
            code=NOTIFY_CODE,
            severity=Severity.ERROR,
            message=problem,
            hint=NOTIFY_HINT,
            path=dag.notebooks[0],
        )
        for _, problem in notify_problems(dag.options.notify)
    ]
    return replace(dag, diagnostics=(*dag.diagnostics, *found)) if found else dag


def notify_problems(entries: Sequence[Notify]) -> list[tuple[int, str]]:
    """Return, by number, the entries of ``notify`` that would post where nothing may be posted."""
    if not entries:
        return []
    from nbflow.service.notices import allowed_hosts
    from nbflow.settings import load_settings

    allowed = allowed_hosts(load_settings())
    return [
        (
            number,
            Sentence(
                "the dag's notify: {target} {problem}",
                target=shown_target(notify.channel, target), problem=problem,
            ),
        )
        for number, notify in enumerate(entries)
        for target in notify.to
        if notify.channel is not Channel.EMAIL and variable_of(target) is None
        and (problem := url_problem(target, allowed)) is not None
    ]  # fmt: skip


def _with_schedule_findings(dag: Dag, now: datetime) -> Dag:
    options = dag.options
    if not (options.schedule or options.start_date or options.end_date) and _is_utc(dag):
        return dag
    from nbflow.scheduling.plan import schedule_findings

    found = schedule_findings(options, now)
    return replace(dag, diagnostics=(*dag.diagnostics, *found)) if found else dag


def _is_utc(dag: Dag) -> bool:
    return dag.options.timezone == "UTC"
