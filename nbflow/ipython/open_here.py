"""``%dag open``: the inputs that a task had in a run, in the kernel that says so."""

import sys

from nbflow.texts import t, told


def open_here(run: str, task: str, item: int | None) -> None:
    """Load a task's inputs into this kernel and say what was bound. Nothing is run again."""
    from nbflow.app import open_service
    from nbflow.service.on_page import OnPage

    with open_service() as service:
        opening = service.open_task(run, task, item=item)
    names = opening.load_here()
    lines = []
    if opening.last is not None and opening.last.outcome is not None:
        why = told(opening.last.message)
        lines.append(
            t(
                "Try {number} of {task}: {why}",
                number=opening.last.try_no,
                task=opening.task,
                why=why,
            )
        )
    error = opening.error
    if error.get("cell"):
        lines.append(f"  {OnPage(opening.compiled).spot(error['cell'], error.get('line'))}")
    lines.append(t("Loaded: {names}", names=", ".join(names) or t("none")))
    sys.stdout.write("\n".join(lines) + "\n")
