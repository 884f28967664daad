"""A network between a client and a server that fails when told to."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import make_url

Pump = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bool], Awaitable[None]]


class TcpProxy:
    """Passes on what comes to ``port`` of 127.0.0.1, in the way that ``mode`` says:

    ``pass``, ``blackhole`` (all is swallowed, nothing is answered), ``reset`` (connections are cut,
    new ones refused), ``delay`` (each piece comes ``seconds`` later), ``cut`` (a connection ends after
    ``left`` more bytes of the server), ``lose commit`` (the next COMMIT reaches the server; its reply
    is lost together with the connection).
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self.mode = "pass"
        self.seconds = 0.0
        self.left = 0
        self.lost = 0
        """How many replies to a COMMIT, or connections in the middle of a reply, were lost."""
        self._connect = connect
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = self._call(self._serve())

    @classmethod
    def before_postgresql(cls, url: str) -> "tuple[TcpProxy, str]":
        """Return a proxy before a server that listens at a Unix socket, and the address through it."""
        parsed = make_url(url)
        folder = parsed.query.get("host") or parsed.host
        path = f"{folder}/.s.PGSQL.{parsed.port or 5432}"
        proxy = cls(lambda: asyncio.open_unix_connection(path))
        through = parsed.set(host="127.0.0.1", port=proxy.port, query={})
        return proxy, through.render_as_string(hide_password=False)

    def set(self, mode: str, *, seconds: float = 0.0, left: int = 0) -> None:
        """Change the mode; also for connections that are open."""
        self.seconds, self.left = seconds, left
        self.mode = mode
        if mode == "reset":
            self._call(self._cut_all())

    def close(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        await self._cut_all()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self) -> int:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _cut_all(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "reset":
            writer.transport.abort()
            return
        far_reader, far_writer = await self._connect()
        both = {writer, far_writer}
        self._writers |= both
        state = {"commits": False}
        try:
            pumps = (
                self._pump(reader, far_writer, state, from_client=True),
                self._pump(far_reader, writer, state, from_client=False),
            )
            await asyncio.wait(
                [asyncio.ensure_future(pump) for pump in pumps],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        state: dict[str, bool],
        *,
        from_client: bool,
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.mode == "blackhole":
                    continue
                if self.mode == "delay":
                    await asyncio.sleep(self.seconds)
                if self.mode == "lose commit" and from_client and b"COMMIT" in data:
                    state["commits"] = True
                if self.mode == "lose commit" and state["commits"] and not from_client:
                    self.mode, self.lost = "pass", self.lost + 1
                    return
                if self.mode == "cut" and not from_client:
                    data, whole = data[: self.left], data
                    self.left -= len(whole)
                    if len(data) < len(whole):
                        writer.write(data)
                        await writer.drain()
                        self.mode, self.lost = "pass", self.lost + 1
                        return
                writer.write(data)
                await writer.drain()
