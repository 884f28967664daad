"""Run a notebook, or a folder of them, here and now, and say how it went."""

import json
import os
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.artifacts.local import LocalFiles
from nbflow.errors import NotFoundError, UsageError
from nbflow.model.dag import Dag
from nbflow.model.ids import RunId, TaskName
from nbflow.model.run import RunSnapshot
from nbflow.model.sentence import Sentence
from nbflow.model.states import CellStatus, RunKind, TaskState
from nbflow.scheduling.decide import side_by_side
from nbflow.scheduling.schedule import stored_zone
from nbflow.service.context import RunContext
from nbflow.service.drive import RunDriver
from nbflow.service.events import OnEvent, ignore
from nbflow.service.flights import RunSetup
from nbflow.service.interrupts import CancelSwitch, signals_press
from nbflow.service.leases import Leases
from nbflow.service.output_file import check_output
from nbflow.service.pages import Pages, open_pages
from nbflow.service.published import Published, left_out_sources, missing_sources
from nbflow.service.reports import RunReport, TaskReport
from nbflow.service.run_loop import RunLoop
from nbflow.service.select import select_tasks
from nbflow.service.targets import Compiled, Target, load_one, overrides, parameter_values

if TYPE_CHECKING:
    from nbflow.execution.executor import LocalExecutor
    from nbflow.notebooks.merge import ExecutedTask
    from nbflow.service.service import Service

BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How to run: values of parameters, a task selector, where to write the merged notebook.

    ``strict`` refuses kernel groups; ``date`` is the run's logical date, by default now;
    ``cancelled`` stops the run soon after it is set.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    select: str | Sequence[str] | None = None
    output: Path | None = None
    strict: bool = False
    date: datetime | None = None
    on_event: OnEvent = ignore
    cancelled: threading.Event | None = None
    handle_signals: bool = True


def run_notebook(
    service: "Service", target: Target, options: RunOptions, *, dag: str | None = None
) -> RunReport:
    """Run ``target`` to its end and report; a failed run is a report, too.

    Raises NotebookError, CompileError, ParameterError, NotFoundError, UsageError, StoreError and
    MetastoreError before anything runs.
    """
    compiled = load_one(target, dag, now=service.clock.wall())
    return run_compiled(service, compiled, options)


def run_compiled(service: "Service", compiled: Compiled, options: RunOptions) -> RunReport:
    """Run what is compiled already; see `run_notebook`."""
    refuse_inside_a_run()
    compiled.check(strict=options.strict)
    if options.output is not None:
        check_output(options.output, compiled)
    dag = compiled.dag
    context = new_context(RunKind.MANUAL, dag.options.timezone, service.clock.wall(), options.date)
    values = parameter_values(dag.parameters, context.fill(options.parameters))
    pages = open_pages(compiled.notebooks, overrides(compiled, options.parameters, context))
    selected = select_tasks(dag, options.select)
    published = _published_before(service, compiled, selected)
    begun = service.clock.monotonic()
    with service.executor() as executor:
        # Slots take a while to start: they do so while the run is recorded.
        names = selected or [task.name for task in dag.tasks]
        executor.warm(side_by_side(dag, names, service.settings.slots))
        setup = _set_up(service, compiled, pages, published, context)
        _record(service, compiled, context, values, selected)
        snapshot, reports = drive(service, executor, setup, options)
    seconds = service.clock.monotonic() - begun
    report = replace(report_of(dag, snapshot, reports, seconds), context=context)
    if options.output is not None:
        _write_merged(compiled, pages, report, options.output)
        report = replace(report, output=options.output)
    return report


def submit(service: "Service", compiled: Compiled, options: RunOptions) -> RunId:
    """Record a run of what is compiled, for a scheduler to carry out; return its id.

    What the schedule runs stays as it is. Raises what `run_notebook` raises before anything runs.
    """
    compiled.check(strict=options.strict)
    dag = compiled.dag
    context = new_context(RunKind.MANUAL, dag.options.timezone, service.clock.wall(), options.date)
    values = parameter_values(dag.parameters, context.fill(options.parameters))
    selected = select_tasks(dag, options.select)
    _published_before(service, compiled, selected)
    _record(service, compiled, context, values, selected, driven=False)
    return context.run_id


