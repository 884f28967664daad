"""Where nbflow keeps its things: `NBFLOW_HOME` and what can be changed by environment."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The places and addresses of one installation.

    ``home`` holds ``nbflow.db``, ``dags/`` and ``store/``. ``database_url`` is an SQLAlchemy URL.
    ``slots`` is how many attempts run side by side on this machine.
    """

    home: Path
    database_url: str
    slots: int

    @property
    def dags_folder(self) -> Path:
        """The folder whose notebooks are DAGs."""
        return self.home / "dags"

    @property
    def store(self) -> Path:
        """The folder of values, executed notebooks and logs."""
        return self.home / "store"


def load_settings(environ: "os._Environ[str] | dict[str, str] | None" = None) -> Settings:
    """Read the settings from the environment; nothing is created on disk."""
    env = os.environ if environ is None else environ
    home = Path(env.get("NBFLOW_HOME") or "~/nbflow").expanduser().absolute()
    url = env.get("NBFLOW_DATABASE_URL") or f"sqlite:///{(home / 'nbflow.db').as_posix()}"
    slots = int(env.get("NBFLOW_SLOTS") or max(2, min(8, os.cpu_count() or 2)))
    return Settings(home=home, database_url=url, slots=slots)
