"""People are told: with real kernels, a real HTTP server, a real mail server, an injected clock."""

import email
import ipaddress
import ssl
import threading
from datetime import timedelta
from functools import partial

import pytest
import trustme
from noop_executor import failures, nothing
from receivers import http_server, smtp_server
from scheduler_bench import HOUR, NOON, ended, schedulers, until

import nbflow.app
from nbflow.model.notices import Allowed, read_allowed
from nbflow.service import backfill
from nbflow.service.backfill import BackfillRequest
from nbflow.service.looking import run_meant
from nbflow.service.mailing import LIMIT, TIMEOUT, Mailer
from nbflow.service.notices import LEASE, Relay
from nbflow.service.posting import Poster, SendError
from nbflow.service.targets import load_one
from nbflow.settings import Settings

LOCAL = read_allowed("127.0.0.1")
PARAMETER = ("good = False", "parameters")
WORK = ("assert good, 'too few rows'", "task:work")
ODD = ("raise ValueError('odd \\udc80')", "task:work")


@pytest.fixture
def settings(settings, monkeypatch) -> Settings:
    monkeypatch.setenv("NBFLOW_NOTIFY_ALLOW", "127.0.0.1")
    return settings


@pytest.fixture
def web():
    with http_server() as received:
        yield received


@pytest.fixture
def mails():
    with smtp_server() as taken:
        yield taken


def relay(service, url=None, **environ) -> Relay:
    return Relay(
        service=service,
        poster=Poster(allowed=LOCAL),
        mailer=Mailer(url=url, sender="nbflow@example.org"),
        environ=environ,
    )


def runner(service, scheduler, calendar):
    """Return a function that lets a scheduler carry out a run with these parameters."""

    def carry_out(dag="page", **parameters):
        run_id = service.trigger(dag, {k: str(v) for k, v in parameters.items()})
        until(lambda: service.store.show_run(run_id)[0].state.is_final, scheduler)
        calendar.move(1)
        return run_id

    return carry_out


@pytest.fixture
def run(service, settings, calendar):
    """Return a function that carries out a run in kernels."""
    with schedulers(settings, calendar) as (scheduler,):
        yield runner(service, scheduler, calendar)


@pytest.fixture
def fail(service, settings, calendar):
    """Return a function that carries out a run that fails, without kernels."""
    with schedulers(settings, calendar, execute=failures) as (scheduler,):
        yield runner(service, scheduler, calendar)


def test_a_first_failure_and_a_recovery_are_told_by_all_ways(service, page, run, web, mails):
    notify = [
        {"webhook": web.url},
        {"slack": "$SLACK_URL", "on": ["failure"], "text": "look: {{ tasks }} <!here>"},
        {"email": "ada@example.org", "subject": "{{ dag }}: {{ state }}"},
    ]
    service.deploy(page(PARAMETER, WORK, dag={"notify": notify}))
    telling = relay(service, mails.url, SLACK_URL=web.url + "/secret")
    first = run(good=False)
    assert telling.work() == 3
    run(good=False)
    assert telling.work() == 0
    last = run(good=True)
    assert telling.work() == 2
    run(good=True)
    assert telling.work() == 0
    failure, slack, recovery = web.bodies
    assert (failure["event"], failure["dag"], failure["run"]) == ("failure", "page", first)
    assert failure["tasks"] == [{"task": "work", "reason": "AssertionError: too few rows"}]
    assert failure["subject"] == "page failed"
    assert slack == {"text": "page failed\nlook: work: AssertionError: too few rows &lt;!here&gt;"}
    assert (recovery["event"], recovery["run"]) == ("recovery", last)
    assert web.keys == [f"run-end:{first}:0", f"run-end:{first}:1", f"run-end:{last}:0"]
    subjects = [email.message_from_string(text)["Subject"] for _, text in mails.messages]
    assert subjects == ["page: failed", "page: success"]
    assert [to for to, _ in mails.messages] == [["ada@example.org"]] * 2
    keys = [email.message_from_string(text)["Idempotency-Key"] for _, text in mails.messages]
    assert keys == [f"run-end:{first}:2", f"run-end:{last}:2"]


