"""Painting: a picture and its layout become one SVG, the same whoever made the layout."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import hypot
from xml.sax.saxutils import escape, quoteattr

from nbflow.model.dag import Dag
from nbflow.render.choose_layout import lay_out
from nbflow.render.layout import Area, Direction, Layout, Point, Route
from nbflow.render.measure import text_width
from nbflow.render.picture import (
    LINE_HEIGHT,
    NOTE_SIZE,
    STACK,
    Box,
    Chip,
    Frame,
    Line,
    Picture,
    States,
    picture_of,
)
from nbflow.render.safe_svg import SVG, checked_svg
from nbflow.render.stylesheet import style_sheet
from nbflow.render.tokens import Theme, tokens

_CHIP_HEIGHT = 22.0
_MINIMUM_WIDTH = 260.0
_LEAST_SCALE = 0.7
"""Smaller names could not be read: a wider picture scrolls."""


def to_svg(
    dag: Dag,
    states: States | None = None,
    *,
    theme: Theme = "auto",
    direction: Direction = "LR",
    lang: str = "en",
    engine: str = "auto",
    members: Mapping[str, tuple[str, ...]] | None = None,
) -> str:
    """Draw ``dag`` as one self-contained SVG element.

    With ``states`` each box tells its state; the groups ``task-n0``… carry ``data-task`` and
    ``data-state``, so a live view only recolours. Never raises for a DAG that compiles: if
    Graphviz fails or is too slow, our own layout is used.
    """
    picture = picture_of(dag, states, lang=lang, members=members)
    return paint(picture, lay_out(picture, direction=direction, engine=engine), theme=theme)


def paint(picture: Picture, layout: Layout, *, theme: Theme = "auto") -> str:
    """Paint a placed picture."""
    style = style_sheet(theme)
    width, height, strip = _extent(picture, layout)
    parts = [
        (
            f'<svg xmlns="{SVG}" class="nbflow-dag" role="img" '
            f"aria-label={_attribute(f'{picture.title}: {picture.summary}')} "
            f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}" '
            f'data-engine="{layout.engine}" '
            f'style="max-width:100%;min-width:{_n(width * _LEAST_SCALE)}px;height:auto">'
        ),
        f"<title>{escape(picture.title)}</title>",
        f"<desc>{escape(picture.summary)}</desc>",
        f"<style>{style}</style>",
    ]
    if theme != "auto":
        page = tokens().surfaces["page"][theme]
        parts[-1] = f"<style>{style}.nbflow-dag .ground{{fill:{page}}}</style>"
        style += f".nbflow-dag .ground{{fill:{page}}}"
        parts.append(f'<rect class="ground" width="{_n(width)}" height="{_n(height)}"/>')
    parts += [_frame(frame, layout.frames[frame.id]) for frame in picture.frames]
    boxes = {box.id: box for box in picture.boxes}
    parts += [_line(line, layout.routes[line.id], boxes) for line in picture.lines]
    parts += [_box(box, layout.boxes[box.id]) for box in picture.boxes]
    # Labels come last, so that no line runs over one.
    parts += [_label(line, layout.routes[line.id]) for line in picture.lines if line.label]
    if not picture.boxes:
        parts.append(f'<text class="small" x="16" y="27">{escape(picture.summary)}</text>')
    parts += strip
    parts.append("</svg>")
    return checked_svg("\n".join(parts), style=style)


def _extent(picture: Picture, layout: Layout) -> tuple[float, float, list[str]]:
    """Return width and height with the margin strip, and the strip's elements."""
    width, height = max(layout.width, _MINIMUM_WIDTH), max(layout.height, 44.0)
    if not picture.boxes:
        width, height = text_width(picture.summary, NOTE_SIZE) + 32.0, 44.0
    if not picture.chips:
        return width, height, []
    strip, x, y = [], 12.0, height + 4.0
    for chip in picture.chips:
        wide = text_width(chip.label, NOTE_SIZE) + 20.0
        if x > 12.0 and x + wide > max(width, 600.0):
            x, y = 12.0, y + _CHIP_HEIGHT + 6.0
        strip.append(_chip(chip, x, y, wide))
        x += wide + 8.0
        width = max(width, x + 4.0)
    return width, y + _CHIP_HEIGHT + 12.0, strip


def _box(box: Box, centre: Point, behind: tuple[float, ...] = ()) -> str:
    if box.stacked:
        front = replace(box, stacked=False, width=box.width - STACK, height=box.height - STACK)
        return _box(
            front, (centre[0] - STACK / 2, centre[1] + STACK / 2), behind=(STACK, STACK / 2)
        )
    left, top = centre[0] - box.width / 2, centre[1] - box.height / 2
    state = f' data-state="{box.look}"' if box.look else ""
    parts = [
        (
            f'<g id="task-{box.id}" class="task" data-task={_attribute(box.task)}{state} '
            f'tabindex="0" role="group" aria-label={_attribute(box.title)}>'
        ),
        f"<title>{escape(box.title)}</title>",
    ]
    parts += [_rect("box", left + s, top - s, box.width, box.height) for s in behind]
    parts.append(_shape(box, left, top))
    if box.condition:
        # Above the middle, where arrows mostly end.
        x, y = left, top + 10.0
        points = f"{_n(x - 7)},{_n(y)} {_n(x)},{_n(y - 7)} {_n(x + 7)},{_n(y)} {_n(x)},{_n(y + 7)}"
        parts.append(f'<polygon class="when" points="{points}"/>')
    lines = len(box.lines) + (1 if box.note else 0)
    y = centre[1] - (lines - 1) * LINE_HEIGHT / 2 + 4.5
    name, x = ("name left", left + 15.0) if box.look else ("name", centre[0])
    for line in box.lines:
        parts.append(f'<text class="{name}" x="{_n(x)}" y="{_n(y)}">{escape(line)}</text>')
        y += LINE_HEIGHT
    if box.look:
        parts.append(_note(box, left + 14.0, y))
    elif box.note:
        parts.append(
            f'<text class="small middle" x="{_n(x)}" y="{_n(y)}">{escape(box.note)}</text>'
        )
    parts.append("</g>")
    return "".join(parts)


