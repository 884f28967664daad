"""The command line: each verb parses its arguments, asks the service and prints the answer."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    from nbflow.cli.entry import run

    raise SystemExit(run())
