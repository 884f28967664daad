"""Pools as people set them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Call = Callable[..., Any]


def test_a_pool_is_made_changed_used_and_deleted(nbflow: Call, tmp_path: Path) -> None:
    assert "Pool gpu is made; slots: 2." in nbflow("pools", "set", "gpu", 2).stdout
    assert "Pool gpu is changed; slots: 3." in nbflow("pools", "set", "gpu", 3).stdout
    rows = json.loads(nbflow("pools", "list", "-f", "json").stdout)
    assert rows[1] == {"pool": "gpu", "slots": 3, "running": 0, "queued": 0, "free": 3}
    assert "여유" in nbflow("pools", "list", NBFLOW_LANG="ko").stdout
    cell = {
        "cell_type": "code", "id": "c0", "execution_count": None, "outputs": [], "source": "1",
        "metadata": {
            "tags": ["task:train"], "nbflow": {"task": {"pool": "gpu", "pool_slots": 4}},
        },
    }  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    path = tmp_path / "model.ipynb"
    path.write_text(json.dumps({**document, "cells": [cell]}), encoding="utf-8")
    refused = nbflow("dags", "deploy", path)
    assert refused.returncode == 2
    assert "wants 4 slots of the pool 'gpu', which has 3" in refused.stderr
    nbflow("pools", "set", "gpu", 4)
    assert nbflow("dags", "deploy", path).returncode == 0
    assert "NBF614" in nbflow("pools", "set", "gpu", 3).stderr
    assert "NBF620" in nbflow("pools", "delete", "gpu").stderr
    assert nbflow("dags", "delete", "model", "--yes").returncode == 0
    assert "Pool gpu is deleted." in nbflow("pools", "delete", "gpu").stdout


def test_what_is_no_pool_is_refused_in_words(nbflow: Call) -> None:
    assert "no pool 'nothing'" in nbflow("pools", "delete", "nothing").stderr
    assert "NBF620" in nbflow("pools", "delete", "default").stderr
    assert nbflow("pools", "set", "x" * 101, 1).returncode == 2
    assert "A pool has 1 slot or more, not -1." in nbflow("pools", "set", "gpu", -1).stderr
    none = nbflow("pools", "set", "gpu", 0, NBFLOW_LANG="ko")
    assert none.returncode == 2
    assert "NBF901" in none.stderr
    assert "풀의 슬롯은 1개 이상이어야 합니다" in none.stderr
