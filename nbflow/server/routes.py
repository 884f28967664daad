"""All routes of the API."""

from nbflow.server.openapi import document
from nbflow.server.resources import (
    backfills,
    comparing,
    compiling,
    dags,
    notebooks,
    runs,
    schedules,
    settings,
    system,
    tasks,
    triggers,
    two_runs,
    users,
)
from nbflow.server.routing import Call, File, Route


def openapi(_: Call) -> File:
    """Return the description of the API."""
    return File(content=openapi_text().encode(), media_type="application/json")


ROUTES: tuple[Route, ...] = (
    *system.ROUTES,
    Route(
        method="GET",
        path="/openapi.json",
        answer=openapi,
        summary="This description of the API, as OpenAPI 3.1.",
        media=("application/json",),
    ),
    *compiling.ROUTES,
    *comparing.ROUTES,
    *dags.ROUTES,
    *notebooks.ROUTES,
    *schedules.ROUTES,
    *triggers.ROUTES,
    *settings.ROUTES,
    *runs.ROUTES,
    *two_runs.ROUTES,
    *tasks.ROUTES,
    *backfills.ROUTES,
    *users.ROUTES,
)


def openapi_text() -> str:
    """Return the OpenAPI document as text."""
    import json

    return json.dumps(document(ROUTES), indent=1, ensure_ascii=False) + "\n"
