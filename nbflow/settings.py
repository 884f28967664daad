"""Where nbflow keeps its things: `NBFLOW_HOME` and what can be changed by environment."""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbflow.errors import UsageError
from nbflow.model.sentence import Sentence

KEEP_DAYS, KEEP_MIB = 90.0, 1024.0
_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The places and addresses of one installation.

    ``home`` holds ``nbflow.db``, ``dags/`` and ``store/``. ``database_url`` is an SQLAlchemy URL.
    ``slots`` is how many attempts run side by side on this machine; ``dags`` is another folder of
    DAGs than ``home`` holds. ``smtp_url`` is the mail server with which ``mail_from`` sends;
    ``notify_allowed`` lists hosts that notifications may reach although they are not public. Runs that
    ended ``keep_days`` ago are deleted, and the oldest while the store holds more than ``keep_bytes``;
    infinity keeps them.
    """

    home: Path
    database_url: str
    slots: int
    dags: Path | None = None
    smtp_url: str | None = None
    mail_from: str | None = None
    notify_allowed: str = ""
    keep_days: float = KEEP_DAYS
    keep_bytes: float = KEEP_MIB * _MIB

    @property
    def dags_folder(self) -> Path:
        """The folder whose notebooks are DAGs."""
        return self.dags or self.home / "dags"

    @property
    def store(self) -> Path:
        """The folder of values, executed notebooks and logs."""
        return self.home / "store"


def load_settings(environ: "os._Environ[str] | dict[str, str] | None" = None) -> Settings:
    """Read the settings from the environment; nothing is created on disk.

    Raises UsageError NBF708 for a value that can't be meant.
    """
    env = os.environ if environ is None else environ
    home = Path(env.get("NBFLOW_HOME") or "~/nbflow").expanduser().absolute()
    url = env.get("NBFLOW_DATABASE_URL") or f"sqlite:///{(home / 'nbflow.db').as_posix()}"
    asked = env.get("NBFLOW_SLOTS") or str(max(2, min(8, os.cpu_count() or 2)))
    if not asked.isdecimal() or not 1 <= int(asked) <= 1024:
        raise UsageError(
            Sentence("NBFLOW_SLOTS is {asked!r}, not a number from 1 to 1024.", asked=asked),
            hint="Unset it, or say how many tasks may run at once on this machine.",
            code="NBF708",
        )
    slots = int(asked)
    keep_mib = _limit(env, "NBFLOW_KEEP_MIB", KEEP_MIB)
    dags = env.get("NBFLOW_DAGS_FOLDER")
    return Settings(
        home=home,
        database_url=url,
        slots=slots,
        dags=Path(dags).expanduser().absolute() if dags else None,
        smtp_url=env.get("NBFLOW_SMTP_URL") or None,
        mail_from=env.get("NBFLOW_MAIL_FROM") or None,
        notify_allowed=env.get("NBFLOW_NOTIFY_ALLOW") or "",
        keep_days=_limit(env, "NBFLOW_KEEP_DAYS", KEEP_DAYS),
        keep_bytes=keep_mib * _MIB,
    )


def _limit(env: "os._Environ[str] | dict[str, str]", variable: str, default: float) -> float:
    """Read a number of at least 0, or ``off`` for no limit."""
    text = (env.get(variable) or str(default)).strip().lower()
    if text == "off":
        return math.inf
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        raise UsageError(
            Sentence("{variable} is {text!r}, not a number or off.", variable=variable, text=text),
            hint="Unset it, or say how much is to be kept; `off` keeps everything.",
            code="NBF708",
        )
    return float(text)


def _told(limit: float) -> str:
    return "off" if limit == math.inf else f"{limit:g}"


VARIABLES: dict[str, tuple[str, Callable[[Settings], object]]] = {
    "home": ("NBFLOW_HOME", lambda settings: settings.home),
    "dags_folder": ("NBFLOW_DAGS_FOLDER", lambda settings: settings.dags_folder),
    "store": ("NBFLOW_HOME", lambda settings: settings.store),
    "database_url": ("NBFLOW_DATABASE_URL", lambda settings: settings.database_url),
    "slots": ("NBFLOW_SLOTS", lambda settings: settings.slots),
    "smtp_url": ("NBFLOW_SMTP_URL", lambda settings: settings.smtp_url or ""),
    "mail_from": ("NBFLOW_MAIL_FROM", lambda settings: settings.mail_from or ""),
    "notify_allowed": ("NBFLOW_NOTIFY_ALLOW", lambda settings: settings.notify_allowed),
    "keep_days": ("NBFLOW_KEEP_DAYS", lambda settings: _told(settings.keep_days)),
    "keep_mib": ("NBFLOW_KEEP_MIB", lambda settings: _told(settings.keep_bytes / _MIB)),
}
"""Every setting with the environment variable that changes it and how to read it."""


def mask_password(url: str) -> str:
    """Return a database URL fit for people's eyes: its password is ``***``."""
    return re.sub(r"(://[^:/@\s]*):[^/]*@", r"\1:***@", url)
