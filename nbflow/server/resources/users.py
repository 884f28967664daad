"""Users: the server's own, with its identity provider and its authoriser."""

from nbflow.server.models.users import UserAnswer
from nbflow.server.routing import Call, Route


def show_me(call: Call) -> UserAnswer:
    """Return who asks, and what they may do."""
    assert call.user is not None, "the route tells who asks"
    return call.user


ROUTES = (
    Route(
        method="GET",
        path="/users/me",
        answer=show_me,
        summary="Tell who asks, and what they may do.",
        given=UserAnswer,
        tells_user=True,
    ),
)
