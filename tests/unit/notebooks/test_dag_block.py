"""What an editor writes of a DAG's settings: nothing that holds anyway."""

from nbflow.notebooks.dag_block import default_settings, without_defaults


def test_what_is_the_default_is_left_out_however_it_is_spelled() -> None:
    given = {
        "schedule": "manual", "timezone": "UTC", "catchup": "latest", "overlap": "queue",
        "min_period": "60s", "max_active_runs": 1, "defaults": {"retries": 0, "retry_delay": "5m"},
    }  # fmt: skip
    assert without_defaults(given) == {}
    assert without_defaults(default_settings()) == {}


def test_what_is_chosen_wrong_or_unknown_is_kept_as_it_is_written() -> None:
    given = {
        "schedule": "0 6 * * 1-5", "timezone": "Asia/Seoul", "catchup": "sometimes",
        "colour": "blue", "defaults": {"retries": 2, "retry_delay": "300s", "timeout": "1h"},
    }  # fmt: skip
    assert without_defaults(given) == given | {"defaults": {"retries": 2, "timeout": "1h"}}


def test_entries_of_lists_are_looked_into() -> None:
    given = {
        "on": [{"dag": "etl", "state": "success"}, "code", {"metric": "nonsense", "debounce": 5}],
        "notify": [{"email": "ada@example.org", "on": ["failure", "recovery", "missed"]}],
    }
    assert without_defaults(given) == {
        "on": [{"dag": "etl"}, "code", {"metric": "nonsense", "debounce": 5}],
        "notify": [{"email": "ada@example.org"}],
    }
