import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def dags() -> ModuleType:
    """The module of hand-made DAGs of the pictures' tests."""
    path = Path(__file__).parents[1] / "render" / "drawn_dags.py"
    spec = importlib.util.spec_from_file_location("drawn_dags", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
