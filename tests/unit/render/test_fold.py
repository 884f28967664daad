"""A DAG too large for a screen is folded by section."""

from types import ModuleType

from nbflow.model.states import TaskState
from nbflow.render.fold import FOLD_ABOVE, Folded, fold
from nbflow.render.picture import TaskProgress, as_progress
from nbflow.render.svg import to_svg
from nbflow.render.text import to_text


def large(dags: ModuleType, tasks: int = 90) -> tuple[object, dict[str, str]]:
    dag = dags.wide(tasks, 2)
    return dag, {str(t.name): f"Part {i // 9 + 1}" for i, t in enumerate(dag.tasks)}


def drawn(view: Folded, **more: object) -> str:
    return to_text(view.dag, members=view.members, **more)


def test_sixty_tasks_are_drawn_one_by_one(dags: ModuleType) -> None:
    dag, sections = large(dags, FOLD_ABOVE)
    assert fold(dag, sections).dag is dag


def test_more_are_folded_by_section_and_every_task_is_in_one(dags: ModuleType) -> None:
    dag, sections = large(dags)
    view = fold(dag, sections)
    assert [str(t.name) for t in view.dag.tasks] == [f"Part {n}" for n in range(1, 11)]
    assert sorted(n for names in view.members.values() for n in names) == sorted(sections)
    assert all(edge.source != edge.target for edge in view.dag.edges)
    text = drawn(view)
    assert text.startswith("DAG wide: 90 tasks")
    assert "Part 2   9 tasks  ← Part 1 (v0, v1)" in text
    assert "[10 sections folded · --unfold all]" in text
    assert to_svg(view.dag, members=view.members).count('class="task"') == 10


def test_one_section_or_all_can_be_unfolded(dags: ModuleType) -> None:
    dag, sections = large(dags)
    one = fold(dag, sections, ["Part 3"])
    assert len(one.dag.tasks) == 9 + 9
    assert {str(t.name) for t in one.dag.tasks} >= {"task-18", "task-26", "Part 1"}
    assert fold(dag, sections, ["all"]).dag is dag


def test_a_page_without_headings_is_cut_into_even_parts(dags: ModuleType) -> None:
    dag, _ = large(dags, 700)
    view = fold(dag, {})
    assert len(view.dag.tasks) <= FOLD_ABOVE
    assert str(view.dag.tasks[0].name).startswith("task-0 … task-")


def test_a_heading_that_comes_twice_or_is_a_tasks_name_stays_two_boxes(dags: ModuleType) -> None:
    dag, sections = large(dags)
    names = {name: "task-5" if int(name[5:]) % 20 < 10 else "other" for name in sections}
    view = fold(dag, names)
    assert [str(t.name) for t in view.dag.tasks][:3] == ["task-5 (2)", "other", "task-5 (3)"]


def test_a_folded_section_shows_what_matters_most_of_its_tasks(dags: ModuleType) -> None:
    dag, sections = large(dags)
    view = fold(dag, sections)
    names = [str(t.name) for t in dag.tasks]
    states: dict[str, TaskProgress] = {name: TaskProgress() for name in names}
    states |= {n: TaskProgress(state=TaskState.SUCCESS, seconds=2.0) for n in names[:20]}
    states[names[27]] = TaskProgress(state=TaskState.FAILED, reason="ValueError")
    shown = view.states(states)
    assert shown is not None
    first, third, fourth, last = (as_progress(shown[f"Part {n}"]) for n in (1, 3, 4, 10))
    assert (first.state, first.done, first.seconds) == (TaskState.SUCCESS, 9, 18.0)
    assert (third.state, third.done, third.total) == (TaskState.RUNNING, 2, 9)
    assert (fourth.state, fourth.reason) == (TaskState.FAILED, "ValueError")
    assert last.state is TaskState.NONE
    assert "✕ Part 4   ValueError · 1 of 9" in drawn(view, states=shown)
