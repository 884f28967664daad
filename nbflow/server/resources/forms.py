"""Compiled DAGs as the API gives them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from nbflow.model.dag import Dag, Place
from nbflow.model.diagnostics import Diagnostic
from nbflow.model.notebook import Role
from nbflow.model.schedule import zone_or_utc
from nbflow.render.fold import Folded
from nbflow.render.picture import picture_of, why
from nbflow.scheduling.words import in_words
from nbflow.server.models.dags import (
    BoxForm,
    ChipForm,
    DagForm,
    EdgeForm,
    FrameForm,
    GroupForm,
    LineForm,
    MembershipForm,
    ParameterForm,
    PlaceForm,
    SketchForm,
    TaskForm,
)
from nbflow.server.models.fields import Finding
from nbflow.server.models.schedules import FireForm
from nbflow.server.places import NotebookPlaces
from nbflow.service.on_page import OnPage
from nbflow.service.targets import Compiled
from nbflow.texts import LANGUAGES


def dag_form(compiled: Compiled, places: NotebookPlaces, lang: str) -> DagForm:
    """Return a DAG for clients, its reasons and findings in a language."""
    dag, page = compiled.dag, OnPage(compiled, lang)
    options = dag.options
    return DagForm(
        dag_id=dag.id,
        digest=dag.digest,
        notebooks=[places.shown(path) or path for path in dag.notebooks],
        description=options.description,
        owner=options.owner,
        tags=list(options.tags),
        schedule=options.schedule,
        timezone=options.timezone,
        tasks=_tasks(dag, page),
        edges=_edges(dag, page, lang),
        groups=[
            GroupForm(name=g.name, tasks=list(g.tasks), variable=g.variable, type=g.type)
            for g in dag.groups
        ],
        parameters=[ParameterForm.model_validate(one) for one in dag.parameters],
        membership=_membership(compiled, page),
        diagnostics=page_findings(dag.diagnostics, page, places),
    )


def sketch_form(view: Folded, lang: str, *, roomy: bool) -> SketchForm:
    """Return what there is to see of a DAG, sections folded, for clients that place and paint it."""
    picture = picture_of(view.dag, lang=lang, members=view.members, roomy=roomy)
    return SketchForm(
        roomy=roomy,
        title=picture.title,
        summary=picture.summary,
        boxes=[
            BoxForm(**asdict(box), members=list(view.members.get(box.task, ())))
            for box in picture.boxes
        ],
        lines=[LineForm.model_validate(line) for line in picture.lines],
        frames=[FrameForm.model_validate(frame) for frame in picture.frames],
        chips=[ChipForm.model_validate(chip) for chip in picture.chips],
    )


def page_findings(
    found: Iterable[Diagnostic], page: OnPage, places: NotebookPlaces
) -> list[Finding]:
    """Return findings for clients, cells by what people call them."""
    return [
        Finding(
            code=one.code,
            severity=one.severity.value,
            message=page.told(one.message),
            hint=page.told(one.hint),
            cell=one.cell,
            line=one.line,
            path=None if one.path is None else places.shown(one.path) or one.path,
            place=page.place(one),
        )
        for one in found
    ]


def words(expression: str, timezone: str) -> dict[str, str]:
    """Return what a schedule says in every language."""
    return {lang: in_words(expression, timezone, lang) for lang in LANGUAGES}


def fire_forms(fires: Iterable[datetime], timezone: str) -> list[FireForm]:
    """Return instants for clients, in a schedule's zone and in UTC."""
    zone = zone_or_utc(timezone)
    return [
        FireForm(local=at.astimezone(zone).isoformat(timespec="seconds"), utc=at.astimezone(UTC))
        for at in fires
    ]


def _tasks(dag: Dag, page: OnPage) -> list[TaskForm]:
    groups = {task: group.name for group in dag.groups for task in group.tasks}
    sections = page.sections
    return [
        TaskForm(
            name=task.name,
            cells=list(task.cells),
            notebook=task.notebook,
            waits_for=list(dag.upstream(task.name)),
            section=sections.get(str(task.name), ""),
            group=groups.get(task.name),
            when=task.options.when,
            foreach=task.options.foreach,
            trigger_rule=task.options.trigger_rule.value,
            retries=task.options.retries,
            pool=task.options.pool,
            needs=_distinct(task.needs_now, task.needs_when_called),
            binds=_distinct(task.binds, task.may_bind),
            mutates=list(task.mutates),
        )
        for task in dag.tasks
    ]


def _membership(compiled: Compiled, page: OnPage) -> list[MembershipForm]:
    tagged = {
        cell.id
        for notebook in compiled.notebooks
        for cell in notebook.cells
        if cell.parameters or cell.role is not Role.UNTAGGED
    }
    inside = {(cell, str(task.name)) for task in compiled.dag.tasks for cell in task.cells}
    return [
        MembershipForm(
            cell=cell,
            role=role,
            task=role if (cell, role) in inside else None,
            tagged=cell in tagged,
            number=page.number(cell, role),
        )
        for cell, role in compiled.dag.membership
    ]


def _distinct(*names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name for some in names for name in some))


def _edges(dag: Dag, page: OnPage, lang: str) -> list[EdgeForm]:
    return [
        EdgeForm(
            source=edge.source,
            target=edge.target,
            kind=edge.kind.value,
            variable=edge.variable,
            writer=_place(edge.writer),
            reader=_place(edge.reader),
            why=why(said, lang),
        )
        for edge, said in zip(dag.edges, page.dag.edges, strict=True)
    ]


def _place(place: Place | None) -> PlaceForm | None:
    return None if place is None else PlaceForm(cell=place.cell, line=place.line)
