"""Our own layout, for machines without Graphviz and graphs that it can't finish: layers by longest
path, order by barycentre, places by least squares. Linear in the number of lines for each round.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from nbflow.render.layout import Area, Direction, Layout, Point, Route
from nbflow.render.picture import Line, Picture

_MARGIN = 12.0
_GAP_ACROSS = 22.0
"""Between neighbours in a layer, pixels."""
_GAP_ALONG = 46.0
"""Between layers, pixels, without labels."""
_ROUNDS = 8
_BEND_LIMIT = 12_000
"""Above this many bends, long lines run straight instead of around boxes."""
_LABEL_RISE = 9.0
_FRAME_HEAD = 26.0
_FRAME_PAD = 12.0


@dataclass(slots=True)
class _Grid:
    """Work in progress. A cell is a box id or a bend (made-up id) of a long line; ``across`` is
    the size and place within a layer, ``along`` the one from layer to layer.
    """

    layers: list[list[str]]
    rank: dict[str, int]
    size_across: dict[str, float]
    size_along: dict[str, float]
    band: dict[str, int]
    before: dict[str, list[str]] = field(default_factory=dict)
    after: dict[str, list[str]] = field(default_factory=dict)
    ways: dict[str, list[str]] = field(default_factory=dict)
    across: dict[str, float] = field(default_factory=dict)
    along: list[float] = field(default_factory=list)


def layered_layout(picture: Picture, *, direction: Direction = "LR") -> Layout:
    """Place a picture; always ends, and needs nothing but Python."""
    flat = direction == "LR"
    grid = _grid(picture, flat=flat)
    _thread_lines(grid, picture.lines)
    _order(grid)
    _place_across(grid)
    total_along = _place_along(grid, picture.lines, flat=flat)
    return _finish(grid, picture, total_along, flat=flat)


def _grid(picture: Picture, *, flat: bool) -> _Grid:
    rank = _ranks([b.id for b in picture.boxes], picture.lines)
    layers: list[list[str]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for box in picture.boxes:
        layers[rank[box.id]].append(box.id)
    band = dict.fromkeys(rank, 0)
    for number, frame in enumerate(picture.frames, start=1):
        band.update(dict.fromkeys(frame.boxes, number))
    return _Grid(
        layers=layers,
        rank=rank,
        size_across={b.id: b.height if flat else b.width for b in picture.boxes},
        size_along={b.id: b.width if flat else b.height for b in picture.boxes},
        band=band,
    )


def _ranks(boxes: Sequence[str], lines: Iterable[Line]) -> dict[str, int]:
    """Return each box's layer: one after its last upstream box; starts move up to their readers."""
    before: dict[str, set[str]] = {box: set() for box in boxes}
    after: dict[str, set[str]] = {box: set() for box in boxes}
    for line in lines:
        before[line.target].add(line.source)
        after[line.source].add(line.target)
    rank: dict[str, int] = {}
    waiting = {box: len(sources) for box, sources in before.items()}
    ready = [box for box in boxes if not waiting[box]]
    while len(rank) < len(boxes):
        if not ready:
            # A cycle (the compiler reports it): go on with the first box in page order.
            ready = [next(box for box in boxes if box not in rank)]
        box = ready.pop()
        if box in rank:
            continue
        rank[box] = max((rank[s] + 1 for s in before[box] if s in rank), default=0)
        for target in after[box]:
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    for box in boxes:
        if not before[box] and after[box]:
            rank[box] = max(0, min(rank[t] for t in after[box]) - 1)
    return rank


def _thread_lines(grid: _Grid, lines: Sequence[Line]) -> None:
    """Lead each line through the layers that it crosses, so that it makes way for boxes."""
    bends = sum(max(0, abs(grid.rank[x.target] - grid.rank[x.source]) - 1) for x in lines)
    for line in lines:
        low, high = grid.rank[line.source], grid.rank[line.target]
        way = [line.source]
        if bends <= _BEND_LIMIT:
            for layer in range(low + 1, high):
                bend = f"{line.id}@{layer}"
                grid.rank[bend] = layer
                grid.size_across[bend] = 2.0
                grid.size_along[bend] = 0.0
                same = grid.band[line.source] == grid.band[line.target]
                grid.band[bend] = grid.band[line.source] if same else 0
                grid.layers[layer].append(bend)
                way.append(bend)
        way.append(line.target)
        grid.ways[line.id] = way
        for one, two in pairwise(way):
            grid.after.setdefault(one, []).append(two)
            grid.before.setdefault(two, []).append(one)