def test_what_is_run_by_hand_is_told_to_nobody(service, page, web):
    path = page(PARAMETER, WORK, dag={"notify": [{"webhook": web.url}]})
    service.deploy(path)
    service.run(path)
    assert relay(service).work() == 0
    assert web.requests == []


def test_missed_slots_are_told_once_and_together_and_those_of_a_pause_not(
    service, settings, calendar, page, web
):
    dag = {"schedule": "@hourly", "timezone": "Asia/Seoul", "catchup": "none"}
    notify = [{"webhook": web.url}]
    path = page(("x = 1", "task:a"), name="보고", dag=dag | {"notify": notify})
    service.deploy(path)
    calendar.at = NOON + 2.5 * HOUR
    service.pause("보고", paused=True)
    calendar.at = NOON + 5.5 * HOUR
    service.pause("보고", paused=False)
    calendar.at = NOON + 6.5 * HOUR
    with schedulers(settings, calendar, execute=nothing) as (scheduler,):
        scheduler.step(0)
    assert relay(service).work() == 1
    (told,) = web.bodies
    assert (told["event"], told["dag"], told["count"]) == ("missed", "보고", 3)
    why = "no scheduler looked when it passed, and catchup leaves it out"
    assert told["missed"] == [
        f"2026-03-01 22:00+09:00: {why}",
        f"2026-03-01 23:00+09:00: {why}",
        f"2026-03-02 03:00+09:00: {why}",
    ]
    assert told["reason"] == why
    assert relay(service).work() == 0
    reasons = [one.reason for one in service.store.all_missed(limit=9)]
    assert sorted(reasons) == ["catchup"] * 3 + ["paused"] * 3


def test_of_slots_of_a_pause_alone_nobody_is_told(service, settings, calendar, page, web):
    dag = {"schedule": "@hourly", "catchup": "none", "notify": [{"webhook": web.url}]}
    service.deploy(page(("x = 1", "task:a"), dag=dag))
    service.pause("page", paused=True)
    calendar.at = NOON + 3.5 * HOUR
    service.pause("page", paused=False)
    with schedulers(settings, calendar, execute=nothing) as (scheduler,):
        scheduler.step(0)
    assert len(service.store.missed("page")) == 3
    assert relay(service).work() == 0
    assert not service.store.notices.has_work()
    assert web.requests == []


def test_of_an_event_that_set_nothing_off_the_words_of_its_trigger_are_told(
    service, settings, calendar, page, web, tmp_path
):
    go = tmp_path / "go"
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)"
    dag = {"on": [{"dag": "etl"}], "overlap": "skip", "notify": [{"webhook": web.url}]}
    service.deploy(page(("x = 1", "task:a"), name="etl"))
    service.deploy(page((wait, "task:a"), name="report", dag=dag))
    going = service.trigger("report")
    service.trigger("etl")
    with schedulers(settings, calendar) as (scheduler,):
        until(lambda: service.store.all_missed("report"), scheduler)
        go.touch()
        until(lambda: service.store.show_run(going)[0].state.is_final, scheduler)
    assert relay(service).work() == 1
    (told,) = web.bodies
    assert told["missed"] == ["when etl succeeds: the run before it was still going"]


