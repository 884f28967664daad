"""``python -m benchmarks [compile|cli|dags|run|scheduler|idle|panel]``: print the tables and the machine."""

import sys

from benchmarks import cli, dags, idle, machine, panel, run, scheduler
from benchmarks import compile as compile_notebooks

PARTS = {
    "compile": compile_notebooks.measure,
    "cli": cli.measure,
    "dags": dags.measure,
    "run": run.measure,
    "scheduler": scheduler.measure,
    "idle": idle.measure,
    "panel": panel.measure,
}


def main(names: list[str]) -> None:
    """Measure the named parts, or all."""
    if unknown := [name for name in names if name not in PARTS]:
        raise SystemExit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    print(machine.text())
    for name in names or PARTS:
        print(f"\n{name}\n{'─' * len(name)}", flush=True)
        for label, value in PARTS[name]():
            print(f"{label:<52} {value}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
