"""The DAG as DOT source, for people who want to lay it out or style it themselves."""

import graphviz

from nbflow.model.dag import Dag
from nbflow.render.layout import Direction
from nbflow.render.picture import Box, Line, Picture, States, picture_of
from nbflow.render.tokens import tokens

_STYLES = {"ambient": "dotted", "order": "dashed", "safe": "dashed"}


def to_dot(
    dag: Dag,
    states: States | None = None,
    *,
    direction: Direction = "LR",
    lang: str = "en",
) -> str:
    """Return DOT source that any Graphviz draws.

    Nodes are called ``n0``… in page order; names stand in labels only, escaped, so nothing in a
    notebook becomes an identifier, a port, markup or an attribute. Sizes are explicit, since
    Graphviz doesn't know how wide Hangul is.
    """
    return dot_of(picture_of(dag, states, lang=lang), direction=direction)


def dot_of(picture: Picture, *, direction: Direction = "LR") -> str:
    """Return the DOT source of a picture."""
    surfaces = tokens().surfaces
    graph = graphviz.Digraph(
        comment=_one_line(picture.title),
        graph_attr={
            "rankdir": direction,
            "nodesep": "0.28",
            "ranksep": "0.5",
            "fontname": "sans-serif",
            "tooltip": _label(picture.title),
        },
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fixedsize": "true",
            "fontname": "sans-serif",
            "fontsize": "10",
            "fillcolor": surfaces["box"]["light"],
            "color": surfaces["line"]["light"],
            "fontcolor": surfaces["text"]["light"],
        },
        edge_attr={
            "fontname": "sans-serif",
            "fontsize": "8",
            "arrowsize": "0.7",
            "color": surfaces["edge"]["light"],
            "fontcolor": surfaces["muted"]["light"],
        },
    )
    boxes = {box.id: box for box in picture.boxes}
    framed = {box for frame in picture.frames for box in frame.boxes}
    for frame in picture.frames:
        with graph.subgraph(name=f"cluster_{frame.id}") as cluster:
            cluster.attr(label=_label(frame.label), style="dashed,rounded", fontsize="9")
            for box_id in frame.boxes:
                cluster.node(box_id, **_node(boxes[box_id]))
    for box in picture.boxes:
        if box.id not in framed:
            graph.node(box.id, **_node(box))
    for line in picture.lines:
        graph.edge(line.source, line.target, **_edge(line))
    for index, chip in enumerate(picture.chips):
        graph.node(
            f"m{index}",
            label=_label(chip.label),
            shape="plaintext",
            style="",
            fixedsize="false",
            fontsize="8",
        )
    return str(graph.source)


def _node(box: Box) -> dict[str, str]:
    lines = [*box.lines]
    attributes = {
        "width": f"{box.width / 72:.3f}",
        "height": f"{box.height / 72:.3f}",
        "tooltip": _label(box.title),
    }
    if box.look:
        look = tokens().states[box.look]
        lines.append(f"{look.glyph} {box.note}")
        attributes |= {
            "fillcolor": look.light["fill"],
            "color": look.light["line"],
            "fontcolor": look.light["ink"],
        }
    if box.folded:
        attributes |= {"shape": "note", "style": "filled"}
    if box.stacked:
        attributes["peripheries"] = "2"
    if box.condition:
        lines[0] = f"◇ {lines[0]}"
    return {"label": _label("\n".join(lines)), **attributes}


def _edge(line: Line) -> dict[str, str]:
    attributes = {"tooltip": _label(line.title), "edgetooltip": _label(line.title)}
    if line.label:
        attributes["label"] = _label(f"{'▤ ' if line.page else ''}{line.label}")
    style = _STYLES.get(line.kind.value)
    if style:
        attributes["style"] = style
    if line.dot:
        attributes |= {"dir": "both", "arrowtail": "dot"}
    if line.bold:
        attributes["penwidth"] = "2.4"
    return attributes


def _label(text: str) -> str:
    """Escape text for a label: backslashes mean themselves, markup is none, lines stay lines.

    The result is of a type that python-graphviz never takes for HTML.
    """
    rows = ["".join(c if c.isprintable() else " " for c in row) for row in text.splitlines()]
    escaped = "\\n".join(str(graphviz.escape(row)) for row in rows)
    label: str = graphviz.nohtml(escaped)
    return label


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
