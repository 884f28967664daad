"""Replays, prompts, conditions, items: what the runtime does around a task's cells."""

import ast
import dataclasses
import json
import sys
from pathlib import Path

import pytest

from nbflow.artifacts.store import ArtifactStore
from nbflow.errors import ExecutionError
from nbflow.execution import kernel_runtime

RUNTIME = Path(kernel_runtime.__file__).parent / "runtime"


@pytest.mark.parametrize("embed", [False, True])
def test_the_runtime_leaves_nothing_in_the_users_namespace(kernel, embed):
    done = kernel.run("print(sorted(n for n in dir() if not n.startswith('_')))", embed=embed)
    assert done.texts == ["['In', 'Out', 'exit', 'get_ipython', 'open', 'quit']\n"]
    assert done.answers["collect"]["ok"]


def test_every_module_of_the_runtime_is_python_3_9_and_standard_library_alone():
    names = {path.stem for path in RUNTIME.glob("*.py")} - {"__init__"}
    assert names == set(kernel_runtime.MODULES)
    for path in RUNTIME.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module.partition(".")[0] in sys.stdlib_module_names
            if isinstance(node, ast.Import):
                roots = {alias.name.partition(".")[0] for alias in node.names}
                assert roots <= sys.stdlib_module_names | {"numpy"}


def test_the_modules_are_listed_in_an_order_in_which_they_can_be_executed():
    seen = set()
    for name in kernel_runtime.MODULES:
        tree = ast.parse((RUNTIME / f"{name}.py").read_text("utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.level:
                needed = {node.module} if node.module else {alias.name for alias in node.names}
                assert needed <= seen, name
        seen.add(name)


def test_a_replay_shows_nothing_and_what_it_sets_up_works_afterwards(kernel, replay):
    source = (
        "import sys, logging, warnings\nfrom IPython.display import display\n"
        "logging.basicConfig(level='INFO', stream=sys.stdout, format='%(message)s')\n"
        "logging.info('hidden'); print('hidden'); display('hidden'); warnings.warn('hidden')\n"
        "sys.stderr.write('hidden'); 3\n"
        "import matplotlib.pyplot as plt; plt.plot([1])"
    )
    done = kernel.run("logging.info('heard'); print(plt.get_fignums())", replays=(replay(source),))
    assert done.texts == ["heard\n[]\n"]
    assert "hidden" not in done.errors


def test_a_replayed_function_fails_at_its_place_on_the_page(kernel, replay):
    step = replay("def f():\n    return 1 / 0", first_line=4, prompt=7)
    text = kernel.run("f()", replays=(step,)).texts[0]
    assert "Cell In[7], line 5" in text
    assert "return 1 / 0" in text


def test_the_source_of_replayed_code_can_be_inspected(kernel, replay):
    step = replay("def f():\n    return 1", first_line=4)
    done = kernel.run("import inspect; print(inspect.getsource(f))", replays=(step,))
    assert done.texts == ["def f():\n    return 1\n\n"]


def test_magics_and_top_level_await_are_replayed(kernel, replay):
    steps = (
        replay("%precision 3\nx = !echo hi"),
        replay("import asyncio\nawait asyncio.sleep(0)\ny = 1"),
    )
    done = kernel.run("print(x, y)\n3.14159", replays=steps)
    assert done.texts[0].startswith("['hi'] 1\n")
    assert "3.142" in done.texts[0]


def test_a_future_import_of_a_replay_holds_for_the_cells(kernel, replay):
    steps = (replay("from __future__ import annotations"),)
    done = kernel.run("def f(x: no_such_name): pass\nprint(f.__annotations__)", replays=steps)
    assert done.texts == ["{'x': 'no_such_name'}\n"]


def test_a_failing_replay_names_cell_and_line(kernel, replay):
    step = replay("a = 1\nb = a / 0", cell="c9", first_line=3, prompt=6)
    answer = kernel.run(replays=(step,), calls=()).answers["replay"]
    assert not answer["ok"]
    assert (answer["error"]["cell"], answer["error"]["line"]) == ("c9", 4)
    assert answer["error"]["name"] == "ZeroDivisionError"
    drawn = "\n".join(answer["error"]["traceback"])
    assert "Cell In[6], line 4" in drawn
    assert "_run" not in drawn


def test_a_replayed_statement_sees_the_version_of_its_own_place(kernel, replay):
    first = kernel.run("v = [1]", outputs=("v",)).values["v"]
    second = kernel.run("v = [2]", outputs=("v",)).values["v"]
    from nbflow.model.attempt import Load

    step = replay("def f(x=v): return x", loads=(Load(name="v", value=first),))
    assert kernel.run("print(f(), v)", replays=(step,), loads=(second,)).texts == ["[1] [2]\n"]


def test_a_live_kernel_does_not_replay_twice_and_keeps_its_objects(kernel, replay):
    step = replay("count = globals().get('count', 0) + 1", unit="u1")
    made = kernel.run("x = [1]", outputs=("x",))
    again = [kernel_runtime.call_code("replay", 0, None)]
    held = "import sys; sys.modules['keep'] = x"
    load = kernel_runtime.call_code("load")
    done = kernel.run(
        "print(count, x is sys.modules['keep'])",
        replays=(step,), loads=made.values.values(), hidden=[*again, held, load],
    )  # fmt: skip
    assert done.answers["replay"] == {"ok": True, "ran": [], "skipped": [0]}
    assert done.texts == ["1 True\n"]


def test_prompt_numbers_are_those_of_page_order(kernel):
    hidden = [kernel_runtime.call_code("set_prompt", 5)]
    text = kernel.run("1 / 0", hidden=hidden).texts[0]
    assert "Cell In[5], line 1" in text


@pytest.mark.parametrize(("when", "value"), [("x > 2", True), ("x > 3 and y", False)])
def test_a_condition_is_asked_in_the_users_namespace(kernel, when, value):
    made = kernel.run("x = 3", outputs=("x",))
    hidden = [kernel_runtime.call_code("condition")]
    done = kernel.run(loads=made.values.values(), when=when, hidden=hidden)
    assert done.answers["condition"] == {"ok": True, "value": value}


def test_a_failing_condition_shows_the_expression(kernel):
    done = kernel.run(when="nope > 1", hidden=[kernel_runtime.call_code("condition")])
    assert not done.answers["condition"]["ok"]
    assert "nope > 1" in done.answers["condition"]["error"]["message"]


def test_items_are_found_once_and_stored_for_the_other_kernels(kernel):
    done = kernel.run("print(item)", foreach=("item", "[[10], [11], 'text']"))
    assert done.texts == ["[10]\n"]
    items = done.answers["load"]["items"]
    assert (items["found"], items["labels"]) == (3, ["[10]", "[11]", '"text"'])
    (second,) = kernel_runtime.stored_values(items["values"][1:2])
    other = kernel.run("print(item)", loads=[dataclasses.replace(second, name="item")])
    assert other.texts == ["[11]\n"]


def test_items_for_which_the_condition_is_false_are_left_out(kernel):
    done = kernel.run("print(item)", foreach=("item", "range(10)"), when="item % 4 == 3")
    assert done.texts == ["3\n"]
    assert done.answers["load"]["items"]["labels"] == ["3", "7"]
    none = kernel.run(foreach=("item", "range(3)"), when="item > 5")
    assert none.answers["load"]["items"] == {"found": 3, "labels": [], "values": []}


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ("__import__('itertools').count()", "more than 1,024 items"),
        ("[1, (n for n in range(2))]", "item 2 of 2 (generator) of foreach can't be stored"),
        ("nowhere", "the items 'nowhere' of foreach failed"),
    ],
)
def test_items_that_cannot_be_had_are_told_in_words(kernel, items, words):
    answer = kernel.run(foreach=("item", items)).answers["load"]
    assert not answer["ok"]
    assert words in answer["error"]["message"]


