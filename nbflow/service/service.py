"""Everything a face can ask for, behind one object; each use case lives in a module of its own."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nbflow.model.clock import Clock
from nbflow.model.going_on import GoesOn, always
from nbflow.service.events import OnEvent, ignore
from nbflow.settings import Settings

if TYPE_CHECKING:
    from nbflow.execution.executor import LocalExecutor
    from nbflow.metastore import Metastore
    from nbflow.model.dag import Dag
    from nbflow.model.ids import RunId
    from nbflow.service.cleanup import Cleaned
    from nbflow.service.clear import Cleared, ClearOptions
    from nbflow.service.dags import Deployment, DeployOptions
    from nbflow.service.opening import Opening
    from nbflow.service.reports import RunReport
    from nbflow.service.tagging import Proposal
    from nbflow.service.targets import Target
    from nbflow.service.verify import Verification


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """The use cases. ``open_store`` returns the one metastore of this service, opened when a verb
    first needs it; ``executor`` starts what runs attempts.
    """

    settings: Settings
    clock: Clock
    open_store: "Callable[[], Metastore]"
    executor: "Callable[[], LocalExecutor]"

    @property
    def store(self) -> "Metastore":
        """The metastore. Raises MetastoreError."""
        return self.open_store()

    def load(self, target: "Target", *, dag: str | None = None) -> "Dag":
        """Return the DAG at ``target`` with all findings, those of its schedule too."""
        from nbflow.service.targets import load_one

        return load_one(target, dag, now=self.clock.wall()).dag

    def run(
        self,
        target: "Target",
        parameters: Mapping[str, Any] | None = None,
        *,
        dag: str | None = None,
        select: str | Sequence[str] | None = None,
        output: Path | None = None,
        strict: bool = False,
        date: datetime | None = None,
        on_event: OnEvent = ignore,
        cancelled: threading.Event | None = None,
    ) -> "RunReport":
        """Run ``target`` here and now; see `nbflow.service.run`."""
        from nbflow.service.run import RunOptions, run_notebook

        options = RunOptions(
            parameters=parameters or {},
            select=select,
            output=output,
            strict=strict,
            date=date,
            on_event=on_event,
            cancelled=cancelled,
        )
        return run_notebook(self, target, options, dag=dag)

    def verify(
        self,
        target: "Target",
        parameters: Mapping[str, Any] | None = None,
        *,
        dag: str | None = None,
        on_event: OnEvent = ignore,
    ) -> "Verification":
        """Run ``target`` both ways and compare; see `nbflow.service.verify`."""
        from nbflow.service.run import RunOptions
        from nbflow.service.verify import verify_notebook

        options = RunOptions(parameters=parameters or {}, on_event=on_event)
        return verify_notebook(self, target, options, dag=dag)

    def propose_tags(
        self, target: "Target", *, by: Literal["section", "cell"] = "section"
    ) -> "Proposal":
        """Propose tasks for an untagged notebook; see `nbflow.service.tagging`."""
        from nbflow.service.tagging import propose

        return propose(target, by=by)

    def deploy(
        self, target: "Target", *, dag: str | None = None, options: "DeployOptions | None" = None
    ) -> "list[Deployment]":
        """Record DAG versions that new runs use, with their schedules; see `nbflow.service.dags`."""
        from nbflow.service.dags import ANYHOW, deploy

        return deploy(self, target, dag=dag, options=options or ANYHOW)

    def pause(self, dag_id: str, *, paused: bool, confirmed: bool = False) -> bool:
        """Stop or start making scheduled runs; see `dags.pause` for what it raises."""
        from nbflow.service.dags import pause

        return pause(self, dag_id, paused=paused, confirmed=confirmed)

    def will_catch_up(self, dag_id: str) -> tuple[int, int]:
        """Return how many slots a paused DAG has missed, and how many of them will run."""
        from nbflow.service.dags import will_catch_up

        return will_catch_up(self, dag_id)

    def trigger(
        self,
        dag_id: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        date: datetime | None = None,
        key: str | None = None,
    ) -> "RunId | None":
        """Record a run for a scheduler to carry out; see `nbflow.service.dags`."""
        from nbflow.service.dags import trigger

        return trigger(self, dag_id, parameters, date=date, key=key)

    def cancel_run(self, run_id: str) -> bool:
        """Ask whoever drives a run to end it; False if it has ended. Raises NotFoundError."""
        from nbflow.service.looking import find_run

        return self.store.request_cancel(find_run(self, run_id))

    def clear(self, run: str, options: "ClearOptions", *, dry_run: bool = False) -> "Cleared":
        """Ask a scheduler to let an ended run go on; see `nbflow.service.clear`."""
        from nbflow.service.clear import clear

        return clear(self, run, options, dry_run=dry_run)

    def clear_and_run(
        self, run: str, options: "ClearOptions", *, on_event: OnEvent = ignore
    ) -> "Cleared":
        """Let an ended run go on here and now, to its end; see `nbflow.service.clear`."""
        from nbflow.service.clear import clear_and_run

        return clear_and_run(self, run, options, on_event=on_event)

    def open_task(self, run: str, task: str, *, item: int | None = None) -> "Opening":
        """Return what opens a task of a run with its inputs loaded; see `nbflow.service.opening`."""
        from nbflow.service.opening import open_task

        return open_task(self, run, task, item=item)

    def cleanup(
        self,
        *,
        keep_days: float | None = None,
        max_bytes: float | None = None,
        dry_run: bool = False,
        goes_on: GoesOn = always,
    ) -> "Cleaned":
        """Delete old runs with their files, by age and by size, or with ``dry_run`` only tell what
        would go; see `nbflow.service.cleanup`.
        """
        from nbflow.service.cleanup import cleanup, preview

        if dry_run:
            return preview(self, keep_days=keep_days, max_bytes=max_bytes)
        return cleanup(self, keep_days=keep_days, max_bytes=max_bytes, goes_on=goes_on)
