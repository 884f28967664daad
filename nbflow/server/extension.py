"""The extension as Jupyter Server loads it: settings, routes, what is opened and closed."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool

from nbflow.app import open_service
from nbflow.server.handler import Api, ApiHandler, handler_for
from nbflow.server.news import SCHEMA, SCHEMA_ID, RunNews
from nbflow.server.places import NotebookPlaces
from nbflow.server.routes import ROUTES
from nbflow.server.routing import Route, Tools
from nbflow.service.attached import AttachedScheduler
from nbflow.service.editing import LiveCompiler
from nbflow.service.service import Service

ROOT = "/nbflow/api"
_THREADS = 8


class NbflowExtension(ExtensionApp):  # type: ignore[misc]
    """nbflow in Jupyter Server."""

    name = "nbflow"
    load_other_extensions = True
    scheduler = Bool(
        True,
        config=True,
        help="""Keep a scheduler at work while the server runs, unless another one works.

        It is started when there is a metastore or a DAGs folder, and ends with the server.
        """,
    )

    def initialize_handlers(self) -> None:
        """Add the API's paths; whatever else lies below its root is refused by the same handler."""
        api = self._open()
        for pattern, handler in paths().items():
            self.handlers.append((pattern, handler, {"api": api}))

    def _open(self) -> Api:
        self._opened = ExitStack()
        service = self._opened.enter_context(open_service())
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="nbflow-api")
        self._opened.callback(threads.shutdown, wait=True, cancel_futures=True)
        places = NotebookPlaces(Path(self.serverapp.root_dir))
        tools = Tools(service=service, compiler=LiveCompiler(service.clock), places=places)
        if self.scheduler:
            self._opened.enter_context(AttachedScheduler(service=service))
        return Api(tools=tools, threads=threads, news=self._news(service, threads))

    def _news(self, service: Service, threads: ThreadPoolExecutor) -> RunNews:
        bus = self.serverapp.event_logger
        bus.register_event_schema(SCHEMA)
        news = RunNews(service, threads, lambda data: bus.emit(schema_id=SCHEMA_ID, data=data))
        self._followed = news
        return news

    async def stop_extension(self) -> None:
        """End the scheduler that was started, and close what was opened."""
        self._followed.close()
        await asyncio.get_running_loop().run_in_executor(None, self._opened.close)


def paths() -> dict[str, type[ApiHandler]]:
    """Return the handler of each path, as regular expressions below the server's base URL."""
    by_path: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        by_path.setdefault(route.pattern, {})[route.method] = route
    found = {f"{ROOT}{pattern}": handler_for(routes) for pattern, routes in by_path.items()}
    return {**found, f"{ROOT}(?:/.*)?": handler_for({})}
