import base64
import struct

import pytest

from nbflow.service.compare import compare_outputs


def cell(outputs, count=1, name="a"):
    return {
        "cell_type": "code",
        "id": name,
        "source": "",
        "metadata": {},
        "execution_count": count,
        "outputs": outputs,
    }


def notebook(*outputs, count=1):
    return {"nbformat": 4, "cells": [cell(list(outputs), count)]}


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def display(**data):
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {key.replace("_", "/"): value for key, value in data.items()},
    }


def error(name, value):
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": []}


def differences(first, second, third):
    found = compare_outputs([notebook(*first), notebook(*second)], notebook(*third))
    return [(one.what, one.expected, one.found) for one in found]


def png(width, height, tail=b""):
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)
    return base64.b64encode(head + tail).decode()


SAME = [
    ("x = 1", "x = 1", "x = 1"),
    ("<A at 0x7f01>", "<A at 0x7f02>", "<A at 0x7fff3>"),
    (
        "/tmp/ipykernel_11/1.py:3: Warn",
        "/tmp/ipykernel_12/1.py:3: Warn",
        "/tmp/ipykernel_9/1.py:3: Warn",
    ),
    ("took 1.2 s", "took 1.3 s", "took 980 ms"),
    ("sys: 0 ns, user 3 ms", "sys: 0 ns, user 4 ms", "sys: 1 ms, user 9 ms"),
    ("2024-01-01 10:00:00 a", "2024-01-01 10:00:01 a", "2025-02-02 11:00:00 a"),
    (
        "id 12345678-1234-1234-1234-123456789abc",
        "id 22345678-1234-1234-1234-123456789abc",
        "id 32345678-1234-1234-1234-123456789abc",
    ),
    ("<td id=T_81160_row0>x</td>", "<td id=T_abcde_row0>x</td>", "<td id=T_fabed_row0>x</td>"),
    (
        "[datetime.datetime(2026, 1, 5, 20, 56, 34, 522293)]",
        "[datetime.datetime(2026, 1, 5, 20, 56, 38, 22293)]",
        "[datetime.datetime(2026, 1, 5, 20, 55, 51)]",
    ),
    ("rate  9.5", "rate 10.5", "rate  8.25"),
    ("[ 1.5 -0.2]", "[-0.1  0.2]", "[0.3 0.4]"),
    ("[1, 6, 3, 6]", "[1, 2, 3, 5]", "[4, 4, 4, 4]"),
    ("[1, 6, 3, 6]", "[1, 2]", "[4]"),
    ("[[0 1]\n [1 1]]", "[[1 1]\n [0 1]]", "[[1 0]\n [0 0]]"),
    ("['head', 'tail']", "['tail', 'tail']", "['head', 'head']"),
    (
        "[np.str_('a'), np.str_('b')]",
        "[np.str_('c'), np.str_('b')]",
        "[np.str_('a'), np.str_('d')]",
    ),
    ("b'\\x01a'", "b'\\x02\\'b'", "b'zz'"),
    (
        "array([ 1.05, -2.91, ..., -0.9 ,\n  0.1])",
        "array([-1.05, 2.91, ..., 1.9 ,\n -0.1])",
        "array([1., -2.91, ..., -0.9 , 4.1])",
    ),
    ("a 1\nb <x at 0x1>\nc 3", "a 1\nb <x at 0x2>\nc 3", "a 1\nb <x at 0x3>\nc 3"),
]

DIFFERENT = [
    ("x = 1", "x = 1", "x = 2"),
    ("<A at 0x7f01> n=1", "<A at 0x7f02> n=1", "<A at 0x7f03> n=2"),
    ("<A at 0x7f01>", "<A at 0x7f02>", "<B at 0x7f03>"),
    ("took 1.2 s; score 0.5", "took 1.3 s; score 0.5", "took 1.4 s; score 0.6"),
    ("took 1.2 s", "took 1.3 s", "took ages"),
    ("took 1.2 s", "took 1.3 s", "took 1.2 s\nWarning: slow"),
    ("seed 17 value 3", "seed 18 value 3", "seed 19 value 4"),
    ("a 0.1 b 5", "a 0.2 b 5", "a 0.3"),
    ("a\nb <x at 0x1>\nc 3", "a\nb <x at 0x2>\nc 3", "a\nb <x at 0x3>\nc 4"),
    ("#T_81160 {} level0 item12", "#T_91160 {} level0 item12", "#T_a1160 {} level0 item13"),
    ("x", "x", ""),
    ("[1, 2] n=3", "[2, 1] n=3", "[1, 1] n=4"),
    ("{'a': 1, 'b': 2}", "{'a': 3, 'b': 2}", "{'a': 1, 'b': 4}"),
    ("P(x=1, y=2)", "P(x=3, y=2)", "P(x=1, y=4)"),
    ("[0.5, 3]", "[0.6, 3]", "[0.7, 4]"),
    ("[0.5, 3]", "[0.6, 3]", "[0.7, 3, 4]"),
    ("b 0.5\nb 3", "b 0.6\nb 3", "b  0.7\nb  3"),
]


@pytest.mark.parametrize("mime", ["stream", "text/plain", "text/html", "application/json", "error"])
@pytest.mark.parametrize("texts", SAME)
def test_what_varies_between_plain_runs_is_masked(texts, mime):
    assert differences(*([output(text, mime)] for text in texts)) == []


