"""A DAG as a notebook's output: the forms that Jupyter chooses from, fit to be saved with it."""

from collections.abc import Mapping
from html import escape

from nbflow.model.dag import Dag
from nbflow.render.choose_layout import lay_out
from nbflow.render.picture import States, picture_of
from nbflow.render.svg import paint
from nbflow.render.text import to_text


def mime_bundle(
    dag: Dag,
    states: States | None = None,
    *,
    lang: str = "en",
    head: str = "",
    links: Mapping[str, str] | None = None,
    members: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, str]:
    """Return the output of ``dag``: HTML with the SVG inside (it follows the page's theme, and
    tells on hover why an edge exists), the SVG alone for converters, and the list of edges as text.

    ``head`` is a line of text above the picture; ``links`` maps a label to a relative address shown
    after it.
    """
    picture = picture_of(dag, states, lang=lang, members=members)
    layout = lay_out(picture)
    above = escape(head)
    for label, address in (links or {}).items():
        above += f' · <a href="{escape(address)}" target="_blank">{escape(label)}</a>'
    line = f'<div style="font-size:12px;margin:2px 0 6px;opacity:.8">{above}</div>' if above else ""
    drawn = paint(picture, layout, theme="auto")
    text = to_text(dag, states, lang=lang, members=members)
    return {
        "text/html": f'<div style="overflow-x:auto">{line}{drawn}</div>',
        "image/svg+xml": paint(picture, layout, theme="light"),
        "text/plain": f"{text}\n{head}" if head else text,
    }
