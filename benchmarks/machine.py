"""The machine that figures were taken on, and how a child process is started fairly."""

import os
import platform
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

Row = tuple[str, str]


def text() -> str:
    """Return the machine, the load on it and the versions that matter."""
    info = Path("/proc/cpuinfo")
    names = [x for x in info.read_text().splitlines() if "model name" in x] if info.exists() else []
    cpu = names[0].partition(":")[2].strip() if names else platform.processor() or "CPU"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    parts = ", ".join(f"{name} {metadata.version(name)}" for name in ("papermill", "ipykernel"))
    return f"{os.cpu_count()} x {cpu}{load}; Python {platform.python_version()}, {parts}"


def environment(**extra: str) -> dict[str, str]:
    """Return this environment with byte code caching on, as users have it."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONUNBUFFERED": "1"} | extra


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of one call: what it takes on a machine that does nothing else."""
    start = time.process_time()
    work()
    return time.process_time() - start


def seconds(work: Callable[[], object]) -> float:
    """Return the wall clock that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
