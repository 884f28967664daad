"""The story of JupyterLab's part is played as a whole: in Lab, in Notebook 7, in Korean and dark."""

import os
from pathlib import Path
from typing import Any

import pytest
from jupyter_pages import Jupyter
from story import Story, in_korean, keeper

pytestmark = [pytest.mark.browser, pytest.mark.kernel, pytest.mark.timeout(300)]


def kept(page: Any, prefix: str) -> dict[str, Any]:
    """Where NBFLOW_SCREENS says, pictures are kept for people to look at."""
    folder = os.environ.get("NBFLOW_SCREENS")
    return {"keep": keeper(page, Path(folder), prefix)} if folder else {}


@pytest.mark.parametrize("face", ["lab", "notebook"])
def test_cells_become_a_scheduled_dag_whose_runs_are_compared_by_keyboard_alone(
    page: Any, jupyter: Jupyter, face: str
) -> None:
    Story(page, jupyter, face, **kept(page, f"story-{face}")).play()


def test_the_story_in_korean_on_dark_ground(page: Any, dark: Jupyter) -> None:
    pytest.importorskip("jupyterlab_language_pack_ko_KR", reason="Lab's Korean is not installed")
    Story(page, dark, "lab", say=in_korean, **kept(page, "story-korean")).play()
