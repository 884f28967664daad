"""Kernels without the wire: an IPython shell in a process of its own, and the runtime in it."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbflow.execution import kernel_runtime
from nbflow.model.attempt import AttemptSpec, CellToRun, Load, ReplayStep
from nbflow.model.ids import CellId, RunId, TaskName, Token

CHILD = """
import asyncio, json, sys, traceback
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
for kind, code in json.load(open(sys.argv[1])):
    print("\\x00", end="")
    result = asyncio.run(shell.run_cell_async(
        code, store_history=kind == "cell", silent=kind == "hidden",
        transformed_cell=shell.transform_cell(code)))
    if kind == "hidden" and not result.success:
        raise SystemExit("a hidden step failed")
"""


@dataclasses.dataclass
class Done:
    """What one kernel's life left: the text of each cell, the runtime's last answers."""

    texts: list[str]
    answers: dict
    exit_code: int
    errors: str

    @property
    def values(self):
        return {v.name: v for v in kernel_runtime.stored_values(self.answers["collect"]["values"])}

    @property
    def ambient(self):
        entries = self.answers["collect"]["ambient"]
        return {v.name: v for v in kernel_runtime.stored_values(entries)}


class Kernel:
    """Runs one attempt in one new process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def run(
        self, *cells, loads=(), embed=False, calls=("collect",), env=None, hidden=(), **fields
    ) -> Done:
        self.count += 1
        workdir = self.folder / f"attempt-{self.count}"
        workdir.mkdir()
        spec = make_spec(self.folder, workdir, loads=loads, **fields)
        spec_path = workdir / "spec.json"
        kernel_runtime.write_spec(spec, spec_path)
        steps = [("hidden", kernel_runtime.bootstrap_code(embed=embed))]
        steps += [("hidden", kernel_runtime.call_code("open_attempt", str(spec_path)))]
        steps += [("hidden", kernel_runtime.call_code("replay", 0, None))]
        steps += [("hidden", kernel_runtime.call_code("load"))]
        steps += [("hidden", code) for code in hidden]
        first = len(steps)
        steps += [("cell", cell) for cell in cells]
        steps += [("hidden", kernel_runtime.call_code(verb)) for verb in calls]
        script = workdir / "steps.json"
        script.write_text(json.dumps(steps))
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(script)],
            capture_output=True, text=True, timeout=100, cwd=self.folder,
            env={**os.environ, "IPYTHONDIR": str(self.folder / "ipython"), "MPLBACKEND": "agg", **(env or {})},
        )  # fmt: skip
        texts = done.stdout.split("\x00")[1:]
        answers = {}
        for verb in kernel_runtime.VERBS:
            if kernel_runtime.result_path(workdir, verb).exists():
                answers[verb] = kernel_runtime.read_result(workdir, verb)
        return Done(texts[first : first + len(cells)], answers, done.returncode, done.stderr)


def make_spec(folder: Path, workdir: Path, **fields) -> AttemptSpec:
    fields["loads"] = tuple(Load(name=v.name, value=v) for v in fields.get("loads", ()))
    fields["ambient_loads"] = tuple(
        Load(name=v.name, value=v) for v in fields.get("ambient_loads", ())
    )
    return AttemptSpec(
        run_id=RunId("run"), task=TaskName("task"), try_no=1, token=Token(1), kernel="python3",
        language="python", cwd=str(folder), workdir=str(workdir), values=str(folder / "values"),
        cells=tuple[CellToRun, ...](), **fields,
    )  # fmt: skip


@pytest.fixture
def kernel(tmp_path):
    return Kernel(tmp_path)


@pytest.fixture
def replay():
    def make(source, cell="c1", first_line=1, **fields):
        return ReplayStep(cell=CellId(cell), first_line=first_line, source=source, **fields)

    return make
