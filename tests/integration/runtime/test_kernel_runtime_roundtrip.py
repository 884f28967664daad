"""Any nest of values with any aliasing comes back with the same values and the same aliasing of what can change."""

import json
import os
import subprocess
import sys

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbflow.execution import kernel_runtime

SERVER = """
import json, os, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
exec(sys.argv[1], {})
from _nbflow_runtime import loading, state, storing
import numpy as np

def build(plan):
    made = []
    for kind, parts in plan:
        refs = [made[p % len(made)] if made else p for p in parts]
        if kind == "list": made.append(refs)
        elif kind == "dict": made.append({str(i): r for i, r in enumerate(refs)})
        elif kind == "tuple": made.append(tuple(refs))
        elif kind == "set": made.append({p for p in parts})
        elif kind == "array": made.append(np.arange(float(len(parts) + 4)))
        elif kind == "objects": made.append(np.array([*refs, None], dtype=object))
        elif kind == "view":
            arrays = [m for m in made if type(m) is np.ndarray]
            made.append(arrays[parts[0] % len(arrays)][1:] if arrays and parts else None)
        elif kind == "loop":
            box = list(refs); box.append(box); made.append(box)
        else: made.append(kind + str(parts))
    return made

def shape(names, space):
    seen, lines = {}, []
    def walk(value):
        if type(value) in (str, int, float, type(None), bool): return repr(value)
        if type(value) is tuple: return "(%s)" % ", ".join(map(walk, value))
        if id(value) in seen: return seen[id(value)]
        seen[id(value)] = tag = "#%d" % len(seen)
        if type(value) is dict: inner = [k + walk(v) for k, v in value.items()]
        elif type(value) is set: inner = [repr(sorted(value))]
        elif type(value) is np.ndarray and value.dtype != object: inner = [str(value.tolist())]
        else: inner = [walk(v) for v in value]
        lines.append((tag, type(value).__name__, inner))
        return tag
    tops = [walk(space[n]) for n in names]
    arrays = [space[n] for n in names if type(space[n]) is np.ndarray]
    overlaps = [[bool(np.shares_memory(a, b)) for a in arrays] for b in arrays]
    return [tops, lines, overlaps]

for line in sys.stdin:
    request = json.loads(line)
    space = shell.user_ns
    names = ["v%d" % i for i in request["names"]]
    if "plan" in request:
        made = build(request["plan"])
        for i, value in enumerate(made): space["v%d" % i] = value
        answer = {"shape": shape(names, space)}
        state.attempt.spec = {"values": request["values"], "outputs": names}
        answer.update(storing.collect())
    else:
        for name in [n for n in space if n[0] == "v" and n[1:].isdigit()]: del space[name]
        state.attempt.held = {}
        loads = [{"name": v["name"], "value": v} for v in request["loads"]]
        state.attempt.spec = {"values": request["values"], "loads": loads}
        loading.load()
        answer = {"shape": shape(names, space)}
    print(json.dumps(answer), flush=True)
"""

KINDS = st.sampled_from("list dict tuple set array objects view loop text".split())  # noqa: SIM905
PLANS = st.lists(st.tuples(KINDS, st.lists(st.integers(0, 9), max_size=4)), min_size=1, max_size=10)


class Server:
    def __init__(self, folder):
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, kernel_runtime.bootstrap_code()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "IPYTHONDIR": str(folder / "ipython")},
        )  # fmt: skip

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the kernel died"
        return json.loads(line)

    def close(self):
        self.process.communicate(timeout=30)


def test_values_and_their_aliasing_survive(tmp_path):
    writer, reader = Server(tmp_path), Server(tmp_path)
    values = str(tmp_path / "values")

    @settings(
        max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(PLANS, st.data())
    def check(plan, data):
        names = data.draw(st.lists(st.integers(0, len(plan) - 1), unique=True, min_size=1))
        stored = writer.ask(values=values, plan=plan, names=names)
        assert stored["unstorable"] == {}
        loaded = reader.ask(values=values, loads=stored["values"], names=names)
        assert loaded["shape"] == stored["shape"]

    try:
        check()
    finally:
        writer.close()
        reader.close()
