"""Which language is spoken."""

import copy
import pickle

import pytest

from nbflow import texts
from nbflow.model.sentence import CellName, Sentence


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


def test_a_message_is_told_with_its_values_its_inner_sentences_and_its_cells() -> None:
    inner = Sentence("is {kind}, not an object", kind=Sentence("a list"))
    whole = Sentence("cell {number}: {text}", number=3, text=inner)
    assert whole == "cell 3: is a list, not an object"
    assert texts.told(whole, "ko") == "셀 3: 객체가 아니라 리스트입니다"
    deleted = Sentence(
        "'{name}' is read, but cell {cell} deleted it in line {line}",
        name="df",
        cell=CellName("a1b2"),
        line=2,
    )
    assert texts.told(deleted, "en", seen=lambda _: "[4]").endswith("cell [4] deleted it in line 2")
    assert "셀 [4]의 2번째 줄" in texts.told(deleted, "ko", seen=lambda _: "[4]")


def test_a_message_is_the_same_after_it_was_copied_to_another_process() -> None:
    message = Sentence("There is no run {text!r}.", text="x{y}")
    again = pickle.loads(pickle.dumps(copy.deepcopy(message)))
    assert (again, texts.told(again, "ko")) == (message, "실행 'x{y}'이(가) 없습니다.")


def test_text_without_values_may_hold_braces() -> None:
    assert Sentence('write {"retries": 2}') == 'write {"retries": 2}'
    assert texts.told('write {"retries": 2}', "ko") == '{"retries": 2}처럼 쓰세요'
