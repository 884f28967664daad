"""Where a value comes from when the task that should have written it was skipped or failed."""

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
    for name, draft in tasks.drafts.items():
        if name in tolerant:
            for need in list(draft.needs.values()):
                _extend(tasks, demand, draft, need)


def _extend(tasks: PageTasks, demand: Demand, draft: Draft, need: Need) -> None:
    versions: list[Version] = []
    seen = {need.version.task}
    version = need.version.previous
    while version is not None and version.task is not None and not version.is_deleted:
        if version.task != draft.name and version.task not in seen:
            if tasks.drafts[version.task].last.get(version.name) is version:
                versions.append(version)
            seen.add(version.task)
        version = version.previous
    if versions:
        demand.want_fallbacks(draft, need, tuple(versions))
