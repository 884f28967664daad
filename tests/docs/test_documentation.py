"""The documentation says all that there is, and nothing that there isn't."""

import ast
import json
import re
from pathlib import Path

import pytest
import typer.main

from nbflow.cli.entry import make_app
from nbflow.ipython.cell_magics import NAMES
from nbflow.ipython.dag_magic import VERBS
from nbflow.model.codes import CODES
from nbflow.model.dag import EdgeKind
from nbflow.notebooks.metadata import DagData, NotebookTaskData, TaskData
from nbflow.notebooks.schema import SCHEMA_FILE, schema_text
from nbflow.notebooks.tags import PREFIXES, ROLES
from nbflow.settings import VARIABLES

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("example*/**/*.md")])
FORMAT = (ROOT / "docs/reference/format.md").read_text(encoding="utf-8")
TEXT = {path: path.read_text(encoding="utf-8") for path in PAGES}
SOURCES = [path.read_text(encoding="utf-8") for path in (ROOT / "nbflow").rglob("*.py")]


def all_commands() -> dict[str, set[str]]:
    """Every command with its options."""

    def walk(group: object, path: tuple[str, ...]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            if hasattr(command, "commands"):
                found |= walk(command, (*path, name))
                if not command.invoke_without_command:
                    continue
            options = {opt for p in command.params for opt in (*p.opts, *p.secondary_opts)}
            found[" ".join((*path, name))] = options
        return found

    return walk(typer.main.get_command(make_app()), ())


def test_the_shipped_schema_is_the_one_the_models_give() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()
    schema = json.loads(schema_text())
    assert "retries" in schema["$defs"]["TaskData"]["properties"]
    assert schema["$defs"]["CellMetadata"]["properties"]["task"] == {"$ref": "#/$defs/TaskData"}


def test_the_generated_pages_are_fresh() -> None:
    names: dict[str, object] = {"__name__": "generate", "__file__": str(ROOT / "docs/generate.py")}
    exec(compile((ROOT / "docs/generate.py").read_text(), "generate.py", "exec"), names)
    for page, make in names["PAGES"].items():  # type: ignore[attr-defined]
        assert make() == (ROOT / "docs/reference" / page).read_text(encoding="utf-8"), page


def test_every_invariant_of_the_checker_is_documented() -> None:
    checks = (ROOT / "nbflow/metastore/checks").glob("*.py")
    asked = {code for path in checks for code in re.findall(r'"(I\d+)"', path.read_text())}
    page = (ROOT / "docs/reference/reliability.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| I")]
    told = {code for row in rows for code in re.findall(r"I\d+", row)}
    assert asked == told
    assert len(told) > 35


def test_every_command_and_option_is_documented() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    for command, options in all_commands().items():
        section = page.partition(f"## nbflow {command}\n")[2].partition("\n## ")[0]
        assert section, command
        for option in options:
            if option.startswith("-"):
                assert f"`{option}`" in section, (command, option)


@pytest.mark.parametrize("model", [TaskData, DagData, NotebookTaskData])
def test_every_setting_of_the_format_is_documented(model: type) -> None:
    for name in model.model_fields:  # type: ignore[attr-defined]
        assert f"| `{name}` |" in FORMAT, name


def test_every_tag_and_trigger_rule_is_documented() -> None:
    from nbflow.model.options import TriggerRule

    for prefix in PREFIXES:
        assert f"| `{prefix}:NAME` |" in FORMAT or f"| `{prefix}:VAR` |" in FORMAT, prefix
    for role in ROLES:
        assert f"| `{role}` |" in FORMAT, role
    for rule in TriggerRule:
        assert f"| `{rule}` |" in FORMAT, rule


def test_every_kind_of_edge_is_documented() -> None:
    page = (ROOT / "docs/how-to/explain.md").read_text(encoding="utf-8")
    for kind in EdgeKind:
        assert f"| `{kind}` |" in page, kind
        assert f"`{kind}`" in FORMAT, kind


def test_every_verb_and_option_of_the_magics_is_documented() -> None:
    page = (ROOT / "docs/reference/magics.md").read_text(encoding="utf-8")
    source = (ROOT / "nbflow/ipython/dag_magic.py").read_text(encoding="utf-8")
    options = set(re.findall(r'word (?:==|in) .*?"(--[a-z]+)"', source))
    assert {"--select", "--unfold", "--wait", "--format"} <= options
    short = {"--output": "-o", "--param": "-p"}
    for word in {*VERBS, *(short.get(option, option) for option in options)}:
        assert word in page, word
    for name in NAMES:
        assert f"`%%{name}" in page, name


def test_every_code_that_the_source_uses_is_registered_and_documented() -> None:
    page = (ROOT / "docs/reference/diagnostics.md").read_text(encoding="utf-8")
    used = {code for source in SOURCES for code in re.findall(r'"(NBF\d{3})"', source)}
    assert used - set(CODES) == set()
    for code in CODES:
        assert f"### {code} ·" in page, code


def test_every_environment_variable_is_documented() -> None:
    page = (ROOT / "docs/reference/environment.md").read_text(encoding="utf-8")
    used = {
        name
        for source in SOURCES
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for name in re.findall(r"^NBFLOW_[A-Z_]+$", node.value)
    }
    used |= {variable for variable, _ in VARIABLES.values()}
    missing = {name for name in used if f"`{name}" not in page}
    assert missing == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_resolve(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", TEXT[path]):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_in_the_text_exist(path: Path) -> None:
    known = all_commands()
    groups = {command.split()[0] for command in known if " " in command}
    for line in re.findall(r"(?:^|`)nbflow ([a-z][^`\n#]*)", TEXT[path], re.MULTILINE):
        words = line.split()
        command = " ".join(words[:2]) if words[0] in groups and len(words) > 1 else words[0]
        command = command.rstrip(",.")
        if words[0] == "scheduler" and words[1:2] != ["status"]:
            continue  # a verb that has verbs
        if command in groups or not command.isascii():
            continue
        if command not in known and f"{words[0]} create" in known:
            command = f"{words[0]} create"  # its verb may be left out
        assert command in known, line
        for option in (word for word in words if word.startswith("--")):
            assert option.partition("=")[0] in known[command] | {"--help"}, line


def test_make_doors_in_the_text_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for path, text in TEXT.items():
        for door in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE):
            assert re.search(rf"^{door}:", makefile, re.MULTILINE), (path, door)


def test_every_page_is_in_the_navigation() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in (ROOT / "docs").rglob("*.md"):
        assert str(path.relative_to(ROOT / "docs")) in config, path


def test_the_repository_names_no_registry_and_no_machine_path() -> None:
    words = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", str(ROOT)]
    for path, text in TEXT.items():
        assert not [word for word in words if word in text], path
    for name in ("Makefile", "pyproject.toml", ".ci/run", "mkdocs.yml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not [word for word in words if word in text], name
