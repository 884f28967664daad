"""``nbflow backfill``: run past slots of a DAG's schedule, and look after such backfills."""

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from nbflow.cli.deployed import DagName, shown
from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, as_text, emit, say, write
from nbflow.model.backfill import BackfillState, Reprocess, SlotAction, SlotWhy
from nbflow.texts import clean, language, t, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbflow.metastore import BackfillRow
    from nbflow.model.backfill import BackfillSlot

HELP = "Run past slots of a schedule; nbflow backfill DAG is short for nbflow backfill create DAG."
_CREATE = "create"
_SLOTS_SHOWN = 40
"""Of more slots those that follow each other and fare alike are one line of a table."""

BackfillText = Annotated[
    str,
    typer.Argument(
        metavar="BACKFILL", help=t("The id of a backfill, or its beginning; last is the newest.")
    ),
]


class Group(TyperGroup):
    """What follows ``nbflow backfill`` is a verb, or else the name of a DAG to backfill."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words after the group's name."""
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if not args or args[0] in known else [_CREATE, *args])


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command(_CREATE, help=t("Run the slots of a DAG's schedule between two dates."))(create)
    group.command("list", help=t("List the backfills."))(list_backfills)
    group.command(help=t("Show what a backfill has done with each slot so far."))(show)
    group.command(help=t("End a backfill, its runs that go on included."))(cancel)


def create(
    name: DagName,
    first: Annotated[
        str,
        typer.Option("--from", metavar="DATE", help=t("The first day or instant, included.")),
    ],
    last: Annotated[
        str,
        typer.Option("--to", metavar="DATE", help=t("The last day (all of it) or instant.")),
    ],
    reverse: Annotated[bool, typer.Option("--reverse", help=t("Run the newest slot first."))] = False,
    reprocess: Annotated[
        Reprocess,
        typer.Option("--reprocess", help=t("Which slots that have a run already to run again.")),
    ] = Reprocess.NONE,
    max_active: Annotated[
        int | None,
        typer.Option(
            "--max-active", min=1,
            help=t("How many of its runs may go at once, beside others; by default they count among the DAG's max_active_runs."),
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=t("Tell what would be done with each slot, and why."))
    ] = False,
    before_start: Annotated[
        bool, typer.Option("--before-start", help=t("Run slots before the start_date, too."))
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help=t("Confirm more than a thousand runs."))
    ] = False,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:  # fmt: skip
    """Record a backfill for a scheduler to work on, or tell what it would do."""
    from nbflow.app import open_service
    from nbflow.model.ids import DagId
    from nbflow.scheduling.words import in_words
    from nbflow.service import backfill
    from nbflow.service.backfill import BackfillRequest

    request = BackfillRequest(
        dag_id=DagId(name), first=first, last=last, reverse=reverse, reprocess=reprocess,
        max_active=max_active, before_start=before_start,
    )  # fmt: skip
    with open_service() as service:
        if dry_run:
            made, planned = None, backfill.plan(service, request)
        else:
            made, planned = backfill.create(service, request, confirmed=yes)
    slots = planned.slots[::-1] if reverse else planned.slots
    zone = planned.entry.timezone
    if dry_run:
        _emit_slots(slots, zone, form, output)
        if form is Form.TABLE and output is None:
            say(in_words(planned.entry.expression, zone, language()))
            say(_summary(slots))
    elif form in (Form.JSON, Form.YAML):
        facts = {"backfill_id": made.id if made else None, "dag_id": name, **_counts(slots)}
        write(as_text(facts, form), output)
    elif made is None:
        write(
            t("No slot of {dag} is to be run. {summary}", dag=name, summary=_summary(slots)), output
        )
    else:
        write(
            t(
                "Backfill {id} of {dag}: {summary} A scheduler works on it.",
                id=made.id, dag=name, summary=_summary(slots),
            ),
            output,
        )  # fmt: skip


