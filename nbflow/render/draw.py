"""One call for every form: a DAG as SVG, PNG, DOT, JSON or text, by name or by a file's ending."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from nbflow.errors import UsageError
from nbflow.model.dag import Dag
from nbflow.model.sentence import Sentence
from nbflow.render.layout import Direction
from nbflow.render.picture import States
from nbflow.render.tokens import Theme

Format = Literal["svg", "png", "dot", "json", "text"]

FORMATS: tuple[Format, ...] = ("svg", "png", "dot", "json", "text")
_ENDINGS: dict[str, Format] = {
    ".svg": "svg",
    ".png": "png",
    ".dot": "dot",
    ".gv": "dot",
    ".json": "json",
    ".txt": "text",
}


def format_of(path: str | Path) -> Format:
    """Return the form that a file's ending names. Raises UsageError NBF702 for another ending."""
    suffix = Path(path).suffix.lower()
    if suffix not in _ENDINGS:
        raise UsageError(
            Sentence(
                "{path}: the ending {suffix} names no form of a DAG.",
                path=path,
                suffix=suffix or "(none)",
            ),
            hint=Sentence("Use one of {endings}, or say --format.", endings=", ".join(_ENDINGS)),
            code="NBF702",
        )
    return _ENDINGS[suffix]


def draw(
    dag: Dag,
    form: str = "svg",
    *,
    states: States | None = None,
    theme: Theme = "light",
    direction: Direction = "LR",
    lang: str = "en",
    color: bool = False,
    members: Mapping[str, tuple[str, ...]] | None = None,
) -> str | bytes:
    """Return ``dag`` in the form of that name; bytes for ``png``, else text.

    ``members`` are the tasks of folded sections, see `nbflow.render.fold`; DOT and JSON are for
    programs and hold whole DAGs.

    Raises UsageError NBF702 for a form that doesn't exist.
    """
    match form:
        case "svg":
            from nbflow.render.svg import to_svg

            return to_svg(dag, states, theme=theme, direction=direction, lang=lang, members=members)
        case "png":
            return to_png(dag, states, theme=theme, direction=direction, lang=lang, members=members)
        case "dot":
            from nbflow.render.dot import to_dot

            return to_dot(dag, states, direction=direction, lang=lang)
        case "json":
            from nbflow.render.json_form import to_json

            return to_json(dag)
        case "text":
            from nbflow.render.text import to_text

            return to_text(dag, states, color=color, lang=lang, members=members)
        case _:
            raise UsageError(
                Sentence("There is no form {form!r} of a DAG.", form=form),
                hint=Sentence("Forms: {formats}.", formats=", ".join(FORMATS)),
                code="NBF702",
            )


def to_png(
    dag: Dag,
    states: States | None = None,
    *,
    theme: Theme = "light",
    direction: Direction = "LR",
    lang: str = "en",
    scale: float = 2.0,
    members: Mapping[str, tuple[str, ...]] | None = None,
) -> bytes:
    """Draw ``dag`` as a PNG, ``scale`` pixels for each pixel of the SVG; ``auto`` means light."""
    from nbflow.render.svg import to_svg

    plain: Theme = "light" if theme == "auto" else theme
    return png_of(
        to_svg(dag, states, theme=plain, direction=direction, lang=lang, members=members),
        scale=scale,
    )


def png_of(svg: str, *, scale: float = 2.0) -> bytes:
    """Turn an SVG of ours with plain colours into a PNG."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=scale))
