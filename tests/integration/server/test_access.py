"""Who may ask: generated from the server's own router, so that no route can be forgotten."""

import re
from collections.abc import Iterator

import pytest
from jupyter_server.auth import Authorizer
from jupyter_servers import BASE, SAMPLES, RunningServer, jupyter_server, of_route

from nbflow.server.extension import ROOT
from nbflow.server.handler import METHODS, ApiHandler
from nbflow.server.routes import ROUTES


def address(pattern: str) -> str:
    """A path that a pattern of the router matches."""
    path = re.sub(r"\(\?P<(\w+)>\[\^/\]\+\)", lambda name: SAMPLES[name[1]], pattern)
    path = path.removesuffix("$").replace("(?:/.*)?", "/anything").replace("\\", "")
    return path.removeprefix(BASE + "nbflow/api")


class ReadOnly(Authorizer):  # type: ignore[misc]
    """Somebody who may look only."""

    def is_authorized(self, handler: object, user: object, action: str, resource: str) -> bool:
        return resource != "nbflow" or action == "read"


@pytest.fixture(scope="module", params=[True, False], ids=["open", "locked"])
def any_server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    patched: pytest.MonkeyPatch,
) -> Iterator[RunningServer]:
    """Servers with both settings of Jupyter's for handlers that forget to ask."""
    folder = tmp_path_factory.mktemp("jupyter")
    setting = {"allow_unauthenticated_access": request.param}
    with jupyter_server(folder, patched, ServerApp=setting) as running:
        yield running


@pytest.mark.abuse(15)
def test_the_router_has_the_routes_and_only_our_handler(server: RunningServer) -> None:
    patterns = {rule.matcher.regex.pattern: rule.target for rule in server.api_rules}
    wanted = {f"{BASE.rstrip('/')}{ROOT}{route.pattern}$" for route in ROUTES}
    assert set(patterns) - wanted == {f"{BASE.rstrip('/')}{ROOT}(?:/.*)?$"}
    assert wanted <= set(patterns)
    for target in patterns.values():
        assert issubclass(target, ApiHandler)


@pytest.mark.abuse(15, 45)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "token wrong"}, {"Cookie": "username-127-0-0-1=forged; _xsrf=aa"}],
    ids=["nothing", "wrong token", "forged cookie"],
)
def test_strangers_get_nothing_from_any_route_by_any_method(
    any_server: RunningServer, headers: dict[str, str]
) -> None:
    """Row 15 of the abuse table."""
    asked = 0
    for rule in any_server.api_rules:
        path = address(rule.matcher.regex.pattern)
        for method in METHODS:
            body = {} if method in ("POST", "PUT", "PATCH") else None
            reply = any_server.ask(path, method, body, headers=headers)
            assert reply.status == 403, (method, path)
            if method != "HEAD":
                assert reply.json["code"] == "NBF722", (method, path)
            asked += 1
    assert asked == len(METHODS) * (len({route.path for route in ROUTES}) + 1)


@pytest.mark.abuse(16)
@pytest.mark.parametrize(
    "path",
    [
        "nbflow/api/dags/health", "nbflow/api/dags/ready", "nbflow/api/dags/login",
        "nbflow/api/runs/x/health", "/nbflow/api/dags", "nbflow/api/./dags", "nbflow/api//dags",
        "nbflow/api/dags;", "nbflow/api/dags/", "NBFLOW/API/dags", "nbflow%2fapi%2fdags",
        "nbflow/api%2fdags", "nbflow/api/health;x", "nbflow/api/health/../dags", "nbflow/api",
    ],
)  # fmt: skip
def test_no_spelling_of_an_address_is_open(any_server: RunningServer, path: str) -> None:
    """Row 16 of the abuse table."""
    reply = any_server.ask(path, headers={}, base=BASE)
    assert reply.status in (302, 403, 404)
    assert b'"items"' not in reply.content
    assert b'"status":"' not in reply.content


