"""Whether nbflow is well."""

from nbflow import __version__
from nbflow.server.models.schedules import HealthAnswer, SchedulerForm
from nbflow.server.routing import Call, Route


def health(call: Call) -> HealthAnswer:
    """Return who is at work, and what waits."""
    store = call.service.store
    schedulers, waits = store.schedulers(), store.backlog()
    works = any(one.state == "works" for one in schedulers)
    return HealthAnswer(
        status="ok" if works else "no scheduler",
        version=__version__,
        schedulers=[
            SchedulerForm(
                state=one.state,
                host=one.host,
                pid=one.pid,
                started=one.started,
                heartbeat=one.heartbeat,
                running=len(one.running),
            )
            for one in schedulers
        ],
        slots_waiting=waits.slots,
        tasks_waiting=waits.tasks,
        held_up=waits.held_up,
    )


ROUTES = (
    Route(
        method="GET",
        path="/health",
        answer=health,
        summary="Tell which schedulers work and what waits.",
        given=HealthAnswer,
    ),
)