@pytest.mark.fault(40)
def test_a_kernel_killed_while_it_stores_leaves_nothing_visible(kernel):
    done = kernel.run("x = [1]", outputs=("x",), env={"NBFLOW_FAULT": "artifact.rename:1:kill"})
    assert done.exit_code == -9
    assert ArtifactStore(str(kernel.folder), values="values").usage().values == 0
    assert list(kernel.run("x = [1]", outputs=("x",)).values) == ["x"]


@pytest.mark.abuse(21)
def test_a_value_of_another_store_or_with_a_damaged_stream_is_never_unpickled(kernel):
    key = {"NBFLOW_VALUE_KEY": "a" * 64}
    stored = kernel.run("x = [1]", outputs=("x",), environment=key)
    loads = stored.values.values()
    assert kernel.run("print(x)", loads=loads, environment=key).texts == ["[1]\n"]
    other = kernel.run(loads=loads, environment={"NBFLOW_VALUE_KEY": "b" * 64}, calls=())
    assert "not written by this store" in other.answers["load"]["error"]["message"]
    again = {"NBFLOW_VALUE_KEY": "b" * 64}
    signed_anew = kernel.run("x = [1]", outputs=("x",), environment=again).values.values()
    assert kernel.run("print(x)", loads=signed_anew, environment=again).texts == ["[1]\n"]
    kernel.run("x = [1]", outputs=("x",), environment=key)
    digest = stored.values["x"].bundle
    path = kernel.folder / "values" / digest[:2] / digest[2:]
    raw = bytearray(path.read_bytes())
    raw[130] ^= 1
    path.write_bytes(raw)
    damaged = kernel.run(loads=loads, environment=key, calls=())
    assert "damaged" in damaged.answers["load"]["error"]["message"]


def test_an_answer_that_was_never_written_is_an_error_with_a_way_out(tmp_path):
    with pytest.raises(ExecutionError, match="left no answer to load") as caught:
        kernel_runtime.read_result(tmp_path, "load")
    assert caught.value.hint


def test_describe_tells_type_and_preview(kernel):
    done = kernel.run("x = [1, 2]", hidden=[], calls=())
    assert done.exit_code == 0
    made = kernel.run(hidden=["y = {'a': 1}", kernel_runtime.call_code("describe", "y")])
    assert made.answers["describe"]["type"] == "dict"
    assert json.loads(made.answers["describe"]["preview"]) == {"a": 1}
