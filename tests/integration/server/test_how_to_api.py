"""The page on the API: its commands, run as they are written against a real server, are all answered."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from jupyter_servers import BASE, TOKEN, RunningServer

from nbflow.app import open_service

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120)]
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "api.md"


def cell(number: int, source: str, tag: str) -> dict[str, object]:
    return {
        "cell_type": "code", "id": f"c{number}", "metadata": {"tags": [tag]},
        "execution_count": None, "outputs": [], "source": source,
    }  # fmt: skip


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_command_of_the_page_is_answered(server: RunningServer, tmp_path: Path) -> None:
    cells = [
        cell(0, 'day: str = "2026-01-01"', "parameters"),
        cell(1, "rows = 3", "task:load"),
        cell(2, "raise ValueError(day, rows)", "task:train"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    path = server.root / "work" / "etl.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document | {"cells": cells}), encoding="utf-8")
    with open_service() as service:
        run_id = service.run(path).run_id

    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    script = "".join(blocks).replace(
        "http://localhost:8888/", f"http://127.0.0.1:{server.port}{BASE}"
    )
    asked = len(re.findall(r"^(?:curl|ask) ", script, re.M))
    (tmp_path / ".curlrc").write_text('write-out = "\\nanswered %{http_code}\\n"\n')
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", re.sub(r"\bRUN\b", run_id, script)],
        env=os.environ | {"TOKEN": TOKEN, "CURL_HOME": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    codes = re.findall(r"^answered (\d+)$", done.stdout, re.M)
    assert len(codes) == asked > 8
    assert set(codes) <= {"200", "201", "202"}, done.stdout
    assert "ValueError" in done.stdout
