"""Functions and classes that a run finds changed: who uses them runs in the kernel that has them."""

import pytest

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]


def test_a_function_with_a_state_of_its_own_is_used_where_the_state_is(
    service, page, outputs, tmp_path
):
    path = page(
        ("def f():\n    return getattr(f, 'count', 0)", "setup"),
        # No page shows that this sets an attribute.
        ("object.__setattr__(*[f, 'cou' + 'nt', 3])\nx = 5", "task:make"),
        ("print(f(), x)", "task:use"),
        ("print(f() + 1)", "task:again", "after:use"),
        ("print('apart')", "task:apart"),
    )
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    told = outputs(report.output)
    assert (told["c2"], told["c3"], told["c4"]) == ("3 5", "4", "apart")
    snapshot = service.store.run_snapshot(report.run_id)
    assert snapshot.tasks["make"].unstorable == {"f": "code, its attribute 'count' was set"}
    assert snapshot.tasks["apart"].kept_kernel is None


def test_a_value_that_refers_to_a_changed_class_stays_with_it(service, page, outputs, tmp_path):
    path = page(
        ("class A:\n    made = 0", "setup"),
        (
            "a = A()\ntype.__setattr__(*[type(a), 'ma' + 'de', 7])",
            "task:make",
        ),
        ("print(a.made)", "task:look"),
    )
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    assert outputs(report.output)["c2"] == "7"
    found = service.store.run_snapshot(report.run_id).tasks["make"].unstorable
    assert found["a"] == "A: it refers to A, its attribute 'made' changed"


def test_a_setup_cell_that_sets_the_state_itself_keeps_nobody_together(service, page):
    path = page(
        ("def f():\n    return f.unit\nf.unit = 'kg'", "setup"),
        ("a = f()", "task:one"),
        ("b = f()", "task:two"),
    )
    report = service.run(path)
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    snapshot = service.store.run_snapshot(report.run_id)
    assert [task.kept_kernel for task in snapshot.tasks.values()] == [None, None]
