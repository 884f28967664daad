"""Who places a picture: Graphviz if it can and is quick enough, else our own layout."""

from nbflow.render.graphviz_layout import graphviz_layout
from nbflow.render.layered import layered_layout
from nbflow.render.layout import Direction, Layout
from nbflow.render.picture import Picture

LAYOUT_SECONDS = 10.0
"""How long Graphviz may think before our own layout takes over."""

GRAPHVIZ_LIMIT = 500
"""Above this many tasks our own layout is used at once."""


def lay_out(picture: Picture, *, direction: Direction = "LR", engine: str = "auto") -> Layout:
    """Place a picture: Graphviz if there is one and it ends in time, else our own layout.

    ``engine`` is ``auto`` or ``layered`` (never ask Graphviz).
    """
    if engine == "auto" and 1 < len(picture.boxes) <= GRAPHVIZ_LIMIT:
        placed = graphviz_layout(picture, direction=direction, seconds=LAYOUT_SECONDS)
        if placed is not None:
            return placed
    return layered_layout(picture, direction=direction)
