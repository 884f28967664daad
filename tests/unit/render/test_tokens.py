import re
from pathlib import Path

import nbflow
from nbflow.model.dag import EdgeKind
from nbflow.model.states import TaskState
from nbflow.render.tokens import raw_tokens, tokens


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_as_the_web_guidelines_do() -> None:
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


def test_a_states_words_are_readable_on_its_box_and_on_the_page_in_both_themes() -> None:
    surfaces = tokens().surfaces
    for look in tokens().states.values():
        for theme, colours in (("light", look.light), ("dark", look.dark)):
            assert contrast(colours["ink"], colours["fill"]) >= 4.5, (look.name, theme)
            assert contrast(colours["ink"], surfaces["page"][theme]) >= 4.5, (look.name, theme)
            assert contrast(surfaces["text"][theme], colours["fill"]) >= 4.5, (look.name, theme)


def test_plain_text_is_readable_and_lines_stand_out_in_both_themes() -> None:
    surfaces = tokens().surfaces
    for theme in ("light", "dark"):
        for ground in ("page", "box"):
            assert contrast(surfaces["text"][theme], surfaces[ground][theme]) >= 4.5
            assert contrast(surfaces["muted"][theme], surfaces[ground][theme]) >= 4.5
        assert contrast(surfaces["edge"][theme], surfaces["page"][theme]) >= 3.0


def test_every_task_state_and_edge_kind_has_a_look_with_words_in_both_languages() -> None:
    assert {state.value for state in TaskState} <= set(tokens().states)
    assert {kind.value for kind in EdgeKind} == set(tokens().edges)
    for entry in [*tokens().states.values(), *tokens().edges.values()]:
        assert set(entry.words) == {"en", "ko"}
        assert all(entry.words.values())


def test_no_two_states_look_the_same_without_colour() -> None:
    seen = [(look.icon, look.words["en"]) for look in tokens().states.values()]
    assert len({icon for icon, _ in seen}) == len(seen)
    assert len({word for _, word in seen}) == len(seen)


def test_no_colour_is_written_down_outside_the_table() -> None:
    folder = Path(nbflow.__file__).parent
    colour = re.compile(r"#[0-9a-fA-F]{6}\b")
    found = [
        path.name
        for room in ("render", "ipython", "cli")
        for path in (folder / room).rglob("*")
        if path.suffix in {".py", ".js", ".css"} and colour.search(path.read_text("utf-8"))
    ]
    assert found == []
    assert raw_tokens()["version"] == 1
