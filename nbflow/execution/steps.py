"""What surrounds the cells of a run."""

from nbflow.execution.kernel_session import KernelSession


class Steps:
    """What surrounds the cells of a run; this one does nothing, an attempt's does a lot."""

    async def prepare(self, session: KernelSession) -> None:
        """Make the kernel ready for the first cell. Raises what ends the run."""

    async def before_cell(self, session: KernelSession, index: int) -> None:
        """Make the kernel ready for cell number ``index``."""

    async def finish(self, session: KernelSession) -> None:
        """Take from the kernel what the cells left behind; not called when a cell failed."""


class ConditionFalseError(Exception):
    """Raised by a step: the cells that haven't run are left out, and that is no failure."""
