"""How states and instants look in a table."""

from datetime import UTC, datetime


def state_styles() -> dict[str, str]:
    """Return each state's style."""
    from nbflow.render.tokens import tokens

    return {name: look.terminal for name, look in tokens().states.items()}


def age(instant: datetime) -> str:
    """Return how long ago an instant was, in words."""
    from nbflow.render.words import say
    from nbflow.texts import language

    minutes = int((datetime.now(UTC) - instant).total_seconds() // 60)
    if minutes < 1:
        return say("age.now", language())
    if minutes < 60:
        return say("age.minutes", language(), n=minutes)
    if minutes < 48 * 60:
        return say("age.hours", language(), n=minutes // 60)
    return say("age.days", language(), n=minutes // (24 * 60))
