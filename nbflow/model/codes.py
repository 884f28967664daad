"""Every code that a diagnostic or an error can carry; the documentation's page is made from it."""

from nbflow.model.code_info import CodeInfo
from nbflow.model.dag_codes import DAG_CODES
from nbflow.model.notebook_codes import NOTEBOOK_CODES
from nbflow.model.run_codes import RUN_CODES
from nbflow.model.states import Reason

__all__ = ["CODES", "CodeInfo", "code_info", "reason_code"]

CODES: dict[str, CodeInfo] = {**NOTEBOOK_CODES, **DAG_CODES, **RUN_CODES}


def code_info(code: str) -> CodeInfo:
    """Return what is known of a code; KeyError for one that is not registered."""
    return CODES[code]


HELD_UP = "NBF621"
"""What a scheduler can't go on with, as `nbflow dags import-errors` lists it."""


def reason_code(reason: Reason | None) -> str:
    """Return the code of why an attempt failed."""
    return _OF_REASONS.get(reason, "NBF501")


_OF_REASONS: dict[Reason | None, str] = {
    Reason.LOST: "NBF502",
    Reason.KERNEL_START: "NBF503",
    Reason.KILLED: "NBF504",
    Reason.TIMED_OUT: "NBF508",
    Reason.OUTPUT_LIMIT: "NBF509",
    Reason.UNSTORABLE: "NBF510",
    Reason.NO_SPACE: "NBF641",
}
