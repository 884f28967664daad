"""The one handler of the API: who asks, what is asked, the answer or the problem."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async
from pydantic import ValidationError
from pydantic_core import from_json
from tornado import web  # type: ignore[attr-defined]

from nbflow.errors import MetastoreBusyError, NbflowError
from nbflow.model.codes import code_info
from nbflow.server.models.fields import Problem
from nbflow.server.models.users import UserAnswer
from nbflow.server.news import RunNews
from nbflow.server.problems import (
    LATER,
    MEDIA_TYPE,
    SOON,
    RequestError,
    make_problem,
    problem_of,
    validation_problem,
)
from nbflow.server.routing import PATH_PARAMETERS, Action, Call, File, Route, Tools

RESOURCE = "nbflow"
MAX_DEPTH = 100
MAX_PENDING = 64
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_OF_JUPYTER = frozenset({"token", "no_track_activity"})
"""Fields of a query that are the server's."""
_CODES = {400: "NBF720", 401: "NBF722", 403: "NBF722", 404: "NBF902", 405: "NBF725", 413: "NBF723"}


@dataclass(kw_only=True, slots=True)
class Api:
    """What all handlers share: the tools, the threads that use them, what tells that runs moved,
    how many calls wait.
    """

    tools: Tools
    threads: Executor
    news: RunNews
    pending: int = 0


@web.stream_request_body
class ApiHandler(APIHandler):  # type: ignore[misc]
    """One path of the API. Bodies are read as they come, so that none is kept that is too large."""

    auth_resource = RESOURCE
    routes: Mapping[str, Route] = {}

    def initialize(self, api: Api) -> None:
        """Take what handlers share."""
        self._api = api
        self._body = bytearray()
        self._is_too_large = False

    @property
    def content_security_policy(self) -> str:
        """Nothing that the API answers is a page."""
        return f"{super().content_security_policy}; sandbox"

    def set_default_headers(self) -> None:
        """Say to caches and browsers what may be done with answers."""
        super().set_default_headers()
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Vary", "Accept-Language, Cookie, Authorization")

    @property
    def limit(self) -> int:
        """How many bytes a request may bring."""
        route = self.routes.get(self.request.method or "")
        return route.limit if route is not None else 0

    def data_received(self, chunk: bytes) -> None:
        """Keep what comes of a body, unless it is too large."""
        if len(self._body) + len(chunk) > self.limit:
            self._is_too_large = True
            self._body.clear()
        if not self._is_too_large:
            self._body += chunk

    async def serve(self, route: Route, path: Mapping[str, str]) -> None:
        """Answer, or say what is wrong with the request."""
        try:
            user = await self._user() if route.tells_user else None
            answer = await self._in_thread(route, path, user)
        except RequestError as error:
            self.refuse(
                make_problem(
                    error.status, error.code, error.message,
                    hint=error.hint, field=error.field, lang=self.lang,
                ),
                retry_after=SOON if error.status == 429 else None,
            )  # fmt: skip
        except NbflowError as error:
            problem = problem_of(error, self.lang)
            is_busy = isinstance(error, MetastoreBusyError)
            self.refuse(problem, retry_after=LATER if is_busy else None)
        except Exception:
            self.log.exception("nbflow: %s %s failed", route.method, route.path)
            self.refuse(make_problem(500, "NBF900", "The server's log says more.", lang=self.lang))
        else:
            self.set_status(route.status)
            self.set_header("Content-Language", self.lang)
            if answer.policy is not None:
                self.set_header("Content-Security-Policy", answer.policy)
            self.finish(answer.content, set_content_type=answer.media_type)

    @property
    def lang(self) -> Literal["en", "ko"]:
        """The language that the client prefers of those there are."""
        for one in self.request.headers.get("Accept-Language", "").lower().split(","):
            word = one.partition(";")[0].strip()[:2]
            if word == "ko":
                return "ko"
            if word == "en":
                return "en"
        return "en"

    async def _user(self) -> UserAnswer:
        """Return who asks, and what the server's authoriser lets them do."""
        user = self.current_user
        may = [
            action
            for action in get_args(Action)
            if await ensure_async(self.authorizer.is_authorized(self, user, action, RESOURCE))
        ]
        return UserAnswer(username=user.username, name=user.display_name or user.name, may=may)

    def _answer(self, route: Route, path: Mapping[str, str], user: UserAnswer | None) -> File:
        """Read the request, answer it and write the answer: all that takes time, in a thread."""
        answer = route.answer(replace(self._call(route, path), user=user))
        if isinstance(answer, File):
            return answer
        content = answer.model_dump_json(by_alias=True).encode()
        return File(content=content, media_type="application/json")

    def _call(self, route: Route, path: Mapping[str, str]) -> Call:
        identifiers = _identifiers(path)
        body = self._read_body(route)
        try:
            query = route.query.model_validate_strings(self._query(), strict=False)
        except ValidationError as error:
            raise validation_problem(error) from None
        return Call(tools=self._api.tools, lang=self.lang, path=identifiers, query=query, body=body)

    def _query(self) -> dict[str, str]:
        found = {}
        for name, values in self.request.query_arguments.items():
            if name in _OF_JUPYTER or name.isdecimal():
                continue  # a number alone is how JupyterLab gets past caches
            if len(values) > 1:
                raise RequestError(422, "NBF721", "A field of the query stands twice.", field=name)
            try:
                found[name] = values[0].decode()
            except UnicodeDecodeError:
                raise RequestError(400, "NBF720", "The query is not UTF-8.") from None
        return found

    def _read_body(self, route: Route) -> Any:
        if self._is_too_large:
            raise RequestError(
                413, "NBF723", "The request is too large.",
                hint="Clear the notebook's outputs, or send less at once.",
            )  # fmt: skip
        if route.body is None:
            if self._body:
                raise RequestError(400, "NBF720", "This call takes no body.")
            return None
        sort = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if sort != "application/json" or "Content-Encoding" in self.request.headers:
            raise RequestError(
                415, "NBF724", "The body must be plain application/json.",
                hint="Send the header Content-Type: application/json.",
            )  # fmt: skip
        try:
            data = from_json(bytes(self._body), allow_inf_nan=False)
        except ValueError:
            raise RequestError(400, "NBF720", "The body is no well-formed JSON.") from None
        if _is_too_deep(data):
            raise RequestError(400, "NBF720", "The body is nested too deep.")
        try:
            return route.body.model_validate(data)
        except ValidationError as error:
            raise validation_problem(error) from None

    async def _in_thread(
        self, route: Route, path: Mapping[str, str], user: UserAnswer | None
    ) -> File:
        api = self._api
        if api.pending >= MAX_PENDING:
            raise RequestError(429, "NBF726", "Too many calls wait for an answer.")
        api.pending += 1
        try:
            if route.follows is not None:
                await api.news.follow(route.follows)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(api.threads, self._answer, route, path, user)
        finally:
            api.pending -= 1

    def refuse(self, problem: Problem, *, retry_after: int | None = None) -> None:
        """Answer with a problem."""
        self.set_status(problem.status)
        if retry_after is not None:
            self.set_header("Retry-After", str(retry_after))
        if problem.status == 405:
            self.set_header("Allow", ", ".join(self.routes))
        self.set_header("Content-Language", self.lang)
        self.finish(problem.model_dump_json(exclude_none=True), set_content_type=MEDIA_TYPE)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what the server itself refuses: strangers, foreign origins, what can't be read."""
        if status_code == 404 and not self.check_origin():
            status_code = 403  # what Jupyter answers to pages of other sites
        code = _CODES.get(status_code, "NBF900" if status_code >= 500 else "NBF720")
        self.refuse(make_problem(status_code, code, code_info(code).explanation, lang=self.lang))


