"""``%%task``, ``%%setup`` and ``%%skip`` in a live kernel: the cell runs as if the line weren't
there.

The line is taken out before IPython looks at the cell, so errors, ``await``, displays and line
numbers are those of an ordinary cell.
"""

import re
import sys
from typing import Any

_LINE = re.compile(r"[ \t]*%%(task|setup|skip)(?=[ \t\r\n]|$)", re.IGNORECASE)
NAMES = ("task", "setup", "skip")


def without_line(lines: list[str]) -> list[str]:
    """Turn a leading ``%%task …`` line into a comment (IPython input transformer).

    If another cell magic follows, the line goes altogether, since IPython wants that one first.
    """
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is None or not _LINE.match(lines[first]):
        return lines
    rest = lines[first + 1 :]
    after = next((line for line in rest if line.strip()), "")
    if after.lstrip().startswith("%%") or not after:
        return rest
    return [*lines[:first], f"# {lines[first].lstrip()}", *rest]


without_line.has_side_effects = False  # type: ignore[attr-defined]  # IPython's protocol


def warn_of_options(info: Any) -> None:
    """Before a cell runs, say in one line what is wrong with its ``%%task`` line, if anything."""
    source = info.raw_cell or ""
    if not _LINE.match(source.lstrip()):
        return
    findings = _findings(source)
    if findings:
        print(f"nbflow: {'; '.join(findings)}", file=sys.stderr)  # noqa: T201 - the cell's stderr


def _findings(source: str) -> list[str]:
    """Read the cell as a compile would, alone on its page; return what is wrong with its line."""
    from nbflow.notebooks.cells import read_cells
    from nbflow.texts import told

    cell = {"cell_type": "code", "id": "this", "metadata": {}, "source": source, "outputs": []}
    _, findings = read_cells([cell], "", python=True)
    return list(dict.fromkeys(told(finding.message) for finding in findings))


def _run_body(shell: Any) -> Any:
    def run(line: str, cell: str) -> None:
        """Mark this cell for nbflow; in a notebook it runs as usual."""
        shell.run_cell(cell)

    return run


def install(shell: Any) -> None:
    """Add the transformer, the warning, and magics of these names for completion and help."""
    remove(shell)
    shell.input_transformer_manager.cleanup_transforms.insert(0, without_line)
    shell.events.register("pre_run_cell", warn_of_options)
    for name in NAMES:
        shell.register_magic_function(_run_body(shell), magic_kind="cell", magic_name=name)


def remove(shell: Any) -> None:
    """Undo :func:`install`; nothing happens if it wasn't done."""
    transforms = shell.input_transformer_manager.cleanup_transforms
    # By name: after a reload the old function is another object.
    transforms[:] = [t for t in transforms if getattr(t, "__name__", "") != "without_line"]
    callbacks = shell.events.callbacks["pre_run_cell"]
    callbacks[:] = [c for c in callbacks if getattr(c, "__name__", "") != "warn_of_options"]
    for name in NAMES:
        shell.magics_manager.magics["cell"].pop(name, None)
