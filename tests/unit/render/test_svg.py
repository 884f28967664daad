import json
import stat
import time
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from nbflow.errors import NbflowError, UsageError
from nbflow.model.states import TaskState
from nbflow.render.choose_layout import lay_out
from nbflow.render.dot import to_dot
from nbflow.render.draw import FORMATS, draw, format_of, to_png
from nbflow.render.graphviz_layout import find_dot, run_dot
from nbflow.render.measure import text_width
from nbflow.render.picture import NAME_SIZE, NOTE_SIZE, TaskProgress, picture_of
from nbflow.render.safe_svg import checked_svg
from nbflow.render.svg import to_svg
from nbflow.render.text import to_text

SVG = "{http://www.w3.org/2000/svg}"
ENGINES = ("auto", "layered")

NASTY = [
    "<img src=x onerror=alert(1)>",
    '<<TABLE><TR><TD HREF="javascript:alert(1)">x</TD></TR></TABLE>>',
    '"];evil[label=x',
    "a:b:c",
    "\\",
    "nul\x00byte",
    "</title><script>alert(1)</script>",
    "' onload='alert(1)",
    "two\nlines\\N\\G",
    "\u202eright to left",
    "\ud800",
    "]]>&amp;<!ENTITY x>",
]


def tasks_in(svg: str) -> list[ElementTree.Element]:
    return [e for e in ElementTree.fromstring(svg).iter() if e.get("class") == "task"]


def a_nasty_dag(dags: ModuleType):
    edges = [
        dags.an_edge(one, two, "data", one, (one, 1), (two, 2)) for one, two in pairwise(NASTY)
    ]
    tasks = [
        dags.a_task(name, name, when=name, foreach=name, doc=name, notebook=name) for name in NASTY
    ]
    return dags.a_dag("<b>&", tasks, edges)


@pytest.mark.abuse(1, 4, 5)
@pytest.mark.parametrize("engine", ENGINES)
def test_names_with_markup_stay_text_and_make_no_node(dags: ModuleType, engine: str) -> None:
    svg = to_svg(a_nasty_dag(dags), dict.fromkeys(NASTY, "running"), engine=engine)
    assert len(tasks_in(svg)) == len(NASTY)
    for element in ElementTree.fromstring(svg).iter():
        assert element.tag.removeprefix(SVG) not in {"script", "a", "image", "foreignObject", "use"}
        assert not [k for k in element.attrib if k.startswith("on") or "href" in k]


@pytest.mark.abuse(4, 5)
def test_dot_source_of_nasty_names_has_as_many_nodes_as_tasks(dags: ModuleType) -> None:
    source = to_dot(a_nasty_dag(dags))
    answer = run_dot(source, "json0", seconds=10)
    assert answer is not None
    drawn = json.loads(answer[0])
    assert sorted(o["name"] for o in drawn["objects"]) == sorted(f"n{i}" for i in range(len(NASTY)))
    svg = run_dot(source, "svg", seconds=10)
    assert svg is not None
    assert not [
        (key, value)
        for element in ElementTree.fromstring(svg[0]).iter()
        for key, value in element.attrib.items()
        if key.endswith("href") or key.startswith("on")
    ]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["first_steps", "korean", "nightly"])
def test_every_task_and_edge_is_drawn_and_says_what_it_is(
    dags: ModuleType, name: str, engine: str
) -> None:
    dag = getattr(dags, name)()
    svg = to_svg(dag, engine=engine)
    root = ElementTree.fromstring(svg)
    assert [t.get("data-task") for t in tasks_in(svg)] == [task.name for task in dag.tasks]
    assert [t.get("id") for t in tasks_in(svg)] == [f"task-n{i}" for i in range(len(dag.tasks))]
    assert root.get("role") == "img"
    assert str(dag.id) in (root.find(f"{SVG}title").text or "")
    assert str(len(dag.tasks)) in (root.find(f"{SVG}desc").text or "")
    edges = [e for e in root.iter() if (e.get("class") or "").startswith("edge")]
    assert {(e.get("data-source"), e.get("data-target")) for e in edges} <= {
        (e.source, e.target) for e in dag.edges
    }
    assert all(e.find(f"{SVG}title").text for e in edges)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["first_steps", "korean", "nightly"])
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_boxes_neither_overlap_nor_leave_the_picture(
    dags: ModuleType, name: str, engine: str, direction: str
) -> None:
    picture = picture_of(getattr(dags, name)(), {})
    layout = lay_out(picture, direction=direction, engine=engine)
    areas = []
    for box in picture.boxes:
        x, y = layout.boxes[box.id]
        areas.append((x - box.width / 2, y - box.height / 2, x + box.width / 2, y + box.height / 2))
    for area in areas:
        assert area[0] >= 0
        assert area[1] >= 0
        assert area[2] <= layout.width
        assert area[3] <= layout.height
    for index, one in enumerate(areas):
        for two in areas[index + 1 :]:
            assert one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1], (
                one,
                two,
            )
    for frame in picture.frames:
        place = layout.frames[frame.id]
        for box in picture.boxes:
            x, y = layout.boxes[box.id]
            inside = place.x < x < place.x + place.width and place.y < y < place.y + place.height
            assert inside == (box.id in frame.boxes)