def test_what_a_backfill_runs_is_told_to_nobody_and_is_not_how_its_dag_stands(
    service, settings, calendar, page, web
):
    day = ("logical_date = None", "parameters")
    fails_at_one = ("assert logical_date.hour != 13, 'too few rows'", "task:work")
    dag = {"schedule": "@hourly", "notify": [{"webhook": web.url}]}
    service.deploy(page(day, fails_at_one, dag=dag))
    telling = relay(service)
    with schedulers(settings, calendar) as (scheduler,):
        calendar.at = NOON + HOUR
        (failed,) = until(ended(service, 1), scheduler)
        assert telling.work() == 1
        calendar.move(60)
        earlier = BackfillRequest(dag_id="page", first="2026-03-01T10:00", last="2026-03-01T11:00")
        backfill.create(service, earlier)
        until(ended(service, 3), scheduler)
        assert telling.work() == 0
        (row,) = service.store.list_dags()
        assert row.last_run == run_meant(service, "page").id == failed.id
        calendar.at = NOON + 2 * HOUR
        until(ended(service, 4), scheduler)
        assert telling.work() == 1
    assert [body["event"] for body in web.bodies] == ["failure", "recovery"]
    assert not service.store.notices.has_work()


def test_a_server_that_fails_is_tried_again_with_one_key_until_it_takes_it(
    service, calendar, page, fail, web
):
    service.deploy(page(PARAMETER, WORK, dag={"notify": [{"webhook": web.url}]}))
    web.answers += [500, 429]
    web.headers["Retry-After"] = "90"
    fail()
    telling = relay(service)
    assert telling.work() == 0
    (waiting,) = service.store.notices.all()
    assert (waiting.tries, waiting.due - calendar.at) == (1, timedelta(seconds=90))
    assert waiting.error == "127.0.0.1 answered 500"
    assert telling.work() == 0
    calendar.at += timedelta(seconds=90)
    assert telling.work() == 0
    calendar.at += timedelta(seconds=90)
    assert telling.work() == 1
    assert len(set(web.keys)) == 1
    assert len(web.keys) == 3
    (sent,) = service.store.notices.all()
    assert (sent.sent, sent.due, sent.error) == (calendar.at, None, "")


def test_one_that_is_given_up_is_seen_and_may_be_sent_after_all(service, calendar, page, fail, web):
    service.deploy(page(PARAMETER, WORK, dag={"notify": [{"webhook": web.url}]}))
    web.answers += [404]
    fail()
    telling = relay(service)
    telling.work()
    (dead,) = service.store.notices.all()
    assert dead.dead == calendar.at
    calendar.at += timedelta(days=1)
    assert telling.work() == 0
    assert service.store.notices.send_again(dead.id)
    assert telling.work() == 1
    assert not service.store.notices.send_again(dead.id)


def test_a_server_that_never_answers_well_is_given_up_in_the_end(
    service, calendar, page, fail, web
):
    service.deploy(page(PARAMETER, WORK, dag={"notify": [{"webhook": web.url}]}))
    web.answers += [503] * 100
    fail()
    telling = relay(service)
    for _ in range(20):
        telling.work()
        calendar.at += HOUR
    assert len(web.requests) == 10
    assert service.store.notices.all()[0].dead is not None


def test_several_relays_send_one_notification_once(service, settings, calendar, page, fail, web):
    service.deploy(page(PARAMETER, WORK, dag={"notify": [{"webhook": web.url}]}))
    fail()
    with nbflow.app.open_service(settings, clock=calendar) as other:
        relays = [relay(service), relay(other), relay(service), relay(other)]
        threads = [threading.Thread(target=one.work) for one in relays]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(web.requests) == 1


def test_what_a_dead_process_took_is_sent_when_its_lease_is_over(
    service, calendar, page, fail, web
):
    service.deploy(page(PARAMETER, WORK, dag={"notify": [{"webhook": web.url}]}))
    fail()
    telling = relay(service)
    telling.plan()
    (taken,) = service.store.notices.take(lease=LEASE)
    assert telling.work() == 0
    calendar.at += timedelta(seconds=LEASE)
    assert telling.work() == 1
    assert not service.store.notices.settle(taken, error="late")
    assert web.keys == [taken.id]


def test_without_a_mail_server_a_mail_waits_and_says_why(service, page, fail):
    service.deploy(page(PARAMETER, WORK, dag={"notify": {"email": "ada@example.org"}}))
    fail()
    assert relay(service).work() == 0
    (waiting,) = service.store.notices.all()
    assert "NBFLOW_SMTP_URL" in waiting.error
    assert waiting.due is not None