def _identifiers(path: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, text in path.items():
        if "\0" in text:
            raise RequestError(400, "NBF720", "The address holds a NUL character.")
        try:
            found[name] = PATH_PARAMETERS[name][0].validate_python(text)
        except ValidationError:
            # What can't be an id is not there: nobody learns which ids could be.
            raise RequestError(
                404, "NBF902", "There is nothing of that name.", field=name
            ) from None
    return found


def _is_too_deep(data: Any) -> bool:
    level = [data]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return False
        level = below
    return True


def handler_for(routes: Mapping[str, Route]) -> type[ApiHandler]:
    """Return the handler of one path; every method, also those it lacks, asks who is there."""
    methods = {name.lower(): _refused() for name in METHODS}
    methods |= {name.lower(): _served(route) for name, route in routes.items()}
    if "GET" in routes:
        methods["head"] = _served(routes["GET"])
    return type("PathHandler", (ApiHandler,), {"routes": dict(routes), **methods})


def _served(route: Route) -> Any:
    async def method(self: ApiHandler, **path: str) -> None:
        await self.serve(route, path)

    return web.authenticated(authorized(action=route.action, resource=RESOURCE)(method))


def _refused() -> Any:
    async def method(self: ApiHandler, **_: str) -> None:
        status = 405 if self.routes else 404
        raise web.HTTPError(status)

    return web.authenticated(authorized(action="read", resource=RESOURCE)(method))
