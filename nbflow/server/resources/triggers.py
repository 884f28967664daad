"""Triggers: what makes runs of a deployed DAG beside its schedule."""

from datetime import datetime

from nbflow.metastore import TriggerRow
from nbflow.model.triggers import trigger_sentence
from nbflow.server.models.schedules import TriggerForm, Triggers
from nbflow.server.routing import Call, Route
from nbflow.service.known_dags import find_dag
from nbflow.texts import clean, told


def list_triggers(call: Call) -> Triggers:
    """Return the triggers of a deployed DAG, and what is remembered of them."""
    about = find_dag(call.service, call.path["dag_id"]).about
    found = call.service.store.triggers.of(about.id)
    return Triggers(
        dag_id=about.id, paused=bool(about.is_paused), items=[_form(one, call) for one in found]
    )


def _form(row: TriggerRow, call: Call) -> TriggerForm:
    trigger, state = row.trigger, row.state
    return TriggerForm(
        kind=trigger.kind.value,
        words=clean(told(trigger_sentence(trigger), call.lang)),
        watched=trigger.dag,
        files=len(state.seen),
        armed=state.is_armed,
        fired=datetime.fromisoformat(state.fired) if state.fired else None,
        waiting=row.is_waiting,
    )


ROUTES = (
    Route(
        method="GET",
        path="/dags/{dag_id}/triggers",
        answer=list_triggers,
        summary="List what makes runs of a deployed DAG beside its schedule.",
        given=Triggers,
        problems=(404,),
    ),
)
