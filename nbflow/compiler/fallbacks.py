"""Where a value comes from when the task that should have written it was skipped or failed."""

from collections.abc import Sequence

from nbflow.compiler.demand import Demand
from nbflow.compiler.drafts import Draft, Need
from nbflow.compiler.page_tasks import PageTasks
from nbflow.compiler.versions import Version


def add_fallbacks(tasks: PageTasks, demand: Demand) -> None:
    """Give readers behind a task that may end without success the earlier versions as well.

    A reader with the rule ``all_success`` behind such a task never runs, so this concerns readers
    whose own rule differs.
    """
    tolerant = {
        p.task
        for p in tasks.placed
        if p.cell.options.get("trigger_rule", "all_success") != "all_success"
    }
    if not tolerant:
        return
    history = _history(tasks)
    for name, draft in tasks.drafts.items():
        if name in tolerant:
            for need in list(draft.needs.values()):
                earlier = _earlier(tasks, draft, need, history[need.version.name])
                if earlier:
                    demand.want_fallbacks(draft, need, earlier)


def _history(tasks: PageTasks) -> dict[str, list[Version]]:
    """Return all versions of each name in page order."""
    history: dict[str, list[Version]] = {}
    for result in tasks.results:
        for version in result.versions:
            history.setdefault(version.name, []).append(version)
    return history


def _earlier(
    tasks: PageTasks, draft: Draft, need: Need, history: Sequence[Version]
) -> tuple[Version, ...]:
    """Return the last versions that earlier tasks leave of a name, the newest first."""
    found: list[Version] = []
    seen = {need.version.task}
    for version in reversed(history[: history.index(need.version)]):
        if version.task is None or version.is_deleted:
            break
        if version.task != draft.name and version.task not in seen:
            if tasks.drafts[version.task].last.get(version.name) is version:
                found.append(version)
            seen.add(version.task)
    return tuple(found)
