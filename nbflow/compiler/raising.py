"""Cells tagged ``raises-exception``: the page goes on behind them, wherever they broke off."""

from dataclasses import replace

from nbflow.compiler.effects import Bind, BindKind, CellAnalysis, Delete, Event, Read, Summary


def allowed_to_raise(analysis: CellAnalysis) -> CellAnalysis:
    """Return the analysis of a cell that may break off anywhere, also where it isn't Python.

    What it reads may be unbound, and its data are bound and deleted on one of its paths only.
    """
    summary = analysis.summary
    return replace(
        analysis,
        events=tuple(_unsure(event) for event in analysis.events),
        summary=_only_maybe_bound(summary),
        syntax_error=None,
        only_code=False,
    )


def _unsure(event: Event) -> Event:
    match event:
        case Read():
            return replace(event, guarded=True)
        case Bind() if event.kind is BindKind.DATA:
            return replace(event, sure=False)
        case Delete():
            return replace(event, sure=False)
        case _:
            return event


def _only_maybe_bound(summary: Summary) -> Summary:
    return replace(summary, binds=(), may_bind=tuple(sorted({*summary.binds, *summary.may_bind})))
