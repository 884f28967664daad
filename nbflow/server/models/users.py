"""Who asks: the user as the Jupyter server knows them."""

from typing import Literal

from nbflow.server.models.fields import Given


class UserAnswer(Given):
    """A user of the server, and what they may do with nbflow: look, change, make code run."""

    username: str
    name: str
    may: list[Literal["read", "write", "execute"]]
