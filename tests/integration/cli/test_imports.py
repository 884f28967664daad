"""Every verb loads only what it needs, so that it starts fast."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "IPython",
    "alembic",
    "croniter",
    "graphviz",
    "ipywidgets",
    "jsonschema",
    "jupyter_client",
    "jupyter_server",
    "jupytext",
    "lark",
    "nbclient",
    "nbformat",
    "numpy",
    "pandas",
    "papermill",
    "rich",
    "sqlalchemy",
    "tornado",
    "yaml",
}
NOTEBOOK = "example_notebooks/first_steps.ipynb"
READS_NOTEBOOKS = {"IPython", "rich"}
"""Magics are read by IPython's own transformer. (Typer reads every option with pydantic.)"""
ASKS_METASTORE = {"sqlalchemy", "rich"}

MAY_LOAD: dict[tuple[str, ...], set[str]] = {
    ("version",): set(),
    ("config",): {"rich"},
    ("config", "--format", "json"): set(),
    ("lint", NOTEBOOK): READS_NOTEBOOKS,
    ("lint", "example_notebooks/electricity.py"): READS_NOTEBOOKS
    | {"jsonschema", "jupyter_client", "jupytext", "nbformat", "yaml"},
    ("show", NOTEBOOK): READS_NOTEBOOKS,
    ("show", NOTEBOOK, "--format", "json"): READS_NOTEBOOKS,
    ("show", NOTEBOOK, "--format", "dot"): READS_NOTEBOOKS | {"graphviz"},
    ("explain", NOTEBOOK): READS_NOTEBOOKS,
    ("tag", NOTEBOOK): READS_NOTEBOOKS | {"nbformat"},
    ("db", "init", "--without-examples"): ASKS_METASTORE,
    ("db", "check"): ASKS_METASTORE | {"alembic"},
    ("cleanup",): ASKS_METASTORE,
    ("runs", "list"): ASKS_METASTORE,
    ("dags", "import-errors"): ASKS_METASTORE | READS_NOTEBOOKS,
    ("dags", "state", "nobody"): ASKS_METASTORE,
    ("dags", "delete", "nobody", "--yes"): ASKS_METASTORE,
    ("notifications", "list"): ASKS_METASTORE,
    ("runs", "clear", "nobody", "--all"): ASKS_METASTORE,
    ("runs", "cancel", "nobody"): ASKS_METASTORE,
    ("runs", "open", "nobody", "a"): ASKS_METASTORE,
    ("runs", "delete", "nobody", "--yes"): ASKS_METASTORE,
    ("runs", "logs", "nobody", "-f"): ASKS_METASTORE,
    ("runs", "notebook", "nobody"): ASKS_METASTORE,
    ("tasks", "list", "nobody"): ASKS_METASTORE | READS_NOTEBOOKS,
    ("tasks", "states", "nobody"): ASKS_METASTORE,
    ("tasks", "logs", "nobody", "a"): ASKS_METASTORE,
    ("runs", "metrics", "nobody"): ASKS_METASTORE,
    ("dags", "pause", "nobody"): ASKS_METASTORE,
    ("scheduler", "status"): ASKS_METASTORE,
    ("scheduler", "stop"): {"sqlalchemy"},
    ("dags", "next", "nobody"): ASKS_METASTORE | {"croniter"},
    ("pools", "list"): ASKS_METASTORE,
    ("pools", "set", "gpu", "2"): ASKS_METASTORE,
    ("backfill", "list"): ASKS_METASTORE,
    ("backfill", "cancel", "nobody"): ASKS_METASTORE | {"croniter"},
    ("dags", "list"): ASKS_METASTORE | READS_NOTEBOOKS,
}

OF_OTHER_VERBS = {
    "nbflow.compiler",
    "nbflow.execution",
    "nbflow.metastore.claims",
    "nbflow.metastore.finish",
    "nbflow.metastore.taking_over",
    "nbflow.model.attempt",
    "nbflow.model.dag",
    "nbflow.notebooks.read",
    "nbflow.scheduling.decide",
}
"""Each takes time that the list of a thousand DAGs hasn't got."""

_PROGRAM = """
import sys
from nbflow.cli import main
sys.argv = ["nbflow", *sys.argv[1:]]
try:
    main()
finally:
    print("LOADED", *sorted(name for name, module in sys.modules.items() if module is not None))
"""


def loaded_by(words: tuple[str, ...], home: Path) -> set[str]:
    """Return the modules that a verb loads, whether it finds what it is asked for or not."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *words],
        env=os.environ | {"NBFLOW_HOME": str(home), "NBFLOW_LANG": "en"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (2 if "nobody" in words else int(words[0] == "scheduler")), (
        done.stderr
    )
    return set(done.stdout.rpartition("LOADED ")[2].split())


@pytest.mark.parametrize("words", MAY_LOAD, ids=" ".join)
def test_a_verb_loads_only_what_it_needs(words: tuple[str, ...], tmp_path: Path) -> None:
    loaded = {name.partition(".")[0] for name in loaded_by(words, tmp_path / "home")}
    assert loaded & HEAVY <= MAY_LOAD[words]


def test_the_list_of_dags_loads_nothing_that_only_other_verbs_need(tmp_path: Path) -> None:
    loaded = loaded_by(("dags", "list"), tmp_path / "home")
    assert "nbflow.metastore.dag_list" in loaded
    assert loaded & OF_OTHER_VERBS == set()


def test_importing_the_package_loads_nothing_else() -> None:
    program = "import sys, nbflow; print(*sorted(n for n in sys.modules if n.startswith('nbflow')))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["nbflow"]
