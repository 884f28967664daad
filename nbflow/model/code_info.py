"""What is known of a code: one heading of the documentation's page."""

from dataclasses import dataclass

from nbflow.model.diagnostics import Severity


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeInfo:
    """What a code means: one heading of the page, the explanation, and the way out."""

    severity: Severity
    title: str
    explanation: str
    remedy: str


def error(title: str, explanation: str, remedy: str) -> CodeInfo:
    """Describe a code for what stops the notebook, or a call, from working."""
    return CodeInfo(severity=Severity.ERROR, title=title, explanation=explanation, remedy=remedy)


def warning(title: str, explanation: str, remedy: str) -> CodeInfo:
    """Describe a code for what may not be what was meant."""
    return CodeInfo(severity=Severity.WARNING, title=title, explanation=explanation, remedy=remedy)


def info(title: str, explanation: str, remedy: str) -> CodeInfo:
    """Describe a code for what is worth knowing."""
    return CodeInfo(severity=Severity.INFO, title=title, explanation=explanation, remedy=remedy)
