"""The command line: each verb parses its arguments, asks the service and prints the answer."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    import gc

    # Starting makes some hundred thousand objects that all stay: looking through them again and
    # again is a tenth of the time of a short verb.
    gc.set_threshold(100_000, 20, 20)
    from nbflow.cli.entry import run
    from nbflow.later import leave_out_unused

    leave_out_unused()
    code = run()
    # Leaving looks through all of them once more: a sixth of the time of a short verb.
    gc.freeze()
    raise SystemExit(code)