def test_a_box_is_wider_than_its_name_in_korean_too(dags: ModuleType) -> None:
    for box in picture_of(dags.korean()).boxes:
        assert box.width >= max(text_width(line, NAME_SIZE) for line in box.lines) + 20


def test_a_label_names_two_variables_and_counts_the_rest(dags: ModuleType) -> None:
    lines = {(x.source, x.target): x for x in picture_of(dags.first_steps()).lines}
    assert lines["n2", "n3"].label == "X, y +2"
    assert lines["n5", "n6"].label == "scores.csv"
    assert lines["n5", "n6"].page
    assert lines["n0", "n6"].label == ""
    assert lines["n1", "n2"].dot
    assert "(written at cell c2, line 1, read at cell c3, line 1)" in lines["n1", "n2"].title


def test_a_safe_edge_that_a_longer_way_implies_is_not_drawn(dags: ModuleType) -> None:
    drawn = {(x.source, x.target) for x in picture_of(dags.nightly()).lines}
    assert ("n0", "n4") not in drawn
    assert ("n1", "n2") in drawn


def test_setup_skipped_and_broken_cells_stand_in_the_margin(dags: ModuleType) -> None:
    labels = [chip.label for chip in picture_of(dags.first_steps()).chips]
    assert labels == ["setup · 2 cells", "parameters · 1 cell", "skipped · 1 cell"]
    (broken,) = picture_of(dags.nightly()).chips
    assert broken.label == "broken · 1 cell"
    assert "NBF101" in broken.title
    assert "data-cells" in to_svg(dags.nightly())


def test_states_colour_the_boxes_and_are_written_out(dags: ModuleType) -> None:
    states = {
        "load": TaskProgress(state=TaskState.SUCCESS, seconds=1.2),
        "clean": TaskProgress(state=TaskState.SUCCESS, cached=True),
        "train-linear": TaskProgress(state=TaskState.FAILED, seconds=3, reason="ValueError"),
        "train-forest": TaskProgress(state=TaskState.UP_FOR_RETRY, tried=1, tries=3),
        "evaluate": "upstream_failed",
    }
    svg = to_svg(dags.first_steps(), states)
    drawn = {t.get("data-task"): t for t in tasks_in(svg)}
    notes = {n: "".join(t.itertext()) for n, t in drawn.items()}
    assert [drawn[n].get("data-state") for n in ("load", "clean", "evaluate", "report")] == [
        "success",
        "cached",
        "upstream_failed",
        "none",
    ]
    assert "done · 1.2 s" in notes["load"]
    assert "ValueError · 3.0 s" in notes["train-linear"]
    assert "retrying · 1/3" in notes["train-forest"]
    assert "성공 · 1.2 s" in to_svg(dags.first_steps(), states, lang="ko")


def test_the_longest_way_through_a_finished_run_is_bold(dags: ModuleType) -> None:
    seconds = {"load": 1, "clean": 1, "features": 1, "train-linear": 1, "train-forest": 9}
    states = {
        t.name: TaskProgress(state=TaskState.SUCCESS, seconds=seconds.get(t.name, 1))
        for t in dags.first_steps().tasks
    }
    bold = {(x.source, x.target) for x in picture_of(dags.first_steps(), states).lines if x.bold}
    assert bold == {("n0", "n1"), ("n1", "n2"), ("n2", "n4"), ("n4", "n5"), ("n5", "n6")}
    states["load"] = TaskProgress(state=TaskState.RUNNING)
    assert not any(x.bold for x in picture_of(dags.first_steps(), states).lines)


def test_plain_themes_hold_no_variable_and_auto_follows_the_page(dags: ModuleType) -> None:
    assert "var(" not in to_svg(dags.korean(), theme="dark")
    assert "data-jp-theme-light" in to_svg(dags.korean(), theme="auto")


