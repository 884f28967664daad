"""Notebooks as an editor holds them, compiled while somebody types."""

import threading
from collections.abc import Mapping
from typing import Any

from nbflow.compiler import new_compiler
from nbflow.model.clock import Clock
from nbflow.notebooks import read_document
from nbflow.service.targets import Compiled, with_schedule_findings


class LiveCompiler:
    """Compiles documents again and again; what an edit leaves as it was is remembered. Any thread
    may ask.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._compiler = new_compiler()
        self._lock = threading.Lock()

    def compile(self, document: Mapping[str, Any], path: str) -> Compiled:
        """Compile a document as if it lay at ``path``, with the findings of its schedule.

        Raises NotebookError if it is no well-formed notebook.
        """
        notebook = read_document(document, path)
        with self._lock:
            dag = self._compiler.compile(notebook)
        found = with_schedule_findings(dag, self._clock.wall())
        return Compiled(dag=found, notebooks=(notebook,))