def _order(grid: _Grid) -> None:
    """Order each layer by the mean place of its neighbours, forth and back, and keep the best."""
    best = [list(layer) for layer in grid.layers]
    least = _crossings(grid, best)
    for number in range(_ROUNDS):
        if least == 0:
            break
        forth = number % 2 == 0
        neighbours = grid.before if forth else grid.after
        for layer in grid.layers if forth else reversed(grid.layers):
            _sort_layer(grid, layer, neighbours)
        found = _crossings(grid, grid.layers)
        if found < least:
            least, best = found, [list(layer) for layer in grid.layers]
    grid.layers = best
    for cells in grid.layers:
        cells.sort(key=lambda cell: grid.band[cell])


def _sort_layer(grid: _Grid, layer: list[str], neighbours: Mapping[str, list[str]]) -> None:
    place = _near_places(grid, layer)

    def key(cell: str) -> tuple[int, float]:
        near = [place[n] for n in neighbours.get(cell, ()) if n in place]
        return grid.band[cell], sum(near) / len(near) if near else place.get(cell, 0.5)

    layer.sort(key=key)


def _near_places(grid: _Grid, layer: Sequence[str]) -> dict[str, float]:
    """Return relative places of the layers beside ``layer``, and of itself."""
    if not layer:
        return {}
    middle = grid.rank[layer[0]]
    places: dict[str, float] = {}
    for cells in grid.layers[max(0, middle - 1) : middle + 2]:
        for index, cell in enumerate(cells):
            places[cell] = (index + 0.5) / len(cells)
    return places


def _crossings(grid: _Grid, layers: Sequence[Sequence[str]]) -> int:
    """Count the crossings between neighbouring layers (inversions, by binary indexed tree)."""
    total = 0
    for left, right in pairwise(layers):
        position = {cell: index for index, cell in enumerate(right)}
        ends = [
            end
            for cell in left
            for end in sorted(position[n] for n in grid.after.get(cell, ()) if n in position)
        ]
        tree = [0] * (len(right) + 1)
        for seen, end in enumerate(ends):
            total += seen - _prefix(tree, end + 1)
            index = end + 1
            while index < len(tree):
                tree[index] += 1
                index += index & -index
    return total


def _prefix(tree: Sequence[int], index: int) -> int:
    count = 0
    while index > 0:
        count += tree[index]
        index -= index & -index
    return count


def _place_across(grid: _Grid) -> None:
    """Give each cell its place in its layer: close to its neighbours' mean, bands apart."""
    for layer in grid.layers:
        at = 0.0
        for cell in layer:
            grid.across[cell] = at + grid.size_across[cell] / 2
            at += grid.size_across[cell] + _GAP_ACROSS
    for number in range(6):
        forth = number % 2 == 0
        neighbours = grid.before if forth else grid.after
        for layer in grid.layers if forth else reversed(grid.layers):
            _settle(grid, layer, neighbours)
    _part_bands(grid)