def test_an_empty_dag_shows_the_first_step(dags: ModuleType) -> None:
    assert "%%task" in to_svg(dags.a_dag("empty", []))
    assert "%%task" in to_text(dags.a_dag("empty", []))


def test_a_dag_with_a_cycle_is_drawn_all_the_same(dags: ModuleType) -> None:
    dag = dags.a_dag(
        "loop",
        [dags.a_task("a"), dags.a_task("b")],
        [dags.an_edge("a", "b"), dags.an_edge("b", "a")],
    )
    for engine in ENGINES:
        assert len(tasks_in(to_svg(dag, {"a": "success", "b": "failed"}, engine=engine))) == 2


@pytest.mark.abuse(7)
@pytest.mark.parametrize(("tasks", "each"), [(300, 3), (200, 10), (1000, 3)])
def test_large_dags_are_drawn_within_the_deadline(
    dags: ModuleType, tasks: int, each: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.render.choose_layout.LAYOUT_SECONDS", 4.0)
    begun = time.monotonic()
    svg = to_svg(dags.wide(tasks, each))
    assert time.monotonic() - begun < 15
    assert len(tasks_in(svg)) == tasks


@pytest.fixture
def slow_dot(tmp_path: Path) -> Path:
    script = tmp_path / "dot"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


@pytest.mark.abuse(7)
def test_a_graphviz_that_never_ends_is_replaced_by_our_own_layout(
    dags: ModuleType, slow_dot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBFLOW_DOT", str(slow_dot))
    monkeypatch.setattr("nbflow.render.choose_layout.LAYOUT_SECONDS", 0.3)
    assert 'data-engine="layered"' in to_svg(dags.first_steps())


def test_a_graphviz_that_answers_nonsense_is_replaced_by_our_own_layout(
    dags: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "dot"
    script.write_text('#!/bin/sh\ncat >/dev/null\necho \'{"bb": "0,0,1,1"}\'\n')
    script.chmod(0o755)
    monkeypatch.setenv("NBFLOW_DOT", str(script))
    assert find_dot() == (str(script), "dot")
    assert 'data-engine="layered"' in to_svg(dags.first_steps())


def test_the_setting_can_switch_graphviz_off(
    dags: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBFLOW_DOT", "none")
    assert find_dot() is None
    assert 'data-engine="layered"' in to_svg(dags.first_steps())


def test_pip_install_alone_brings_a_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBFLOW_DOT", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    found = find_dot()
    assert found is not None
    assert found[1] == "graphviz-pure"


@pytest.mark.abuse(4)
@pytest.mark.parametrize(
    "body",
    [
        "<script>1</script>",
        '<g onclick="x"/>',
        '<a href="javascript:x"/>',
        '<image href="x"/>',
        '<rect style="fill:url(javascript:x)"/>',
        "<style>@import 'x'</style>",
        "<g>",
        "<!-- x -->",
        "<foreignObject/>",
    ],
)
def test_the_last_check_lets_nothing_foreign_out(body: str) -> None:
    with pytest.raises(NbflowError) as caught:
        checked_svg(f'<svg xmlns="{SVG[1:-1]}">{body}</svg>', style="")
    assert caught.value.code == "NBF701"


def test_pngs_are_pngs_in_both_themes(dags: ModuleType) -> None:
    for theme in ("light", "dark", "auto"):
        assert to_png(dags.korean(), theme=theme).startswith(b"\x89PNG")


def test_the_form_is_told_by_name_or_by_the_files_ending(dags: ModuleType) -> None:
    assert format_of("a/b.SVG") == "svg"
    assert format_of(Path("x.gv")) == "dot"
    for form in FORMATS:
        assert draw(dags.first_steps(), form)
    for call in (lambda: format_of("x.pdf"), lambda: draw(dags.first_steps(), "pdf")):
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.code == "NBF702"


def test_a_roomy_box_has_room_for_what_will_be_said_of_its_task(dags: ModuleType) -> None:
    plain, roomy = (
        picture_of(dags.first_steps(), roomy=is_roomy).boxes for is_roomy in (False, True)
    )
    for before, box in zip(plain, roomy, strict=True):
        assert (box.note, box.look, box.title) == ("", None, before.title)
        assert box.height > before.height
        for word in ("cancelled", "선행 작업 실패", "99 m 59 s"):
            assert box.width >= text_width(word, NOTE_SIZE) + 30
