"""The documented lists of a cell as a part of its task: what its tags and options say counts, too."""

from dataclasses import replace

from nbflow.compiler.analysis.recorder import PROVIDED
from nbflow.compiler.effects import Summary
from nbflow.compiler.option_names import option_names
from nbflow.compiler.page import TaskTags
from nbflow.model.notebook import Cell


def corrected(summary: Summary, cell: Cell, tags: TaskTags, *, is_first: bool) -> Summary:
    """Return the lists with the cell's corrections, and on a task's first cell with the names that
    its ``when`` and ``foreach`` read and bind.
    """
    reads, binds = set(cell.reads), set(cell.writes)
    items: set[str] = set()
    for options in tags.options:
        read, item = option_names(options)
        items |= {item} if item is not None else set()
        if is_first:
            reads |= read - PROVIDED
    if is_first:
        binds |= items
    if not (reads or binds or items or tags.ignores):
        return summary
    needs = (set(summary.needs_now) - items) | reads
    bound = set(summary.binds) | binds
    return replace(
        summary,
        needs_now=tuple(sorted(needs)),
        needs_when_called=tuple(sorted(set(summary.needs_when_called) - needs)),
        binds=tuple(sorted(bound)),
        may_bind=tuple(sorted(set(summary.may_bind) - bound)),
        mutates=tuple(sorted(set(summary.mutates) - tags.ignores)),
    )
