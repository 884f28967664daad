"""When somebody is told, and of which addresses."""

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.model.notices import (
    Allowed,
    Channel,
    NoticeEvent,
    filled,
    is_public,
    read_allowed,
    shown_target,
    target_problem,
    template_problem,
    url_problem,
)
from nbflow.model.states import RunState
from nbflow.notebooks.notebook_metadata import read_notebook_metadata
from nbflow.scheduling.notices import MOST_TRIES, health_after, next_try, run_event

OK, BAD, OFF = RunState.SUCCESS, RunState.FAILED, RunState.CANCELLED
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def told(*states: RunState) -> list[str]:
    """Return what a row of runs tells."""
    health, events = None, []
    for state in states:
        event = run_event(state, health)
        events.append(event.value if event else "")
        health = health_after(state, health)
    return events


def test_the_first_failure_and_the_recovery_are_told_and_nothing_between() -> None:
    assert told(OK, BAD, BAD, OFF, BAD, OK, OK, BAD) == [
        "", "failure", "", "", "", "recovery", "", "failure",
    ]  # fmt: skip
    assert told(BAD, OFF, OK) == ["failure", "", "recovery"]
    assert told(OFF, OK) == ["", ""]


def test_of_a_run_of_an_older_date_that_ends_late_a_failure_is_told_but_no_recovery() -> None:
    assert run_event(OK, BAD, is_late=True) is None
    assert health_after(OK, BAD, is_late=True) is BAD
    assert run_event(BAD, OK, is_late=True) is NoticeEvent.FAILURE
    assert health_after(BAD, OK, is_late=True) is BAD
    assert run_event(BAD, BAD, is_late=True) is None


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([OK, BAD, OFF]))))
def test_in_whatever_order_runs_end_failures_and_recoveries_take_turns(ends) -> None:
    health, newest, turns = None, -1, []
    for date, state in ends:
        event = run_event(state, health, is_late=date < newest)
        health = health_after(state, health, is_late=date < newest)
        if state is not OFF:
            newest = max(newest, date)
        if event is not None:
            turns.append((event, date, newest))
    expected = [NoticeEvent.FAILURE, NoticeEvent.RECOVERY]
    assert [event for event, _, _ in turns] == [expected[n % 2] for n in range(len(turns))]
    assert all(date == last for event, date, last in turns if event is NoticeEvent.RECOVERY)
    assert (health is BAD) == (len(turns) % 2 == 1)


def test_tries_come_further_and_further_apart_and_end() -> None:
    found, now = [], NOON
    for tries in range(1, MOST_TRIES):
        after = next_try(tries, now, None)
        found.append((after - now).total_seconds())
        now = after
    assert found == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert next_try(MOST_TRIES, now, None) is None


def test_a_server_that_asks_for_patience_gets_it_within_an_hour() -> None:
    assert next_try(1, NOON, 200.0) == NOON + timedelta(seconds=200)
    assert next_try(1, NOON, 1e9) == NOON + timedelta(hours=1)
    assert next_try(3, NOON, 1.0) == NOON + timedelta(seconds=120)


NOT_PUBLIC = [
    "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2001:db8::1", "198.18.0.1", "192.0.2.1",
]  # fmt: skip