def _shape(box: Box, left: float, top: float) -> str:
    """Return the box itself: rounded, with a folded corner for a whole notebook."""
    if not box.folded:
        return _rect("box", left, top, box.width, box.height)
    right, bottom, r, f = left + box.width, top + box.height, 6.0, 12.0
    outline = (
        f"M{_n(left + r)} {_n(top)}H{_n(right - f)}L{_n(right)} {_n(top + f)}V{_n(bottom - r)}"
        f"Q{_n(right)} {_n(bottom)} {_n(right - r)} {_n(bottom)}H{_n(left + r)}"
        f"Q{_n(left)} {_n(bottom)} {_n(left)} {_n(bottom - r)}V{_n(top + r)}"
        f"Q{_n(left)} {_n(top)} {_n(left + r)} {_n(top)}Z"
    )
    corner = f"M{_n(right - f)} {_n(top)}V{_n(top + f)}H{_n(right)}Z"
    return f'<path class="box" d="{outline}"/><path class="fold" d="{corner}"/>'


def _note(box: Box, x: float, y: float) -> str:
    icon = tokens().states[box.look or "none"].icon
    return (
        f'<g transform="translate({_n(x)} {_n(y - 10)}) scale(0.78)">'
        f'<path class="icon" d="{icon}"/></g>'
        f'<text class="note" x="{_n(x + 18)}" y="{_n(y)}">{escape(box.note)}</text>'
    )


def _line(line: Line, route: Route, boxes: dict[str, Box]) -> str:
    look = tokens().edges[line.kind.value]
    ends = f"data-source={_attribute(boxes[line.source].task)} data-target={_attribute(boxes[line.target].task)}"
    dash = f' stroke-dasharray="{look.dash}"' if look.dash else ""
    d = _path(route.points)
    parts = [
        (
            f'<g id="edge-{line.id}" class="edge{" critical" if line.bold else ""}" '
            f'data-kind="{line.kind.value}" {ends}>'
        ),
        f"<title>{escape(line.title)}</title>",
        f'<path class="reach" d="{d}"/>',
        f'<path class="line" d="{d}" stroke-width="{look.width}"{dash}/>',
        f'<polygon class="tip" points="{_arrow(route.points, route.tip)}"/>',
    ]
    if line.dot:
        x, y = route.points[0]
        parts.append(f'<circle class="dot" cx="{_n(x)}" cy="{_n(y)}" r="3.4"/>')
    parts.append("</g>")
    return "".join(parts)


def _label(line: Line, route: Route) -> str:
    if route.label is None:
        return ""
    x, y = route.label
    title = f"<title>{escape(line.title)}</title>"
    if not line.page:
        return (
            f'<text class="label" x="{_n(x)}" y="{_n(y + 0.8)}">{title}{escape(line.label)}</text>'
        )
    left = x - (line.label_width - 16.0) * 0.43 - 6.0
    return (
        f'<g transform="translate({_n(left)} {_n(y - 8)})">'
        f'<path class="page" d="{tokens().marks["page"]}"/></g>'
        f'<text class="label" x="{_n(x + 7)}" y="{_n(y + 0.8)}">{title}{escape(line.label)}</text>'
    )


def _frame(frame: Frame, area: Area) -> str:
    return (
        f'<g id="group-{frame.id}">'
        f"{_rect('frame', area.x, area.y, area.width, area.height, radius=10.0)}"
        f'<text class="small" x="{_n(area.x + 12)}" y="{_n(area.y + 17)}">{escape(frame.label)}</text></g>'
    )


def _chip(chip: Chip, x: float, y: float, width: float) -> str:
    state = ' data-state="failed"' if chip.kind == "broken" else ""
    return (
        f'<g class="margin" data-cells={_attribute(chip.title)}{state}>'
        f"<title>{escape(chip.title)}</title>"
        f"{_rect('box chip', x, y, width, _CHIP_HEIGHT, radius=11.0)}"
        f'<text class="{"note" if state else "small"} middle" x="{_n(x + width / 2)}" y="{_n(y + 15)}">'
        f"{escape(chip.label)}</text></g>"
    )


def _path(points: Sequence[Point]) -> str:
    head = f"M{_n(points[0][0])} {_n(points[0][1])}"
    return head + "".join(f"C{_pairs(points[i : i + 3])}" for i in range(1, len(points) - 2, 3))


def _pairs(points: Iterable[Point]) -> str:
    return " ".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _arrow(points: Sequence[Point], tip: Point) -> str:
    """Return a slender triangle from the end of the line to the tip."""
    (x0, y0), (x1, y1) = points[-1], tip
    length = hypot(x1 - x0, y1 - y0) or 1.0
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    base_x, base_y, half = x1 - dx * 8.0, y1 - dy * 8.0, 3.4
    corners = [
        (x1, y1),
        (base_x - dy * half, base_y + dx * half),
        (base_x + dy * half, base_y - dx * half),
    ]
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in corners)


def _rect(name: str, x: float, y: float, width: float, height: float, radius: float = 7.0) -> str:
    return (
        f'<rect class="{name}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" '
        f'height="{_n(height)}" rx="{_n(radius)}"/>'
    )


def _attribute(text: str) -> str:
    return quoteattr("".join(c if c.isprintable() else " " for c in text))


def _n(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
