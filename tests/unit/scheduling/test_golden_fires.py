"""What cron expressions mean, kept as a file: a release of croniter that reads one otherwise is seen.

To accept a change: ``NBFLOW_WRITE_GOLDEN=1 pytest tests/unit/scheduling/test_golden_fires.py``.
"""

import json
import os
from datetime import datetime
from itertools import islice
from pathlib import Path

from nbflow.scheduling.schedule import parse_schedule
from nbflow.scheduling.timetable import fires

GOLDEN = Path(__file__).parents[2] / "golden" / "fires.json"
EXPRESSIONS = [
    "* * * * *", "*/7 * * * *", "5/15 * * * *", "59/15 * * * *", "0-30/10 * * * *", "1,2,50 * * * *",
    "0 */5 * * *", "0 9-17/2 * * 1-5", "0 22-2 * * FRI-MON", "0 0 * * 7", "0 0 * * 0,6",
    "0 0 1-7 * 1", "0 0 */2 * 1", "0 0 1 * */2", "30 4 1,15 * 5", "0 0 L * *", "0 0 * * L5",
    "0 0 * * 5#2", "0 0 * * mon#1", "0 12 15W * *", "0 0 29 2 *", "0 0 31 * *", "0 0 1 JAN,JUL *",
    "0 0 1 11-2 *", "15 3 * DEC SUN", "0 0 1 1 *", "0 0 13 * 5", "*/15 * * * * 30", "@weekly",
    "@quarterly",
]  # fmt: skip
PLACES = [
    ("UTC", "2026-01-30T00:00+00:00"),
    ("America/New_York", "2026-03-07T12:00+00:00"),
    ("Europe/Berlin", "2026-10-24T12:00+00:00"),
    ("Asia/Seoul", "2027-12-30T15:00+00:00"),
]


def found() -> dict[str, list[str]]:
    return {
        f"{expression} in {zone} after {after}": [
            at.strftime("%Y-%m-%dT%H:%M:%SZ")
            for at in islice(
                fires(parse_schedule(expression, zone), datetime.fromisoformat(after)), 8
            )
        ]
        for expression in EXPRESSIONS
        for zone, after in PLACES
    }


def test_expressions_mean_what_they_meant() -> None:
    if os.environ.get("NBFLOW_WRITE_GOLDEN"):
        lines = [f"{json.dumps(key)}: {json.dumps(fired)}" for key, fired in found().items()]
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == found()
