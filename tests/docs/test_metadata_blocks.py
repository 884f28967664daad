"""What the how-to pages say is written into a notebook is read without a finding."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from nbflow.notebooks import read_document

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
TEXT = {path.name: path.read_text(encoding="utf-8") for path in sorted(HOW_TO.glob("*.md"))}


def blocks(language: str) -> list[tuple[str, str]]:
    """Return the blocks of a language with their pages; of one line each where lines stand alone."""
    found = []
    for page, text in TEXT.items():
        for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S):
            alone = language == "text" or all(line.endswith("}}}") for line in block.splitlines())
            found += [(page, one) for one in (block.splitlines() if alone else [block])]
    return found


def findings(source: str = "x = 1", metadata: Any = None, whole: Any = None) -> list[str]:
    cell = {
        "cell_type": "code", "id": "a", "metadata": metadata or {"tags": ["task:one"]},
        "execution_count": None, "outputs": [], "source": source,
    }  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {
        "nbformat": 4, "nbformat_minor": 5, "cells": [cell],
        "metadata": {"kernelspec": kernel} | (whole or {}),
    }  # fmt: skip
    return [
        f"{one.code}: {one.text()}" for one in read_document(document, "page.ipynb").diagnostics
    ]


@pytest.mark.parametrize(("page", "block"), blocks("json"))
def test_metadata_of_a_page_is_read_without_a_finding(page: str, block: str) -> None:
    data = json.loads(block)
    inner = data.get("nbflow", data)
    if "version" in inner:
        found = findings(metadata={}, whole={"nbflow": inner})
        found = [one for one in found if "task" not in inner or "NBF115" not in one]
    else:
        found = findings(metadata={"tags": ["task:one"], "nbflow": inner})
    assert found == []


@pytest.mark.parametrize(("page", "line"), blocks("text"))
def test_a_task_line_of_a_page_is_read_without_a_finding(page: str, line: str) -> None:
    assert line.startswith("%%task "), page
    assert findings(f"{line}\nx = 1", metadata={"tags": []}) == []


def test_the_pages_hold_such_blocks() -> None:
    assert len(blocks("json")) > 8
    assert len(blocks("text")) > 3