def list_backfills(
    dag: Annotated[str | None, typer.Option("--dag", help=t("Only backfills of this DAG."))] = None,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the backfills, newest first."""
    from nbflow.app import open_service
    from nbflow.cli.looks import state_styles

    with open_service() as service:
        found = service.store.backfills.rows()
    found = [one for one in found if dag is None or one.entry.dag_id == dag]
    rows = [_row(one) | ({"runs": _runs(one)} if form is Form.TABLE else {}) for one in found]
    emit(
        rows,
        ["backfill_id", "dag_id", "state", "first_slot", "last_slot", "slots", "decided", "runs"],
        form,
        empty=t("No backfills yet. nbflow backfill DAG --from DATE --to DATE makes one."),
        styles={"state": state_styles()},
        output=output,
    )


def show(name: BackfillText, form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print one backfill with the slots it has decided on."""
    from nbflow.app import open_service
    from nbflow.cli.looks import state_styles
    from nbflow.service import backfill

    with open_service() as service:
        row, slots = backfill.show(service, name)
    zone = row.entry.timezone
    if form in (Form.JSON, Form.YAML):
        write(as_text({**_row(row), "decided": _decided_rows(slots, zone, form)}, form), output)
        return
    emit(
        _decided_rows(slots, zone, form),
        ["slot", "action", "why", "run_id", "state", "reason"],
        form,
        empty=t("No slot is decided on yet."),
        styles={"state": state_styles()},
        output=output,
    )
    if form is Form.TABLE and output is None:
        facts = _row(row)
        say(
            t(
                "Backfill {backfill_id} of {dag_id}: {state}; {decided} of {slots} slots decided on; runs: {runs}",
                **{**facts, "state": _state(row.entry.state), "runs": ", ".join(_runs(row))},
            )
        )


def cancel(name: BackfillText) -> None:
    """Cancel a backfill."""
    from nbflow.app import open_service
    from nbflow.service import backfill

    with open_service() as service:
        found, changed = backfill.cancel(service, name)
    if changed:
        say(t("Backfill {id} is cancelled; its runs are told to end.", id=found))
    else:
        say(t("Backfill {id} had ended already.", id=found))


def _emit_slots(slots: "Iterable[BackfillSlot]", zone: str, form: Form, output: Any) -> None:
    rows = _slot_rows(slots, zone, form)
    columns = ["slot", "action", "why", "run_id"]
    if form is Form.TABLE and len(rows) > _SLOTS_SHOWN:
        rows = _folded(rows)
        columns[1:1] = ["last_slot", "slots"]
    emit(
        rows, columns, form,
        empty=t("The schedule has no slot in this range."), output=output,
    )  # fmt: skip


def _folded(rows: "Sequence[dict[str, Any]]") -> list[dict[str, Any]]:
    """Return one row for slots that follow each other and of which the same becomes, for the same
    reason.
    """
    folded = []
    for _, group in groupby(rows, key=itemgetter("action", "why")):
        first, *others = group
        if others:
            first = first | {"last_slot": others[-1]["slot"], "run_id": None}
        folded.append(first | {"slots": 1 + len(others)})
    return folded


def _slot_rows(slots: "Iterable[BackfillSlot]", zone: str, form: Form) -> list[dict[str, Any]]:
    said = form is Form.TABLE
    return [
        {
            "slot": shown(one.slot, zone),
            "action": _action(one.action) if said else one.action.value,
            "why": _why(one.why) if said else one.why.value,
            "run_id": one.run_id,
        }
        for one in slots
    ]


def _decided_rows(slots: "Sequence[BackfillSlot]", zone: str, form: Form) -> list[dict[str, Any]]:
    """Return what became of slots, how their runs stand, and why."""
    return [
        row | {"state": one.run_state and one.run_state.value, "reason": clean(told(one.note))}
        for row, one in zip(_slot_rows(slots, zone, form), slots, strict=True)
    ]


def _action(action: SlotAction) -> str:
    match action:
        case SlotAction.NEW:
            return t("new run")
        case SlotAction.RERUN:
            return t("re-run")
        case SlotAction.IN_FLIGHT:
            return t("in flight")
        case SlotAction.SKIPPED:
            return t("left out")


def _why(why: SlotWhy) -> str:
    match why:
        case SlotWhy.NO_RUN:
            return t("it has no run")
        case SlotWhy.SUCCEEDED:
            return t("its run succeeded")
        case SlotWhy.FAILED:
            return t("its run failed")
        case SlotWhy.CANCELLED:
            return t("its run was cancelled")
        case SlotWhy.GOES_ON:
            return t("its run goes on")
        case SlotWhy.BEFORE_START:
            return t("before start_date")
        case SlotWhy.AFTER_END:
            return t("after end_date")
        case SlotWhy.FUTURE:
            return t("in the future")


def _state(state: BackfillState) -> str:
    match state:
        case BackfillState.RUNNING:
            return t("under way")
        case BackfillState.DONE:
            return t("done")
        case BackfillState.CANCELLED:
            return t("cancelled")


def _counts(slots: "Iterable[BackfillSlot]") -> dict[str, int]:
    found = [one.action for one in slots]
    return {action.name.lower(): found.count(action) for action in SlotAction}


def _summary(slots: "Iterable[BackfillSlot]") -> str:
    return t(
        "New: {new}, re-run: {rerun}, in flight: {in_flight}, left out: {skipped}.",
        **_counts(slots),
    )


def _runs(found: "BackfillRow") -> list[str]:
    """Return how many runs are in which state, for people."""
    from nbflow.cli.looks import state_word

    return [f"{count} {state_word(state.value)}" for state, count in sorted(found.runs.items())]


def _row(found: "BackfillRow") -> dict[str, Any]:
    entry = found.entry
    return {
        "backfill_id": entry.id,
        "dag_id": str(entry.dag_id),
        "state": entry.state.value,
        "first_slot": shown(entry.first, entry.timezone),
        "last_slot": shown(entry.last, entry.timezone),
        "slots": entry.slots,
        "decided": found.decided,
        "runs": [f"{count} {state.value}" for state, count in sorted(found.runs.items())],
    }
