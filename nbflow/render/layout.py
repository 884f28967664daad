"""Where things stand: the common result of Graphviz and of our own layout. Pixels, y downwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nbflow.render.picture import Picture

Point = tuple[float, float]
Direction = Literal["LR", "TB"]
"""Left to right, or top to bottom for narrow places."""

LAYOUT_SECONDS = 10.0
"""How long Graphviz may think before our own layout takes over."""

GRAPHVIZ_LIMIT = 500
"""Above this many tasks our own layout is used at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A line's way: a start point, then cubic Bézier segments of three points each, and the tip
    of the arrow that follows the last point. ``label`` is the centre of the label, if any.
    """

    points: tuple[Point, ...]
    tip: Point
    label: Point | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """A rectangle: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Centres of boxes by id, routes of lines by id, areas of frames by id; ``engine`` tells who
    made it: ``dot``, ``graphviz-pure``, ``layered``.
    """

    width: float
    height: float
    boxes: Mapping[str, Point]
    routes: Mapping[str, Route]
    frames: Mapping[str, Area]
    engine: str


def lay_out(picture: Picture, *, direction: Direction = "LR", engine: str = "auto") -> Layout:
    """Place a picture: Graphviz if there is one and it ends in time, else our own layout.

    ``engine`` is ``auto`` or ``layered`` (never ask Graphviz).
    """
    from nbflow.render.graphviz_layout import graphviz_layout
    from nbflow.render.layered import layered_layout

    if engine == "auto" and 1 < len(picture.boxes) <= GRAPHVIZ_LIMIT:
        placed = graphviz_layout(picture, direction=direction, seconds=LAYOUT_SECONDS)
        if placed is not None:
            return placed
    return layered_layout(picture, direction=direction)
