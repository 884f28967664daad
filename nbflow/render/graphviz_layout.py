"""Placing by Graphviz: it is asked for geometry only and sees no word of the user's.

Boxes, labels and frames go to it as sizes under made-up ids, so no name can break its parser,
become a port or carry markup; all painting is ours.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import graphviz
from graphviz.backend import dot_command, execute

from nbflow.render.layout import Area, Direction, Layout, Point, Route
from nbflow.render.picture import Picture

_MARGIN = 12.0
_DENSE = 220
"""From this many lines on, curves and many rounds of ordering cost too much."""


def find_dot() -> tuple[str, str] | None:
    """Return (path, name) of the Graphviz to use, or None.

    The setting ``NBFLOW_DOT`` comes first (``none`` switches Graphviz off), then ``dot`` on the
    PATH, then the ``graphviz-pure`` of this Python environment.
    """
    setting = os.environ.get("NBFLOW_DOT")
    if setting:
        found = None if setting.lower() == "none" else shutil.which(setting)
        return (found, Path(found).stem) if found else None
    on_path = shutil.which("dot")
    if on_path:
        return on_path, "dot"
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    for folder in [*folders, None]:
        pure = shutil.which("graphviz-pure", path=folder)
        if pure:
            return pure, "graphviz-pure"
    return None


def run_dot(source: str, output: str, *, seconds: float) -> tuple[bytes, str] | None:
    """Run Graphviz on DOT source; return (what it wrote, its name), or None if there is none, it
    fails, or it takes longer than ``seconds``.
    """
    found = find_dot()
    if found is None:
        return None
    command = dot_command.command("dot", output)
    command[0] = found[0]
    try:
        done = execute.run_check(
            command,
            input=source.encode(),
            capture_output=True,
            quiet=True,
            timeout=seconds,
        )
    except (OSError, subprocess.SubprocessError, graphviz.ExecutableNotFound):
        return None
    return bytes(done.stdout), found[1]


def graphviz_layout(picture: Picture, *, direction: Direction, seconds: float) -> Layout | None:
    """Place a picture with Graphviz; None if it can't or is too slow."""
    answer = run_dot(_geometry(picture, direction), "json0", seconds=seconds)
    if answer is None:
        return None
    try:
        return _layout(json.loads(answer[0]), picture, answer[1])
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def _geometry(picture: Picture, direction: Direction) -> str:
    """Write the DOT source: sizes in inches, 72 pixels each."""
    dense = len(picture.lines) > _DENSE
    graph = graphviz.Digraph(
        graph_attr={
            "rankdir": direction,
            "nodesep": "0.28",
            "ranksep": "0.5",
            "splines": "polyline" if dense else "spline",
            **({"nslimit": "2", "mclimit": "0.5"} if dense else {}),
        },
        node_attr={"shape": "box", "fixedsize": "true", "label": ""},
        edge_attr={"arrowsize": "0.7"},
    )
    framed = {box for frame in picture.frames for box in frame.boxes}
    sizes = {
        b.id: {"width": f"{b.width / 72:.3f}", "height": f"{b.height / 72:.3f}"}
        for b in picture.boxes
    }
    for frame in picture.frames:
        with graph.subgraph(name=f"cluster_{frame.id}") as cluster:
            cluster.attr(margin="12", labeljust="l", label=_space(190.0, 15.0))
            for name in frame.boxes:
                cluster.node(name, **sizes[name])
    for box in picture.boxes:
        if box.id not in framed:
            graph.node(box.id, **sizes[box.id])
    for line in picture.lines:
        label = {"label": _space(line.label_width + 4.0, 15.0)} if line.label else {}
        graph.edge(line.source, line.target, id=line.id, **label)
    return str(graph.source)


def _space(width: float, height: float) -> str:
    """Return a label that takes room and holds nothing."""
    size = f'FIXEDSIZE="TRUE" WIDTH="{width:.0f}" HEIGHT="{height:.0f}"'
    return f'<<TABLE BORDER="0" CELLPADDING="0" {size}><TR><TD></TD></TR></TABLE>>'


def _layout(answer: dict[str, Any], picture: Picture, engine: str) -> Layout:
    _, _, width, height = _numbers(answer["bb"])

    def place(x: float, y: float) -> Point:
        return round(x + _MARGIN, 1), round(height - y + _MARGIN, 1)

    boxes: dict[str, Point] = {}
    frames: dict[str, Area] = {}
    for item in answer.get("objects", ()):
        if "pos" in item:
            x, y = _numbers(item["pos"])
            boxes[item["name"]] = place(x, y)
        elif "bb" in item:
            left, low, right, high = _numbers(item["bb"])
            x, y = place(left, high)
            frames[item["name"].removeprefix("cluster_")] = Area(
                x=x, y=y, width=round(right - left, 1), height=round(high - low, 1)
            )
    routes = {}
    for item in answer.get("edges", ()):
        tip, *points = [place(*_numbers(part.removeprefix("e,"))) for part in item["pos"].split()]
        label = place(*_numbers(item["lp"])) if "lp" in item else None
        routes[item["id"]] = Route(points=tuple(points), tip=tip, label=label)
    if len(boxes) != len(picture.boxes) or len(routes) != len(picture.lines):
        raise ValueError("Graphviz answered with another graph")
    return Layout(
        width=round(width + 2 * _MARGIN, 1),
        height=round(height + 2 * _MARGIN, 1),
        boxes=boxes,
        routes=routes,
        frames=frames,
        engine=engine,
    )


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]
