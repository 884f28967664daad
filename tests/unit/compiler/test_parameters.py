import ast
import datetime
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.compiler.parameter_values import Expression, codify
from nbflow.compiler.parameters import apply_parameters, check_values, find_parameters
from nbflow.errors import ParameterError
from nbflow.model.ids import CellId
from nbflow.model.notebook import Cell, CellType

SOURCE = """\
import datetime
from pathlib import Path
n = 3  # how many
rate = -0.5; doubled = rate * 2
name: str = "x"
day = datetime.date(2024, 1, 1)
where = Path("data")
sizes = [
    1,
    2,
]
color = Color.RED
limit = None
pair = 1, 2
flag = True  # type: bool  # switch
maybe: int | None = 4
"""


def parameters(source):
    cell = Cell(id=CellId("p"), index=0, type=CellType.CODE, source=source, parameters=True)
    return find_parameters(cell)


def test_literals_dates_paths_and_members_are_parameters_and_computed_names_are_not():
    found = {one.name: (one.type, one.default, one.line) for one in parameters(SOURCE)}
    assert found == {
        "n": ("int", "3", 3),
        "rate": ("float", "-0.5", 4),
        "name": ("str", '"x"', 5),
        "day": ("date", "datetime.date(2024, 1, 1)", 6),
        "where": ("path", 'Path("data")', 7),
        "sizes": ("list", "[\n    1,\n    2,\n]", 8),
        "color": ("enum", "Color.RED", 12),
        "limit": ("None", "None", 13),
        "pair": ("tuple", "1, 2", 14),
        "flag": ("bool", "True", 15),
        "maybe": ("int | None", "4", 16),
    }
    assert [one.help for one in parameters(SOURCE) if one.help] == ["how many", "switch"]


def test_magic_lines_do_not_hide_the_parameters():
    source = "%matplotlib inline\nn = 1\n!ls"
    assert [one.name for one in parameters(source)] == ["n"]
    assert apply_parameters(source, {"n": 2}) == "%matplotlib inline\nn = 2\n!ls"


def test_a_cell_that_does_not_parse_has_no_parameters():
    assert parameters("n = = 1") == ()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("n", "7", 7),
        ("rate", "1", 1.0),
        ("name", "7", "7"),
        ("day", "2025-02-03", datetime.date(2025, 2, 3)),
        ("where", "a/b", pathlib.PurePath("a/b")),
        ("sizes", "[1, 2]", [1, 2]),
        ("color", "BLUE", Expression("Color.BLUE")),
        ("limit", "5", 5),
        ("limit", "None", None),
        ("pair", "[3, 4]", (3, 4)),
        ("flag", "no", False),
        ("maybe", "None", None),
        ("maybe", "6", 6),
    ],
)
def test_text_is_read_by_the_parameters_type(name, text, value):
    assert check_values(parameters(SOURCE), {name: text}, from_text=True) == {name: value}


@pytest.mark.abuse(23)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", "x"),
        ("n", 1.5),
        ("n", True),
        ("n", None),
        ("rate", "1"),
        ("name", 1),
        ("day", "tomorrow"),
        ("sizes", {"a": 1}),
        ("color", "RED); import os; (1"),
        ("maybe", "6"),
        ("limit", object()),
    ],
)
def test_values_that_do_not_fit_are_refused(name, value):
    with pytest.raises(ParameterError) as caught:
        check_values(parameters(SOURCE), {name: value}, from_text=False)
    assert caught.value.message.startswith(name)


@pytest.mark.abuse(22)
def test_all_problems_are_listed_at_once_with_the_known_names():
    given_values = {"n": "x", "bogus": 1, "x=1\nimport os;": 2, "class": 3}
    with pytest.raises(ParameterError) as caught:
        check_values(parameters(SOURCE), given_values, from_text=False)
    for word in ("n is int", "'bogus' is not a parameter", "import os", "'class'"):
        assert word in caught.value.message
    assert "n (int)" in caught.value.hint


@pytest.mark.abuse(23)
def test_values_beyond_the_limits_are_refused():
    with pytest.raises(ParameterError, match="too large") as caught:
        check_values(parameters(SOURCE), {"name": "x" * 70_000}, from_text=False)
    assert caught.value.code == "NBF402"
    many = "\n".join(f"v{index} = ''" for index in range(17))
    with pytest.raises(ParameterError, match="together"):
        check_values(
            parameters(many), {f"v{index}": "x" * 63_000 for index in range(17)}, from_text=False
        )


def test_values_are_put_in_place_and_what_is_computed_from_them_follows():
    source = "a = 1; b = a * 10\nc = [\n  1,\n]; d = 'é'; e = 2\nline = 5"
    changed = apply_parameters(source, {"a": 3, "c": [9], "d": "x", "e": 4})
    assert changed.split("\n")[0] == "a = 3; b = a * 10"
    assert changed.split("\n")[-1] == "line = 5"
    assert changed.count("\n") == source.count("\n")
    names: dict[str, object] = {}
    exec(changed, names)
    assert (names["a"], names["b"], names["c"], names["d"], names["e"]) == (3, 30, [9], "x", 4)


def test_a_name_that_the_cell_does_not_assign_can_not_be_put_in_place():
    with pytest.raises(ParameterError, match="does not assign b"):
        apply_parameters("a = 1", {"b": 1})


@pytest.mark.parametrize(
    "value",
    [
        datetime.date(2024, 1, 1),
        datetime.datetime(2024, 1, 1, 9, 30, 1, 5, tzinfo=datetime.UTC),
        datetime.timedelta(days=-1, microseconds=3),
        datetime.time(9, 30),
        pathlib.Path("a b/'c'"),
        {1, 2},
        set(),
        frozenset({1}),
        [10**5000],
    ],
)
def test_dates_paths_and_sets_come_back_without_imports(value):
    assert eval(codify(value)) == value


def test_nan_comes_back():
    assert eval(codify([float("nan")]))[0] != eval(codify([float("nan")]))[0]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=12,
)


@pytest.mark.abuse(23)
@given(VALUES)
def test_source_of_a_value_gives_the_value_back_on_one_line(value):
    text = codify(value)
    assert ast.literal_eval(text) == value
    assert type(ast.literal_eval(text)) is type(value)
    assert "\n" not in text


@pytest.mark.abuse(23)
@given(VALUES)
def test_a_value_in_place_runs_as_that_value(value):
    names: dict[str, object] = {}
    exec(apply_parameters("a = (1,\n 2); b = a\nc = 1", {"a": value}), names)
    assert names["b"] == value
