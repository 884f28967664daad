"""Parts of lists that use cases return whole."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from nbflow.server.models.fields import Paged
from nbflow.server.problems import RequestError

Item = TypeVar("Item")


def part(
    items: Sequence[Item],
    asked: Paged,
    name: Callable[[Item], str],
    is_wanted: Callable[[Item], bool],
) -> tuple[list[Item], str | None]:
    """Return as many wanted items as are asked for, and the cursor of the next part, None at the
    end.

    A cursor is the name of the last item of the part before, wanted by now or not. Raises
    RequestError if there is none of that name: it was deleted meanwhile, or never listed.
    """
    start = 0
    if asked.cursor is not None:
        start = next((at for at, one in enumerate(items, 1) if name(one) == asked.cursor), 0)
        if start == 0:
            raise bad_cursor()
    found = list(islice(filter(is_wanted, items[start:]), asked.limit + 1))
    here = found[: asked.limit]
    return here, name(here[-1]) if len(found) > len(here) else None


def bad_cursor() -> RequestError:
    """Return the refusal of a cursor that no list gave."""
    return RequestError(
        422, "NBF721", "The cursor is not one that a list gave.",
        hint="Leave it away to begin with the first part.", field="cursor",
    )  # fmt: skip
