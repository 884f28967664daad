"""Every code that a diagnostic or an error can carry; the documentation's page is made from it."""

from nbflow.model.code_info import CodeInfo
from nbflow.model.dag_codes import DAG_CODES
from nbflow.model.notebook_codes import NOTEBOOK_CODES
from nbflow.model.run_codes import RUN_CODES

__all__ = ["CODES", "CodeInfo", "code_info"]

CODES: dict[str, CodeInfo] = {**NOTEBOOK_CODES, **DAG_CODES, **RUN_CODES}


def code_info(code: str) -> CodeInfo:
    """Return what is known of a code; KeyError for one that is not registered."""
    return CODES[code]
