"""The style sheet of every picture, made from the tokens: colours are variables, so that the same
picture follows the page's theme, and a state is one attribute.
"""

import re

from nbflow.render.tokens import StateLook, Theme, tokens

_RULES = """
.nbflow-dag{{font-family:{font};background:var(--nbf-page);border-radius:8px}}
.nbflow-dag text{{fill:var(--nbf-text);font-size:13px}}
.nbflow-dag .box{{fill:var(--nbf-box);stroke:var(--nbf-line);stroke-width:1.2}}
.nbflow-dag .fold{{fill:var(--nbf-page);stroke:var(--nbf-line);stroke-width:1.2;stroke-linejoin:round}}
.nbflow-dag .name{{font-weight:600;text-anchor:middle}}
.nbflow-dag .left{{text-anchor:start}}
.nbflow-dag .middle{{text-anchor:middle}}
.nbflow-dag .note{{font-size:11px}}
.nbflow-dag .icon{{fill:none;stroke-width:1.9;stroke-linecap:round;stroke-linejoin:round}}
.nbflow-dag .when{{fill:var(--nbf-page);stroke:var(--nbf-frame);stroke-width:1.3}}
.nbflow-dag .line{{fill:none;stroke:var(--nbf-edge);stroke-linecap:round}}
.nbflow-dag .reach{{fill:none;stroke:transparent;stroke-width:12px;pointer-events:stroke}}
.nbflow-dag .tip,.nbflow-dag .dot{{fill:var(--nbf-edge);stroke:none}}
.nbflow-dag .label{{fill:var(--nbf-muted);font-size:11px;text-anchor:middle;paint-order:stroke;stroke:var(--nbf-page);stroke-width:4px;stroke-linejoin:round}}
.nbflow-dag .page{{fill:var(--nbf-page);stroke:var(--nbf-muted);stroke-width:1}}
.nbflow-dag .frame{{fill:none;stroke:var(--nbf-frame);stroke-width:1.2;stroke-dasharray:6 4}}
.nbflow-dag .small{{fill:var(--nbf-muted);font-size:11px}}
.nbflow-dag .chip{{fill:none;stroke:var(--nbf-line);stroke-width:1}}
.nbflow-dag .critical .line{{stroke:var(--nbf-critical);stroke-width:2.4px}}
.nbflow-dag .critical .tip,.nbflow-dag .critical .dot{{fill:var(--nbf-critical)}}
.nbflow-dag .edge:hover .line{{stroke:var(--nbf-focus);stroke-width:2.4px}}
.nbflow-dag .edge:hover .tip,.nbflow-dag .edge:hover .dot{{fill:var(--nbf-focus)}}
.nbflow-dag .edge:hover .label{{fill:var(--nbf-focus)}}
.nbflow-dag .task:focus{{outline:none}}
.nbflow-dag .task:focus .box,.nbflow-dag .task:hover .box{{stroke-width:2.4}}
"""

_SPIN = """
@keyframes nbflow-turn{to{transform:rotate(360deg)}}
.nbflow-dag [data-state=running] .icon{transform-box:fill-box;transform-origin:center;animation:nbflow-turn 1.1s linear infinite}
@media (prefers-reduced-motion:reduce){.nbflow-dag [data-state=running] .icon{animation:none}}
"""

_DARK_PAGES = (
    'body[data-jp-theme-light="false"] .nbflow-dag',
    "body.vscode-dark .nbflow-dag",
    "html[theme=dark] .nbflow-dag",
)
"""How Jupyter, VS Code and Colab mark a dark page."""


def style_sheet(theme: Theme) -> str:
    """Return the sheet. ``light`` and ``dark`` are plain colours and stand alone (for programs
    that know no variables); ``auto`` follows the page.
    """
    rules = _RULES.format(font=tokens().font) + "".join(
        _state_rules(look) for look in tokens().states.values()
    )
    if theme == "auto":
        dark = ";".join(f"{name}:{value}" for name, value in _variables("dark").items())
        light = ";".join(f"{name}:{value}" for name, value in _variables("light").items())
        head = f".nbflow-dag{{{light}}}\n{','.join(_DARK_PAGES)}{{{dark}}}"
        return _one_line(head + rules + _SPIN)
    values = _variables(theme)
    plain = re.sub(r"var\((--[\w-]+)\)", lambda found: values[found[1]], rules)
    return _one_line(plain)


def _state_rules(look: StateLook) -> str:
    key = f"--nbf-{look.name}"
    here = f".nbflow-dag [data-state={look.name}]"
    dashed = ";stroke-dasharray:3 3" if look.name in {"missed", "removed"} else ""
    return (
        f"{here} .box{{fill:var({key}-fill);stroke:var({key}-line){dashed}}}\n"
        f"{here} .fold{{stroke:var({key}-line)}}\n"
        f"{here} .note{{fill:var({key}-ink)}}\n"
        f"{here} .icon{{stroke:var({key}-ink)}}\n"
    )


def _variables(theme: str) -> dict[str, str]:
    values = {f"--nbf-{name}": colours[theme] for name, colours in tokens().surfaces.items()}
    for look in tokens().states.values():
        colours = look.dark if theme == "dark" else look.light
        values |= {f"--nbf-{look.name}-{part}": colour for part, colour in colours.items()}
    return values


def _one_line(text: str) -> str:
    return "".join(line.strip() for line in text.splitlines())
