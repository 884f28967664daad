"""How states look in a table: the one table of tokens, as styles of a terminal."""


def state_styles() -> dict[str, str]:
    """Return each state's style."""
    from nbflow.render.tokens import tokens

    return {name: look.terminal for name, look in tokens().states.items()}