def test_words_that_are_no_text_are_told_all_the_same(service, page, run, mails):
    service.deploy(page(ODD, dag={"notify": {"email": "ada@example.org"}}))
    run()
    assert relay(service, mails.url).work() == 1
    ((_, text),) = mails.messages
    assert "odd" in text


def test_a_mail_server_that_refuses_a_recipient_is_not_asked_again(service, page, fail, mails):
    service.deploy(page(PARAMETER, WORK, dag={"notify": {"email": "gone@example.org"}}))
    mails.refusal = "550 nobody of that name"
    fail()
    assert relay(service, mails.url).work() == 0
    assert service.store.notices.all()[0].dead is not None


@pytest.mark.parametrize(
    ("answer", "is_over"), [("550 nobody of that name", True), ("450 come again", False)]
)
def test_of_several_recipients_only_those_refused_are_told_again(
    service, calendar, page, fail, mails, answer, is_over
):
    both = ["ada@example.org", "bob@example.org"]
    service.deploy(page(PARAMETER, WORK, dag={"notify": {"email": both}}))
    mails.refusal, mails.refused = answer, {"bob@example.org"}
    fail()
    telling = relay(service, mails.url)
    assert telling.work() == 0
    (left,) = service.store.notices.all()
    assert left.notify.to == ("bob@example.org",)
    assert left.error == (
        f"ada@example.org have it; the mail server refused bob@example.org: {answer}"
    )
    assert (left.dead is not None, left.due is None) == (is_over, is_over)
    mails.refusal = ""
    if is_over:
        assert service.store.notices.send_again(left.id)
    calendar.at += HOUR
    assert telling.work() == 1
    assert [to for to, _ in mails.messages] == [["ada@example.org"], ["bob@example.org"]]


def test_a_password_is_never_said_where_others_can_read_it(mails):
    mailer = Mailer(url=mails.url.replace("//", "//me:pw@"), sender="a@b.org")
    with pytest.raises(SendError, match="STARTTLS"):
        mailer.send(["c@d.org"], "subject", "text", "key")
    assert mails.messages == []


def test_a_mail_to_many_by_a_slow_server_ends_in_time_and_says_who_lacks_it(mails, calendar):
    to = [f"p{number}@d.org" for number in range(25)]
    calendar.stand_still()
    mails.meanwhile = partial(calendar.move, 3.0)
    with pytest.raises(SendError) as caught:
        Mailer(url=mails.url, sender="a@b.org", clock=calendar).send(to, "subject", "text", "key")
    assert (caught.value.left, caught.value.is_final) == (tuple(to[10:]), False)
    assert [taken for taken, _ in mails.messages] == [to[:10]]
    assert LIMIT + TIMEOUT < LEASE


def test_a_sender_that_is_none_is_a_reason_and_no_traceback(mails):
    for sender in ("a@b.org\nBcc: x@y.org", "\udc80@b.org"):
        with pytest.raises(SendError):
            Mailer(url=mails.url, sender=sender).send(["c@d.org"], "subject", "text", "key")
    assert mails.messages == []


@pytest.mark.abuse(43)
def test_a_header_cannot_be_put_into_a_mail_through_a_name(mails):
    Mailer(url=mails.url, sender="a@b.org").send(
        ["c@d.org"], "one\r\nBcc: x@y.org", "행\r\n.\r\nQUIT", "key"
    )
    ((to, text),) = mails.messages
    message = email.message_from_string(text)
    assert (to, message["Bcc"], message["Subject"]) == (["c@d.org"], None, "one Bcc: x@y.org")


