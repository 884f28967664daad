"""A scheduler that belongs to another process, and ends with it however that ends."""

import logging
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbflow.errors import MetastoreError
from nbflow.service.daemon import open_log
from nbflow.service.drift import has_metastore

if TYPE_CHECKING:
    from nbflow.service.service import Service

LOOK_EVERY = 5.0
"""Seconds between looks at whether a scheduler works."""
AGAIN_AFTER = 30.0
"""Seconds after which one that ended is started again."""
DRAIN = 5.0
"""Seconds that running tasks get when the process ends; then they are given back."""
_log = logging.getLogger("nbflow.attached")


@dataclass(kw_only=True, slots=True)
class AttachedScheduler:
    """Keeps a scheduler at work while its ``with`` block lasts, unless another one works.

    None is started before there is anything for it to do: a metastore, or a DAGs folder. It ends
    when its standard input does, so it outlives not even a process that was killed.
    """

    service: "Service"
    look_every: float = LOOK_EVERY
    _process: "subprocess.Popen[bytes] | None" = None
    _begun: float = float("-inf")
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "AttachedScheduler":
        self._thread = threading.Thread(target=self._keep, name="nbflow-scheduler", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The process that was started, if it lives."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def look(self) -> None:
        """Start a scheduler if none works and one has something to do."""
        if self.pid is not None or not self._is_needed():
            return
        if time.monotonic() - self._begun < AGAIN_AFTER or self.service.store.has_scheduler():
            return
        self._begun = time.monotonic()
        command = [sys.executable, "-m", "nbflow", "scheduler", "--attached"]
        with open_log(self.service.settings.home) as out:
            self._process = subprocess.Popen(  # noqa: S603
                [*command, "--drain", str(DRAIN)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End the scheduler that was started here; what runs in it is given back."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(2 * DRAIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _keep(self) -> None:
        while True:
            try:
                self.look()
            except (MetastoreError, OSError) as problem:
                _log.warning("no scheduler could be started: %s", problem)
            if self._ended.wait(self.look_every):
                return

    def _is_needed(self) -> bool:
        return has_metastore(self.service) or self.service.settings.dags_folder.is_dir()