def refuse_inside_a_run() -> None:
    """Raise UsageError in a kernel that works for a run: a notebook that runs itself would start
    run after run without end.
    """
    from nbflow.execution.processes import SLOT_MARK

    if SLOT_MARK in os.environ:
        raise UsageError(
            "This kernel works for a run: a task can't start another one.",
            hint="Tag the cell skip, so that it is no part of the DAG.",
            code="NBF712",
        )


def new_run_id(kind: RunKind, at: datetime) -> RunId:
    """Return a run's name, unique over all DAGs and fit for a folder."""
    tail = "".join(secrets.choice(BASE32) for _ in range(8))
    return RunId(f"{kind}__{at:%Y%m%dT%H%M%SZ}__{tail}")


def new_context(kind: RunKind, timezone: str, now: datetime, date: datetime | None) -> RunContext:
    """Return the context of a run made now by hand: its interval is its logical date. A date without
    a zone is meant in the schedule's.
    """
    at = date or now
    if at.tzinfo is None:
        at = at.replace(tzinfo=stored_zone(timezone))
    return RunContext(
        run_id=new_run_id(kind, now),
        logical_date=at,
        data_interval_start=at,
        data_interval_end=at,
        timezone=timezone,
    )


def snapshots(compiled: Compiled) -> dict[str, bytes]:
    """Return the notebooks as they are kept with the DAG's version."""
    return {
        notebook.path: json.dumps(notebook.raw, ensure_ascii=False).encode("utf-8", "replace")
        for notebook in compiled.notebooks
    }


def _set_up(
    service: "Service",
    compiled: Compiled,
    pages: Pages,
    published: Published,
    context: RunContext,
) -> RunSetup:
    """Make room for the run's files. Raises StoreError where there can be none."""
    files = LocalFiles(service.settings.store)
    setup = RunSetup(
        dag=compiled.dag,
        pages=pages,
        run_id=context.run_id,
        published=published,
        root=files.root,
        values=files.folder("values"),
        slots=service.settings.slots,
        context=context.texts(),
    )
    files.folder(f"runs/{context.run_id}")
    return setup


def _record(
    service: "Service",
    compiled: Compiled,
    context: RunContext,
    values: Mapping[str, object],
    selected: tuple[TaskName, ...] | None,
    *,
    driven: bool = True,
) -> None:
    """Record the version and the run."""
    from nbflow.metastore import NewRun

    dag = compiled.dag
    # What people try out by hand is not what the schedule runs.
    version = service.store.deploy(dag, snapshots(compiled), current=False)
    service.store.create_run(
        NewRun(
            run_id=context.run_id,
            dag_id=dag.id,
            version=version,
            kind=RunKind.MANUAL,
            slot_key=f"manual:{context.run_id}",
            parameters=values,
            tasks=selected,
            logical_date=context.logical_date,
            data_interval=(context.data_interval_start, context.data_interval_end),
            folder=str(Path.cwd()),
            driven=driven,
        )
    )


def drive(
    service: "Service", executor: "LocalExecutor", setup: RunSetup, options: RunOptions
) -> tuple[RunSnapshot, dict[TaskName, TaskReport]]:
    """Drive a run of this process's own to its end; return it, and what became of what it tried."""
    switch = CancelSwitch(options.cancelled)
    leases = Leases(service.store, service.clock)
    driver = RunDriver(
        store=service.store,
        executor=executor,
        clock=service.clock,
        setup=setup,
        leases=leases,
        on_event=options.on_event,
    )
    loop = RunLoop(
        driver=driver,
        run_id=setup.run_id,
        store=service.store,
        executor=executor,
        clock=service.clock,
        leases=leases,
        switch=switch,
    )
    if not options.handle_signals:
        return loop.run(), driver.reports
    with signals_press(switch):
        return loop.run(), driver.reports


