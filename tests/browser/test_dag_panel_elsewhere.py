"""The panel in dark, in Korean, and below the base URL that JupyterHub gives."""

from typing import Any

import pytest
from jupyter_pages import Jupyter, axe_violations, open_document, shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_the_panel_speaks_korean_in_the_dark_below_a_base_url(page: Any, dark: Jupyter) -> None:
    pytest.importorskip(
        "jupyterlab_language_pack_ko_KR", reason="the Korean language pack is not installed"
    )
    dark.write("dark.ipynb", "%%task 적재\n표 = [1]", "%%task 보고\nprint(표, 없는_이름)")
    open_document(page, dark, "lab", "dark.ipynb")
    page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:open-dag'); }")
    page.locator('.nbf-canvas .task[data-task="보고"]').wait_for()
    page.get_by_role("button", name="목록").wait_for()
    page.locator(".nbf-canvas .edge .reach").hover(force=True)
    page.get_by_role("region", name="이유").get_by_text("표 값을 읽음").wait_for()
    page.get_by_text("✕ 오류 NBF203").wait_for()
    assert axe_violations(page, ".nbf-panel") == []
    shoot(page, "panel-dark-korean")


def test_the_settings_editor_speaks_korean_and_what_is_set_there_holds(
    page: Any, dark: Jupyter
) -> None:
    pytest.importorskip(
        "jupyterlab_language_pack_ko_KR", reason="the Korean language pack is not installed"
    )
    dark.write("settings.ipynb", "%%task 적재\n표 = [1]")
    open_document(page, dark, "lab", "settings.ipynb")
    page.locator(".jp-CodeCell .nbf-badge").first.wait_for()
    page.evaluate(
        "() => { void window.jupyterapp.commands.execute('settingeditor:open', { query: 'nbflow' }); }"
    )
    form = page.locator(".jp-SettingsPanel")
    form.get_by_text("열린 노트북의 DAG입니다.").first.wait_for()
    form.get_by_text("컴파일 전 대기 시간").first.wait_for()
    shoot(page, "settings-dark-korean")
    box = form.get_by_label("셀 배지")
    box.uncheck()
    hidden = page.locator(".nbf-badge.lm-mod-hidden").first
    hidden.wait_for(state="attached")
    box.check()
    hidden.wait_for(state="detached")
    form.get_by_text("컴파일 전 대기 시간").first.wait_for()
