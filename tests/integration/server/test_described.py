"""Requests made of the API's description, good and bad ones: answers are what it says, never a 500."""

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from jupyter_servers import BASE, TOKEN, RunningServer

from nbflow.server.routes import ROUTES

EXAMPLE = Path(__file__).parents[3] / "example_notebooks" / "first_steps.ipynb"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance,negative_data_rejection"
)


@pytest.mark.timeout(300)
def test_whatever_is_asked_the_answer_is_as_described(server: RunningServer) -> None:
    program = Path(sysconfig.get_path("scripts")) / "schemathesis"
    if not program.exists():
        pytest.skip("schemathesis is not installed")
    shutil.copy(EXAMPLE, server.root)
    deployed = server.ask("/dags", "POST", {"path": EXAMPLE.name})
    assert deployed.status == 200
    assert server.ask("/dags/first_steps/runs", "POST", {}).status == 202
    description = server.root.with_name("openapi.json")
    description.write_text(json.dumps(server.ask("/openapi.json").json), encoding="utf-8")
    done = subprocess.run(
        [
            str(program), "run", str(description),
            "--url", f"http://127.0.0.1:{server.port}{BASE}nbflow/api",
            "--header", f"Authorization: token {TOKEN}",
            "--checks", CHECKS, "--phases", "coverage,fuzzing", "--max-examples", "20",
            "--seed", "20261126", "--continue-on-failure", "--no-color",
        ],
        cwd=server.root.parent, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert f"Tested: {len(ROUTES)}" in done.stdout, done.stdout[-2_000:]
    assert server.ask("/health").status == 200
