"""One server for the tests of a module that only ask."""

from collections.abc import Iterator

import pytest
from jupyter_servers import RunningServer, jupyter_server


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, patched: pytest.MonkeyPatch
) -> Iterator[RunningServer]:
    with jupyter_server(tmp_path_factory.mktemp("jupyter"), patched) as running:
        yield running
