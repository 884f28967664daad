"""Import papermill when it is first needed."""


def import_papermill() -> None:
    """Import papermill and our engine, in the order in which they can be."""
    import papermill.execute  # noqa: F401

    import nbflow.execution.engine  # noqa: F401
