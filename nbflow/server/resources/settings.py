"""Settings of a DAG before they are kept: what they mean, what is wrong with which."""

from zoneinfo import available_timezones

from nbflow.model.ids import DagId
from nbflow.model.names import notebook_name
from nbflow.model.schedule import ScheduleEntry
from nbflow.notebooks.dag_block import default_settings
from nbflow.server.models.settings import (
    SettingProblemForm,
    SettingsAnswer,
    SettingsRequest,
    TimezoneList,
)
from nbflow.server.resources.forms import fire_forms, words
from nbflow.server.routing import Call, Route
from nbflow.service.dag_settings import check_settings
from nbflow.service.drift import has_metastore
from nbflow.texts import told

_NO_PLACES = ("Factory", "localtime", "posixrules")


def check_dag_settings(call: Call) -> SettingsAnswer:
    """Say what settings of a DAG mean; nothing is kept."""
    asked: SettingsRequest = call.body
    stem = notebook_name(asked.path)
    service = call.service

    def known(dag_id: DagId) -> ScheduleEntry | None:
        return service.store.schedule(dag_id) if has_metastore(service) else None

    now = service.clock.wall()
    found = check_settings(asked.settings, stem, now, count=asked.count, known=known)
    options, lang = found.options, call.lang
    return SettingsAnswer(
        dag_id=options.id or stem,
        settings=dict(found.kept),
        defaults=default_settings(),
        words=words(options.schedule or "", options.timezone),
        next=fire_forms(found.next, options.timezone),
        clock=[told(one, lang) for one in found.clock],
        triggers=[told(one, lang) for one in found.triggers],
        problems=[
            SettingProblemForm(
                field=one.field,
                code=one.code,
                error=one.is_error,
                message=told(one.message, lang),
                hint=told(one.hint, lang),
            )
            for one in found.problems
        ],
    )


def list_timezones(call: Call) -> TimezoneList:
    """Return the names of the time zones that are known here."""
    return TimezoneList(items=sorted(available_timezones() - set(_NO_PLACES)))


ROUTES = (
    Route(
        method="POST",
        path="/dag-settings",
        answer=check_dag_settings,
        summary="Say what settings of a DAG mean before they are kept: words, fires, problems.",
        body=SettingsRequest,
        given=SettingsAnswer,
    ),
    Route(
        method="GET",
        path="/timezones",
        answer=list_timezones,
        summary="List the time zones that a schedule may be in.",
        given=TimezoneList,
    ),
)
