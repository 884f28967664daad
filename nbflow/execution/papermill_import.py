"""Import papermill quickly, when it is first needed."""

import sys

_SLOW_IMPORT = "rfc3987_syntax"


def import_papermill() -> None:
    """Import papermill and our engine, without a second's worth of grammar that nobody uses.

    jsonschema's optional format checkers are looked for by import; the parser of RFC 3987 alone
    takes longer than all the rest, and no notebook schema has a format that needs it.
    """
    if "papermill" in sys.modules:
        return
    blocked = _SLOW_IMPORT not in sys.modules
    if blocked:
        sys.modules[_SLOW_IMPORT] = None  # type: ignore[assignment]
    try:
        import papermill.execute  # noqa: F401

        import nbflow.execution.engine  # noqa: F401
    finally:
        if blocked:
            del sys.modules[_SLOW_IMPORT]
