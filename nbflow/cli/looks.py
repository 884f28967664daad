"""How states and instants look in a table."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nbflow.model.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbflow.model.triggers import Trigger
    from nbflow.service.known_dags import ListedDag

_OTHER_WORDS = {
    "works": Sentence("works"),
    "silent": Sentence("silent"),
    "gone": Sentence("gone"),
    "waiting": Sentence("waiting"),
    "sent": Sentence("sent"),
    "dead": Sentence("dead"),
    "cleared": Sentence("cleared"),
    "removed": Sentence("removed"),
    "done": Sentence("done"),
}
"""States of other things than runs and tasks, and what becomes of a task."""


def state_styles() -> dict[str, str]:
    """Return each state's style."""
    from nbflow.render.tokens import tokens

    return {name: look.terminal for name, look in tokens().states.items()}


def state_word(state: str) -> str:
    """Return a state in the user's language; as programs read it in English."""
    from nbflow.render.tokens import tokens
    from nbflow.texts import language, told

    lang = language()
    look = tokens().states.get(state)
    if lang == "en":
        return state
    return look.words[lang] if look else told(_OTHER_WORDS.get(state, state), lang)


def drift_sentence(about: "ListedDag") -> str:
    """Say that a DAG's notebook is not what is deployed; empty if it is, or nothing is."""
    from nbflow.service.drift import Drift
    from nbflow.texts import t

    match about.drift:
        case Drift.DIFFERS:
            return t(
                "The notebook differs from what is deployed, which is what runs; this changes it: "
                "nbflow dags deploy {path}",
                path=about.path,
            )
        case Drift.MISSING:
            return t(
                "The notebook is not where it was deployed from, {path}; what was deployed goes on "
                "running, but with `track: live` runs fail.",
                path=about.path,
            )
        case Drift.SAME | Drift.NEVER | None:
            return ""


def when_words(expression: str | None, timezone: str, on: "Sequence[Trigger]", lang: str) -> str:
    """Return what makes a DAG run: its schedule, its triggers, or somebody by hand."""
    from nbflow.model.triggers import trigger_sentence
    from nbflow.scheduling.words import in_words
    from nbflow.texts import told

    when = [told(trigger_sentence(trigger), lang) for trigger in on]
    if expression or not when:
        when.insert(0, in_words(expression, timezone, lang))
    return "; ".join(when)


def age(instant: datetime, lang: str | None = None) -> str:
    """Return how long ago an instant was, in words."""
    from nbflow.render.words import say
    from nbflow.texts import language

    lang = lang or language()
    minutes = int((datetime.now(UTC) - instant).total_seconds() // 60)
    if minutes < 1:
        return say("age.now", lang)
    if minutes < 60:
        return say("age.minutes", lang, n=minutes)
    if minutes < 48 * 60:
        return say("age.hours", lang, n=minutes // 60)
    return say("age.days", lang, n=minutes // (24 * 60))