@pytest.mark.abuse(41)
def test_an_address_that_must_not_be_reached_is_an_error_before_a_deploy(page, monkeypatch):
    monkeypatch.delenv("NBFLOW_NOTIFY_ALLOW", raising=False)
    path = page(WORK, dag={"notify": [{"webhook": "https://169.254.169.254/latest/meta-data/"}]})
    found = [d for d in load_one(path).dag.diagnostics if d.code == "NBF119"]
    assert [str(d.message) for d in found] == [
        "the dag's notify: https://169.254.169.254/… is not a public host"
    ]
    monkeypatch.setenv("NBFLOW_NOTIFY_ALLOW", "169.254.0.0/16")
    assert not [d for d in load_one(path).dag.diagnostics if d.code == "NBF119"]


# What an address leads to


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def addresses(*found: str):
    """Return a resolver that answers so, one list after the other, and counts."""
    answers = [[ipaddress.ip_address(one) for one in text.split(",")] for text in found]
    asked: list[str] = []

    def resolve(host: str, port: int):
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    resolve.asked = asked
    return resolve


@pytest.mark.abuse(41)
def test_a_host_is_resolved_once_and_the_connection_goes_where_it_was_judged(authority, trusting):
    resolve = addresses("127.0.0.1", "8.8.8.8")
    with http_server(authority, "hooks.example") as web:
        poster = Poster(allowed=read_allowed("hooks.example"), context=trusting, resolve=resolve)
        poster.post(web.url, b"{}", {"Idempotency-Key": "1"})
    assert resolve.asked == ["hooks.example"]
    ((path, headers, _),) = web.requests
    assert (path, headers["Host"]) == ("/hook", web.url.split("/")[2])


def test_a_certificate_of_another_name_is_refused(authority, trusting):
    with http_server(authority, "other.example") as web:
        url = web.url.replace("other.example", "hooks.example")
        poster = Poster(
            allowed=read_allowed("hooks.example"), context=trusting, resolve=addresses("127.0.0.1")
        )
        with pytest.raises(SendError, match=r"hooks\.example"):
            poster.post(url, b"{}", {})
    assert web.requests == []


@pytest.mark.abuse(41)
@pytest.mark.parametrize(
    "found", ["127.0.0.1", "169.254.169.254", "8.8.8.8,10.0.0.1", "::1", "::ffff:192.168.1.1"]
)
def test_a_name_that_leads_inside_is_refused_for_good(found):
    poster = Poster(allowed=Allowed(), resolve=addresses(found))
    with pytest.raises(SendError, match="not a public host") as caught:
        poster.post("https://hooks.example/secret-path", b"{}", {})
    assert caught.value.is_final
    assert "secret" not in str(caught.value)


@pytest.mark.abuse(41)
def test_redirects_are_not_followed(web):
    with http_server() as inside:
        web.answers += [302]
        web.headers["Location"] = inside.url
        with pytest.raises(SendError, match="answered 302") as caught:
            Poster(allowed=LOCAL).post(web.url, b"{}", {})
    assert caught.value.is_final
    assert inside.requests == []


def test_no_proxy_of_the_environment_is_asked(web, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    Poster(allowed=LOCAL).post(web.url, b"{}", {})
    assert len(web.requests) == 1


@pytest.mark.abuse(41)
def test_a_server_that_drips_is_cut_off(web):
    web.drip = threading.Event()
    try:
        with pytest.raises(SendError, match="no answer in time") as caught:
            Poster(allowed=LOCAL, timeout=0.5).post(web.url, b"{}", {})
    finally:
        web.drip.set()
    assert not caught.value.is_final


@pytest.mark.abuse(41)
def test_of_a_long_answer_only_the_beginning_is_read(web):
    web.body, web.promised = b"x" * 500_000, 5_000_000  # to the end it can't be read
    Poster(allowed=LOCAL).post(web.url, b"{}", {})


def test_a_host_without_an_address_is_tried_again():
    def resolve(host: str, port: int):
        raise OSError("no such host")

    with pytest.raises(SendError, match="has no address") as caught:
        Poster(resolve=resolve).post("https://hooks.example/", b"{}", {})
    assert not caught.value.is_final