def _settle(grid: _Grid, layer: Sequence[str], neighbours: Mapping[str, list[str]]) -> None:
    """Move a layer's cells to their wishes, keeping order and gaps (pool adjacent violators)."""
    offset, blocks = 0.0, []
    offsets = []
    for cell in layer:
        near = neighbours.get(cell) or [cell]
        wish = sum(grid.across[n] for n in near) / len(near)
        offsets.append(offset + grid.size_across[cell] / 2)
        # Bends pull harder, so that long lines stay straight.
        weight = 4.0 if "@" in cell else 1.0
        blocks.append([wish - offsets[-1], weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            wish2, weight2, count2 = blocks.pop()
            wish1, weight1, count1 = blocks[-1]
            weight = weight1 + weight2
            blocks[-1] = [(wish1 * weight1 + wish2 * weight2) / weight, weight, count1 + count2]
        offset += grid.size_across[cell] + _GAP_ACROSS
    index = 0
    for shift, _, count in blocks:
        for _ in range(int(count)):
            grid.across[layer[index]] = shift + offsets[index]
            index += 1


def _part_bands(grid: _Grid) -> None:
    """Move each frame's boxes below everything before them, so that frames never overlap."""
    bands = sorted(set(grid.band.values()))
    floor: float | None = None
    for band in bands:
        cells = [c for c in grid.across if grid.band[c] == band]
        top = min(grid.across[c] - grid.size_across[c] / 2 for c in cells)
        if floor is not None:
            shift = max(0.0, floor + _GAP_ACROSS + _FRAME_HEAD + _FRAME_PAD - top)
            for cell in cells:
                grid.across[cell] += shift
        bottom = max(grid.across[c] + grid.size_across[c] / 2 for c in cells)
        floor = bottom + (_FRAME_PAD if band else 0.0)


def _place_along(grid: _Grid, lines: Sequence[Line], *, flat: bool) -> float:
    """Give each layer its place, with room for the labels between; return the whole length."""
    room = [_GAP_ALONG] * len(grid.layers)
    for line in lines:
        if line.label:
            rank = grid.rank[line.source]
            room[rank] = max(room[rank], line.label_width + 40.0 if flat else 56.0)
    at = 0.0
    for layer, gap in zip(grid.layers, room, strict=True):
        wide = max((grid.size_along[c] for c in layer), default=0.0)
        for cell in layer:
            if "@" in cell:  # a bend runs straight along the whole layer, beside its boxes
                grid.size_along[cell] = wide
        grid.along.append(at + wide / 2)
        at += wide + gap
    return at - (room[-1] if room else 0.0)


def _finish(grid: _Grid, picture: Picture, total_along: float, *, flat: bool) -> Layout:
    lows = [grid.across[c] - grid.size_across[c] / 2 for c in grid.across]
    highs = [grid.across[c] + grid.size_across[c] / 2 for c in grid.across]
    pad = _FRAME_HEAD if picture.frames else 0.0
    low, high = min(lows, default=0.0) - pad, max(highs, default=40.0) + pad / 2
    start = _MARGIN + pad / 2

    def point(along: float, across: float) -> Point:
        a, b = round(along + start, 1), round(across - low + _MARGIN, 1)
        return (a, b) if flat else (b, a)

    boxes = {b.id: point(grid.along[grid.rank[b.id]], grid.across[b.id]) for b in picture.boxes}
    fan_out = Counter(line.source for line in picture.lines)
    fan_in = Counter(line.target for line in picture.lines)
    routes = {
        line.id: _route(
            grid,
            line,
            point,
            share=_label_share(fan_out[line.source], fan_in[line.target]),
            flat=flat,
        )
        for line in picture.lines
    }
    frames = {}
    for frame in picture.frames:
        inside = [b for b in picture.boxes if b.id in frame.boxes]
        left = min(boxes[b.id][0] - b.width / 2 for b in inside) - _FRAME_PAD
        right = max(boxes[b.id][0] + b.width / 2 for b in inside) + _FRAME_PAD
        top = min(boxes[b.id][1] - b.height / 2 for b in inside) - _FRAME_HEAD
        bottom = max(boxes[b.id][1] + b.height / 2 for b in inside) + _FRAME_PAD
        frames[frame.id] = Area(x=left, y=top, width=max(right - left, 200.0), height=bottom - top)
    along, across = total_along + 2 * start, high - low + 2 * _MARGIN
    widest = max((a.x + a.width + _MARGIN for a in frames.values()), default=0.0)
    return Layout(
        width=round(max(along if flat else across, widest), 1),
        height=round(across if flat else along, 1),
        boxes=boxes,
        routes=routes,
        frames=frames,
        engine="layered",
    )


def _label_share(fan_out: int, fan_in: int) -> float:
    """Return where on its line a label stands: away from the end that it shares with others."""
    return 0.5 if fan_out == fan_in else 0.66 if fan_out > fan_in else 0.34


def _route(
    grid: _Grid,
    line: Line,
    point: Callable[[float, float], Point],
    *,
    share: float,
    flat: bool,
) -> Route:
    way = grid.ways[line.id]
    ends = []
    for cell in way:
        half = grid.size_along[cell] / 2
        middle = grid.along[grid.rank[cell]]
        ends.append((middle - half, middle + half, grid.across[cell]))
    tip = (ends[-1][0], ends[-1][2])
    stops: list[tuple[float, float]] = [(ends[0][1], ends[0][2])]
    for _, (into, out, across) in zip(way[1:-1], ends[1:-1], strict=True):
        stops.extend([(into, across)] if into == out else [(into, across), (out, across)])
    stops.append((tip[0] - 8.0, tip[1]))
    points = [point(*stops[0])]
    for (x1, y1), (x2, y2) in pairwise(stops):
        bend = max(12.0, (x2 - x1) / 2) if x2 > x1 else 40.0
        points += [point(x1 + bend, y1), point(x2 - bend, y2), point(x2, y2)]
    label = None
    if line.label:
        (x1, y1), (x2, y2) = stops[0], stops[1]
        risen = share * share * (3 - 2 * share)
        room = (line.label_width / 2 if flat else 7.0) + 8.0
        along = min(max(x1 + (x2 - x1) * share, x1 + room), max(x1 + room, x2 - room))
        label = point(along, y1 + (y2 - y1) * risen)
        label = (label[0], round(label[1] - _LABEL_RISE, 1))
    return Route(points=tuple(points), tip=point(*tip), label=label)
