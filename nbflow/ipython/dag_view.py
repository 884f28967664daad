"""The object that ``%dag`` shows: a DAG that draws itself, saved with the notebook."""

from typing import Any

from nbflow.render.fold import Folded
from nbflow.render.inline import mime_bundle


class DagView:
    """A compiled DAG as a notebook's output: picture, and the list of edges as text.

    ``head`` is a line above the picture, e.g. that the saved file is drawn.
    """

    def __init__(self, view: Folded, *, lang: str = "en", head: str = "") -> None:
        self.view = view
        self._lang = lang
        self._head = head

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        view = self.view
        return mime_bundle(view.dag, lang=self._lang, head=self._head, members=view.members)

    def __repr__(self) -> str:
        return f"<DAG {self.view.whole.id}: {len(self.view.whole.tasks)} tasks>"