def _published_before(
    service: "Service", compiled: Compiled, selected: tuple[TaskName, ...] | None
) -> Published:
    """Return what the tasks left out stored in the last run that did.

    Raises NotFoundError that names the selector to use where nothing was stored.
    """
    published = Published()
    if selected is None:
        return published
    dag = compiled.dag
    for name in left_out_sources(dag, selected):
        found = service.store.values.latest(dag.id, name)
        if found.values or found.ambient:
            published.restore(name, found.values, found.ambient)
    missing = missing_sources(dag, selected, published)
    if missing:
        source, names = next(iter(missing.items()))
        selector = ",".join(f"+{name}" for name in selected)
        raise NotFoundError(
            Sentence(
                "task {source!r} is left out, and no earlier run stored its {names}",
                source=source,
                names=", ".join(names),
            ),
            hint=Sentence(
                "run it, too: select {selector} (on the command line --select)", selector=selector
            ),
            code="NBF513",
        )
    return published


def report_of(
    dag: Dag,
    snapshot: RunSnapshot,
    reports: Mapping[TaskName, TaskReport],
    seconds: float,
) -> RunReport:
    """Return how a run ended, with the ``reports`` of what was tried last."""
    found = []
    for task in dag.tasks:
        now = snapshot.tasks.get(task.name)
        if now is None:
            continue
        report = reports.get(task.name) or TaskReport(
            name=task.name, state=now.state, attempts=now.tries, note=now.note
        )
        found.append(replace(report, state=now.state, note=now.note or report.note))
    return RunReport(
        run_id=snapshot.run_id,
        dag_id=dag.id,
        state=snapshot.state,
        tasks=tuple(found),
        seconds=seconds,
        note=snapshot.note,
    )


def _write_merged(compiled: Compiled, pages: Pages, report: RunReport, output: Path) -> None:
    from nbflow.notebooks.write import write_notebook

    write_notebook(merged_notebook(compiled, pages, report), output)


def merged_notebook(compiled: Compiled, pages: Pages, report: RunReport) -> dict[str, Any]:
    """Return one executed notebook with all cells' outputs in page order.

    Of a DAG of several notebooks it holds the cells of all, one notebook after the other.
    """
    from nbflow.notebooks.merge import merge_executed

    executed = executed_tasks(report)
    documents = []
    for path in dict.fromkeys(n.path for n in compiled.notebooks):
        page = pages.pages[path]
        here = [
            executed[task.name]
            for task in compiled.dag.tasks
            if task.name in executed and task.notebook in (None, path)
        ]
        statuses = _statuses(compiled, report, path)
        merged = merge_executed(page.notebook.raw, here, statuses=statuses)
        for cell in merged["cells"]:
            if cell["id"] in page.overrides:
                cell["source"] = page.as_run(cell["id"], cell["source"])
        documents.append(merged)
    merged = documents[0]
    for other in documents[1:]:
        taken = {cell["id"] for cell in merged["cells"]}
        for number, cell in enumerate(other["cells"]):
            if cell["id"] in taken:
                cell["id"] = f"{cell['id'][:56]}-{number}"
            merged["cells"].append(cell)
    return merged


def executed_tasks(report: RunReport) -> "dict[TaskName, ExecutedTask]":
    """Read the executed notebooks of a run's tasks, as far as they exist."""
    from nbflow.execution.kernel_runtime import read_warned
    from nbflow.notebooks.merge import ExecutedTask

    found: dict[TaskName, ExecutedTask] = {}
    for task in report.tasks:
        if task.notebook is not None:
            try:
                raw = json.loads(task.notebook.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            found[task.name] = ExecutedTask(raw=raw, warned=read_warned(task.notebook.parent))
    return found


def _statuses(compiled: Compiled, report: RunReport, path: str) -> dict[str, str]:
    skipped = {t.name for t in report.tasks if t.state is TaskState.SKIPPED}
    return {
        str(cell): CellStatus.SKIPPED.value
        for task in compiled.dag.tasks
        if task.name in skipped and task.notebook in (None, path)
        for cell in task.cells
    }
