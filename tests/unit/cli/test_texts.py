"""Which language is spoken."""

from collections.abc import Iterator

import pytest

from nbflow.cli import texts


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    texts.language.cache_clear()
    yield
    texts.language.cache_clear()


@pytest.mark.parametrize(
    ("variables", "spoken"),
    [
        ({"NBFLOW_LANG": "ko", "LANG": "en_US.UTF-8"}, "ko"),
        ({"NBFLOW_LANG": "en", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_setting_wins_over_the_locale(
    variables: dict[str, str], spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NBFLOW_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert texts.language() == spoken


def test_a_sentence_without_korean_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBFLOW_LANG", "ko")
    assert texts.t("No such {thing}.", thing="sentence") == "No such sentence."
