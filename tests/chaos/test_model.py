"""Every order of events of two workers at one task, tried out: small enough to be complete.

The guards of the design stand here as what they are in the metastore; with any of them taken out, a
state that must never be is reached.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import pytest

LIMIT = 10_000
MAX_LOST = 2
WORKERS = (0, 1)
FINAL = frozenset({"success", "failed", "cancelled"})


class World(NamedTuple):
    """The task's row, what each worker believes, and what was published by whom."""

    state: str = "none"
    token: int = 0
    lease: bool = False
    lost: int = 0
    cancel: bool = False
    holds: tuple[int, int] = (0, 0)
    """The token that each worker works under, 0 for none."""
    asleep: tuple[bool, bool] = (False, False)
    published: int = 0
    ended: tuple[int, ...] = ()
    """Tokens whose end counts."""
    open: tuple[int, ...] = ()
    """Tokens of attempts that have no end on record."""


def after(world: World, without: str = "") -> Iterator[tuple[str, World]]:
    """Yield every step that may come next; ``without`` names a guard that is left out."""
    if world.state == "none":
        yield "release", world._replace(state="queued")
    if world.state not in FINAL and not world.cancel:
        yield "ask to cancel", world._replace(cancel=True)
    if world.state in ("none", "queued") and world.cancel:
        yield "cancel", world._replace(state="cancelled")
    if world.lease:
        yield "lease ends", world._replace(lease=False)
    if world.state == "running" and not world.lease and without != "reap":
        lost = world.lost + 1
        target = "failed" if lost > MAX_LOST else "queued"
        yield "reap", world._replace(state=target, lost=lost, open=_less(world.open, world.token))
    for worker in WORKERS:
        yield from _of_worker(world, worker, without)


def _of_worker(world: World, worker: int, without: str) -> Iterator[tuple[str, World]]:
    mine = world.holds[worker]
    if world.asleep[worker]:
        yield "wake", world._replace(asleep=_put(world.asleep, worker, False))
        return
    free = world.state == "queued" and not world.cancel
    if without == "claim":
        free = world.state in ("queued", "running") and world.token < 4
    if not mine and free:
        token = world.token + 1
        yield (
            "claim",
            world._replace(
                state="running",
                token=token,
                lease=True,
                holds=_put(world.holds, worker, token),
                open=(*world.open, token),
            ),
        )
    if not mine:
        return
    yield "die", world._replace(holds=_put(world.holds, worker, 0), lease=False)
    yield "stall", world._replace(asleep=_put(world.asleep, worker, True))
    held = world.state == "running" and world.token == mine
    if held:
        yield "renew", world._replace(lease=True)
    done = world._replace(holds=_put(world.holds, worker, 0), open=_less(world.open, mine))
    if held or without == "fence":
        ended = (*world.ended, mine)
        yield (
            "succeed",
            done._replace(state="success", lease=False, published=world.published + 1, ended=ended),
        )
        if world.cancel:
            yield "stop", done._replace(state="cancelled", lease=False, ended=ended)
    else:
        yield "fenced", done


def _less(tokens: tuple[int, ...], token: int) -> tuple[int, ...]:
    return tuple(one for one in tokens if one != token)


def _put(pair: tuple, place: int, value: object) -> tuple:
    return (value, pair[1]) if place == 0 else (pair[0], value)


def wrong(world: World) -> str:
    """Return what of a state must never be, "" if it may."""
    if world.published > 1:
        return "I5: two results were published"
    if len(set(world.ended)) < len(world.ended) or len(world.ended) > 1:
        return "I9: two attempts' ends count"
    if len(world.open) > 1:
        return "I17: two attempts are open at once"
    return ""


def explore(without: str = "") -> tuple[dict[World, list[World]], str]:
    """Return all states that can be reached with what follows each, and the first wrong thing."""
    seen: dict[World, list[World]] = {}
    found = ""
    todo = deque([World()])
    while todo and len(seen) < LIMIT:
        world = todo.popleft()
        if world in seen:
            continue
        found = found or wrong(world)
        if wrong(world):
            seen[world] = []
            continue
        for step, then in after(world, without):
            if world.state in FINAL and then.state != world.state:
                found = found or f"I13: {step} after {world.state}"
            seen.setdefault(world, []).append(then)
            todo.append(then)
        seen.setdefault(world, [])
    return seen, found


def stuck(states: dict[World, list[World]]) -> list[World]:
    """Return the states from which no end can be reached."""
    before: dict[World, list[World]] = {}
    for world, following in states.items():
        for then in following:
            before.setdefault(then, []).append(world)
    ends = {world for world in states if world.state in FINAL}
    todo = list(ends)
    while todo:
        for world in before.get(todo.pop(), []):
            if world not in ends:
                ends.add(world)
                todo.append(world)
    return [world for world in states if world not in ends]


def test_no_order_of_events_publishes_twice_and_an_end_can_always_be_reached() -> None:
    states, found = explore()
    assert 200 < len(states) < LIMIT
    assert found == ""
    assert stuck(states) == []


@pytest.mark.parametrize("guard", ["claim", "fence"])
def test_without_a_guard_some_order_of_events_goes_wrong(guard: str) -> None:
    assert explore(guard)[1] != ""


def test_without_a_reaper_some_state_is_never_left() -> None:
    assert stuck(explore("reap")[0]) != []
