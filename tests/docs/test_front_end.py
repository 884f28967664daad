"""The JupyterLab extension speaks Korean, too, and is of the package's version."""

import json
import re
from pathlib import Path

import pytest

from nbflow import __version__
from nbflow.model.options import TriggerRule
from nbflow.notebooks.metadata import TaskData

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "extension"
SOURCES = sorted((EXTENSION / "src").rglob("*.ts*"))
CATALOGUE = ROOT / "nbflow/locale/ko_KR/LC_MESSAGES/nbflow.json"
TEXT = r"""(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")"""
SAID = re.compile(rf"\b_?trans\s*\.__\(\s*{TEXT}")
COUNTED = re.compile(rf"\b_?trans\s*\._n\(\s*{TEXT},\s*{TEXT}")
CALLED = re.compile(r"\b_?trans\s*\.(?:__|_n)\(")
HANGUL = re.compile("[가-힣]")


def catalogue() -> dict[str, list[str]]:
    table = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {english: korean for english, korean in table.items() if english}


def sentences() -> set[str]:
    found = set()
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        said, counted = SAID.findall(text), COUNTED.findall(text)
        assert len(said) + len(counted) == len(CALLED.findall(text)), f"{path}: not a literal"
        found |= {first or second for first, second, *_ in (*said, *counted)}
    return {re.sub(r"\\(.)", r"\1", one) for one in found}


def test_every_sentence_of_the_extension_has_its_korean_and_nothing_is_spare() -> None:
    assert sorted(catalogue()) == sorted(sentences())


def test_what_is_counted_has_two_forms_since_jupyterlab_takes_no_single_one() -> None:
    """Korean has one form for all numbers, but Lab looks at how many are given."""
    counted = {
        first or second
        for path in SOURCES
        for first, second, *_ in COUNTED.findall(path.read_text(encoding="utf-8"))
    }
    assert {key for key, forms in catalogue().items() if len(forms) == 2} == counted
    assert all(len(set(forms)) == 1 for forms in catalogue().values())


@pytest.mark.parametrize("english", sorted(set(catalogue()) - {"DAG"}))
def test_a_translation_is_korean_and_keeps_the_places_to_fill(english: str) -> None:
    for korean in catalogue()[english]:
        assert HANGUL.search(korean)
        assert sorted(re.findall(r"%\d", korean)) == sorted(set(re.findall(r"%\d", english)))


def test_the_form_of_task_options_offers_what_the_model_knows_and_writes_no_defaults() -> None:
    schema = json.loads((EXTENSION / "schema/plugin.json").read_text(encoding="utf-8"))
    (form,) = schema["jupyter.lab.metadataforms"]
    fields = form["metadataSchema"]["properties"]
    known = {f"/nbflow/task/{name}" for name in TaskData.model_fields}
    assert set(fields) <= known
    assert fields["/nbflow/task/trigger_rule"]["enum"] == [rule.value for rule in TriggerRule]
    assert not any("default" in field for field in fields.values())
    assert form["metadataOptions"] == {
        name: {"cellTypes": ["code"], "writeDefault": False} for name in fields
    }


def test_the_words_of_the_form_are_those_of_its_schema_and_each_trigger_rule_has_some() -> None:
    source = (EXTENSION / "src/plugins/taskFormWords.ts").read_text(encoding="utf-8")
    options, rules = source.split("export function ruleWords")
    said = rf"trans\.__\(\s*{TEXT}\s*\)"
    words = re.findall(rf"(\w+): \{{\s*title: {said},\s*description: {said}", options)
    schema = json.loads((EXTENSION / "schema/plugin.json").read_text(encoding="utf-8"))
    (form,) = schema["jupyter.lab.metadataforms"]
    assert {name: [a or b, c or d] for name, a, b, c, d in words} == {
        place.removeprefix("/nbflow/task/"): [option["title"], option["description"]]
        for place, option in form["metadataSchema"]["properties"].items()
    }
    told = [name for name, *_ in re.findall(rf"(\w+): {said}", rules)]
    assert told == [rule.value for rule in TriggerRule]


def test_the_extension_has_the_version_of_the_package() -> None:
    package = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
    assert package["version"] == lock["version"] == __version__


def test_the_lock_file_names_no_place_that_packages_come_from() -> None:
    assert '"resolved"' not in (EXTENSION / "package-lock.json").read_text(encoding="utf-8")


def test_modules_stay_short() -> None:
    long = [p.name for p in SOURCES if len(p.read_text().splitlines()) > 300]
    assert long == ["schema.ts"]


def test_no_source_writes_markup_into_a_page() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet", text), path


def test_the_settings_have_their_korean() -> None:
    schema = json.loads((ROOT / "extension/schema/plugin.json").read_text(encoding="utf-8"))
    said = [schema["description"]]
    for setting in schema["properties"].values():
        said += [setting["title"], setting["description"]]
    (form,) = schema["jupyter.lab.metadataforms"]
    said.append(form["label"])
    for option in form["metadataSchema"]["properties"].values():
        said += [option["title"], option["description"]]
    assert set(said) <= set(catalogue())
