"""The style sheet of every picture, made from the tokens: colours are variables, so that the same
picture follows the page's theme, and a state is one attribute. The rules stand in ``picture.css``.
"""

import re
from functools import lru_cache
from importlib import resources

from nbflow.render.tokens import StateLook, Theme, tokens

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
    rules = _rules() + "".join(_state_rules(look) for look in tokens().states.values())
    if theme == "auto":
        dark = ";".join(f"{name}:{value}" for name, value in _variables("dark").items())
        light = ";".join(f"{name}:{value}" for name, value in _variables("light").items())
        head = f".nbflow-dag{{{light}}}\n{','.join(_DARK_PAGES)}{{{dark}}}"
        return _one_line(head + rules + _SPIN)
    values = _variables(theme)
    plain = re.sub(r"var\((--[\w-]+)\)", lambda found: values[found[1]], rules)
    return _one_line(plain)


@lru_cache(maxsize=1)
def _rules() -> str:
    text = resources.files(__package__).joinpath("picture.css").read_text(encoding="utf-8")
    return text.partition("*/\n")[2].replace("var(--nbf-font)", tokens().font)


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
