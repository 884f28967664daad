"""Where things stand: the common result of Graphviz and of our own layout. Pixels, y downwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]
Direction = Literal["LR", "TB"]
"""Left to right, or top to bottom for narrow places."""


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