@pytest.mark.abuse(38)
def test_who_may_only_look_changes_and_runs_nothing(
    tmp_path_factory: pytest.TempPathFactory, patched: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("jupyter")
    with jupyter_server(folder, patched, ServerApp={"authorizer_class": ReadOnly}) as running:
        assert running.ask("/users/me").json["may"] == ["read"]
        for route in ROUTES:
            body = {} if route.body is not None else None
            reply = running.ask(of_route(route.path), route.method, body)
            assert (reply.status == 403) == (route.action != "read"), route.path
    changing = {route.operation for route in ROUTES if route.method != "GET"}
    looking = {route.operation for route in ROUTES if route.action == "read"}
    assert changing & looking == {
        "check_dag_settings", "compare_notebook", "compile_notebook", "mark_cells", "suggest_tasks",
    }  # fmt: skip


def test_who_asks_is_told_who_they_are_and_what_they_may_do(server: RunningServer) -> None:
    me = server.ask("/users/me").json
    assert me["may"] == ["read", "write", "execute"]
    assert me["username"]
    assert me["name"]


def cookies(server: RunningServer) -> tuple[str, str]:
    """The cookies of somebody who is logged in, and their XSRF token."""
    known = server.ask("/health").headers["Set-Cookie"].partition(";")[0]
    page = server.ask("login", headers={}, base=BASE)
    found = [one for one in page.headers.get_all("Set-Cookie") or [] if one.startswith("_xsrf=")]
    token = found[0].partition(";")[0].removeprefix("_xsrf=")
    return f"{known}; _xsrf={token}", token


JSON = {"Content-Type": "application/json"}


@pytest.mark.abuse(12, 25)
@pytest.mark.parametrize(
    ("extra", "status"),
    [
        (JSON, 403),
        (JSON | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        (JSON | {"Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Content-Type": "text/plain"}, 403),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 403),
        (JSON | {"X-XSRFToken": "2|00000000|00000000|1"}, 403),
        (JSON | {"X-XSRFToken": "TOKEN", "Origin": "https://evil.example"}, 403),
        (JSON | {"X-XSRFToken": "TOKEN", "Origin": "null"}, 403),
        ({"Content-Type": "text/plain", "X-XSRFToken": "TOKEN"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x", "X-XSRFToken": "TOKEN"}, 415),
        ({"X-XSRFToken": "TOKEN"}, 415),
        (JSON | {"Content-Encoding": "gzip", "X-XSRFToken": "TOKEN"}, 415),
        (JSON | {"X-XSRFToken": "TOKEN"}, 404),
    ],
)
def test_other_sites_do_nothing_in_the_name_of_who_is_logged_in(
    server: RunningServer, extra: dict[str, str], status: int
) -> None:
    """Row 12; the last one is the page of the server itself, which is listened to."""
    cookie, token = cookies(server)
    headers = {"Cookie": cookie} | {k: v.replace("TOKEN", token) for k, v in extra.items()}
    raw = b'{"path": "none.ipynb"}'
    reply = server.ask("/dags", "POST", raw=raw, headers=headers)
    assert reply.status == status, reply.content
    assert reply.sort == "application/problem+json"


@pytest.mark.abuse(13)
@pytest.mark.parametrize("origin", ["https://evil.example", "https://127.0.0.1.evil.example"])
def test_pages_of_other_sites_read_nothing(server: RunningServer, origin: str) -> None:
    """Row 13."""
    cookie, _ = cookies(server)
    assert server.ask("/dags", headers={"Cookie": cookie}).status == 200
    reply = server.ask("/dags", headers={"Cookie": cookie, "Origin": origin})
    assert reply.status == 403
    assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.abuse(18)
def test_another_name_of_the_host_is_refused(server: RunningServer) -> None:
    """Row 18: a name that an attacker's DNS points here."""
    reply = server.ask("/dags", headers={**server.headers, "Host": "evil.example"})
    assert reply.status == 403


@pytest.mark.abuse(2, 14)
def test_answers_say_what_browsers_may_do_with_them(server: RunningServer) -> None:
    for path in ("/health", "/nothing", "/openapi.json"):
        reply = server.ask(path)
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "frame-ancestors 'self'" in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["Cache-Control"] == "private, no-cache"


def test_a_method_that_an_address_lacks_is_named_with_those_that_it_has(
    server: RunningServer,
) -> None:
    reply = server.ask("/dags/etl", "DELETE")
    assert reply.status == 405
    assert reply.headers["Allow"] == "GET, PATCH"
    assert reply.json["code"] == "NBF725"