@pytest.mark.abuse(41)
@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_of_the_open_internet_is_known(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert not is_public(address)
    host = f"[{text}]" if address.version == 6 else text
    assert url_problem(f"https://{host}/hook", Allowed()) is not None


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"]
)
def test_an_address_of_the_open_internet_is_known(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.abuse(41)
@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "file:///etc/passwd", "gopher://example.org/", "ftp://example.org/",
        "//example.org/", "https://", "https:///x", "https://user:pw@example.org/",
        "https://user@example.org/", "https://localhost/", "https://a.localhost/",
        "https://printer.local/", "https://x.internal/", "https://example.org:99999/",
        "https://example.org/\r\nHost: x", "https://exa mple.org/", "https://2130706433/",
        "https://0x7f000001/", "https://127.1/", "https://[::1]/", "https://example.org\\@127.0.0.1/",
        "https://" + "x" * 3000, "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_an_address_that_must_not_be_reached_is_refused_as_written(url: str) -> None:
    assert url_problem(url, Allowed()) is not None


def test_an_ordinary_address_is_taken() -> None:
    assert url_problem("https://hooks.slack.com/services/T/B/x?y=1", Allowed()) is None
    assert url_problem("https://example.org:8443/", Allowed()) is None


def test_an_administrator_allows_hosts_with_and_without_a_port_and_networks() -> None:
    allowed = read_allowed("Hooks.internal, box:8080, 10.1.0.0/16, [::1]:80")
    for url in ("http://hooks.internal/x", "http://box:8080/", "http://10.1.2.3/", "http://[::1]/"):
        assert url_problem(url, allowed) is None, url
    for url in ("http://box/", "http://10.2.0.1/", "http://hooks.internal.evil.org/"):
        assert url_problem(url, allowed) is not None, url
    for text in ("*", "http://x/", "10.1.0.0/99", "a b"):
        with pytest.raises(ValueError, match=r".*"):
            read_allowed(text)


@given(st.text(max_size=80))
def test_any_text_is_judged_without_a_traceback(text: str) -> None:
    for url in (text, f"https://{text}/", f"https://[{text}]/"):
        url_problem(url, Allowed())
        target_problem(Channel.WEBHOOK, url)
        shown_target(Channel.WEBHOOK, url)


@pytest.mark.abuse(32)
def test_of_an_address_only_the_host_is_shown() -> None:
    assert shown_target(Channel.SLACK, "https://hooks.slack.com/services/T/B/key") == (
        "https://hooks.slack.com/…"
    )
    assert shown_target(Channel.SLACK, "$SLACK_URL") == "$SLACK_URL"


@pytest.mark.abuse(43)
def test_values_are_never_taken_for_templates() -> None:
    assert filled("{{ dag }}: {{reason}}!", {"dag": "{{ run }}", "reason": "x"}) == "{{ run }}: x!"
    assert template_problem("{{ dag }} {{ run }}") is None
    assert "secret" in str(template_problem("{{ secret }}"))


def options(notify):
    dag, _, _, found = read_notebook_metadata({"dag": {"notify": notify}}, "own", "own.ipynb")
    return dag.notify, [(one.code, str(one.message)) for one in found]


def test_entries_are_read() -> None:
    notify, found = options(
        [
            {"email": "ada@example.org, bob@example.org", "on": "failure,missed"},
            {"slack": "$SLACK_URL", "subject": "{{ dag }} broke"},
            {"webhook": "https://example.org/hook", "on": ["recovery"]},
        ]
    )
    assert found == []
    mail, slack, hook = notify
    assert (mail.channel, mail.to) == (Channel.EMAIL, ("ada@example.org", "bob@example.org"))
    assert mail.on == (NoticeEvent.FAILURE, NoticeEvent.MISSED)
    assert (slack.to, slack.subject, slack.on) == (
        ("$SLACK_URL",), "{{ dag }} broke", tuple(NoticeEvent),
    )  # fmt: skip
    assert hook.on == (NoticeEvent.RECOVERY,)
    assert options({"email": "ada@example.org"})[0][0].channel is Channel.EMAIL


@pytest.mark.parametrize(
    "entry",
    [
        {"email": "nobody"}, {"email": "a@b.org\r\nBcc: x@y.org"}, {"webhook": "example.org"}, {},
        {"email": "a@b.org", "slack": "$X"}, {"slack": "$lower"}, {"email": "a@b.org", "on": "start"},
        {"email": "a@b.org", "text": "{{ password }}"}, "ada@example.org", 3,
    ],
)  # fmt: skip
def test_a_wrong_entry_is_a_finding(entry) -> None:
    _, found = options([entry])
    assert [code for code, _ in found] == ["NBF118"]


@pytest.mark.parametrize("email", [[], ""])
def test_no_addresses_beside_another_target_are_nothing_and_alone_are_missed(email) -> None:
    (hook,), found = options({"email": email, "webhook": "https://example.org/hook"})
    assert (hook.channel, hook.to, found) == (Channel.WEBHOOK, ("https://example.org/hook",), [])
    _, found = options({"email": email})
    assert [(code, message.endswith("must not be empty")) for code, message in found] == [
        ("NBF118", True)
    ]