@pytest.mark.parametrize("mime", ["stream", "text/plain", "text/html", "application/json", "error"])
@pytest.mark.parametrize("texts", DIFFERENT)
def test_a_real_difference_is_found_next_to_what_is_masked(texts, mime):
    found = differences(*([output(text, mime)] for text in texts))
    assert len(found) == 1
    assert found[0][1] != found[0][2]


def output(text, mime):
    if mime == "stream":
        return stream(text)
    if mime == "error":
        return error("ValueError", text)
    value = {"v": text} if mime == "application/json" else text
    return {"output_type": "display_data", "metadata": {}, "data": {mime: value}}


def test_how_a_stream_is_cut_into_outputs_does_not_matter():
    whole = [stream("a\nb\n"), stream("w\n", "stderr")]
    cut = [stream("a\n"), stream("w\n", "stderr"), stream(["b\n"])]
    assert differences(whole, whole, cut) == []


def test_the_order_of_printing_and_displaying_matters():
    first = [stream("a"), display(text_plain="d"), stream("b")]
    other = [display(text_plain="d"), stream("ab")]
    assert differences(first, first, other)[0][0] == "outputs"


def test_a_lost_or_a_new_output_is_found():
    one = display(text_plain="d")
    assert differences([one], [one], []) == [("outputs", "text/plain: d", "no output")]
    assert differences([], [], [one]) == [("outputs", "no output", "text/plain: d")]


def test_an_error_and_what_stands_in_its_place_are_told_as_they_read():
    wrong, right = error("IndexError", "list index out of range"), stream("dear at 4.4\n")
    told = ("outputs", "IndexError: list index out of range", "stdout: dear at 4.4")
    assert differences([wrong], [wrong], [right]) == [told]
    image, long = display(image_png=png(4, 3)), stream("x" * 200)
    assert differences([image], [image], [long]) == [
        ("outputs", "image/png", f"stdout: {'x' * 120}…")
    ]


def test_the_number_of_outputs_may_vary_where_it_varies_between_plain_runs():
    one = display(text_plain="d")
    assert differences([one], [one, one], [one, one, one]) == []
    assert differences([one], [one, one], [stream("x")]) != []


def test_a_result_is_no_display():
    shown = display(text_plain="d")
    assert differences([shown], [shown], [{**shown, "output_type": "execute_result"}]) != []


def test_images_are_compared_by_bytes_unless_they_vary_and_then_by_size():
    a, b, c = (display(image_png=png(4, 3, tail)) for tail in (b"a", b"b", b"c"))
    assert differences([a], [a], [a]) == []
    assert differences([a], [a], [b])[0][0] == "output 1 image/png"
    assert differences([a], [b], [c]) == []
    assert differences([a], [b], [display(image_png=png(5, 3))]) != []
    large, larger = (display(image_png=png(width, 300, b"c")) for width in (400, 410))
    assert differences([display(image_png=png(400, 300))], [large], [larger]) == []


def test_what_any_of_several_plain_runs_shows_is_expected():
    runs = [notebook(stream(text)) for text in ("heads", "heads", "tails")]
    assert compare_outputs(runs, runs[2]) == ()
    assert compare_outputs(runs[:2], runs[2]) != ()


def test_another_exception_is_found():
    first = [error("ValueError", "x")]
    assert differences(first, first, [error("KeyError", "x")]) == [
        ("output 1 error ename", "ValueError", "KeyError")
    ]


def test_execution_counts_are_reported_on_their_own():
    found = compare_outputs([notebook(stream("x"), count=2)] * 2, notebook(stream("x"), count=1))
    assert [(one.what, one.expected, one.found) for one in found] == [("execution_count", "2", "1")]


def test_what_varies_in_any_of_three_plain_runs_is_masked():
    runs = [
        notebook(stream(text)) for text in ("took 0.1 s, n 1", "took 0.1 s, n 1", "took 0.2 s, n 1")
    ]
    assert compare_outputs(runs[:2], notebook(stream("took 0.3 s, n 1")))
    assert not compare_outputs(runs, notebook(stream("took 0.3 s, n 1")))
    assert compare_outputs(runs, notebook(stream("took 0.3 s, n 2")))


def test_a_missing_cell_is_found_and_a_cell_left_out_is_not_looked_at():
    plain = [notebook(stream("x"))] * 2
    found = compare_outputs(plain, {"cells": []})
    assert [(one.cell, one.index, one.what) for one in found] == [("a", 0, "missing")]
    assert compare_outputs(plain, {"cells": []}, leave_out={"a"}) == ()


def test_with_one_plain_run_nothing_is_masked():
    assert compare_outputs([notebook(stream("0x1"))], notebook(stream("0x2"))) != ()
    with pytest.raises(ValueError, match="plain run"):
        compare_outputs([], notebook())


def test_long_outputs_are_compared_in_good_time():
    def text(address):
        return "\n".join(f"line {at} {address}" for at in range(20_000))

    runs = [text("0x1"), text("0x2"), text("0x3")]
    assert differences(*([stream(one)] for one in runs)) == []
    runs[2] = runs[2].replace("line 19000 ", "line 19001 ")
    assert differences(*([stream(one)] for one in runs)) != []
