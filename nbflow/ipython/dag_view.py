"""The object that ``%dag`` shows: a DAG that draws itself, saved with the notebook."""

from typing import Any

from nbflow.model.dag import Dag
from nbflow.render.inline import mime_bundle


class DagView:
    """A compiled DAG as a notebook's output: picture, and the list of edges as text.

    ``head`` is a line above the picture, e.g. that the saved file is drawn.
    """

    def __init__(self, dag: Dag, *, lang: str = "en", head: str = "") -> None:
        self.dag = dag
        self._lang = lang
        self._head = head

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return mime_bundle(self.dag, lang=self._lang, head=self._head)

    def __repr__(self) -> str:
        return f"<DAG {self.dag.id}: {len(self.dag.tasks)} tasks>"
