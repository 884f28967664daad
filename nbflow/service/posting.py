"""Post to an address that a notebook names, and reach nothing that it should not.

The host is resolved once, all its addresses are judged, and the connection goes to the one that was
judged; the certificate is still checked for the name. Redirects are not followed, five seconds are
all it takes, 64 kB all it reads. No proxy of the environment is asked.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from nbflow.model.notices import Address, Allowed, is_public, port_of, url_problem
from nbflow.model.sentence import Sentence

TIMEOUT = 5.0
LONGEST_ANSWER = 64 * 1024
_TRY_AGAIN = frozenset({408, 425, 429})

Resolve = Callable[[str, int], list[Address]]


class SendError(Exception):
    """A notification was not taken. ``is_final``: it never will be, as it is. ``left`` are those who
    lack it, where others have it.
    """

    def __init__(
        self,
        message: str,
        *,
        is_final: bool = False,
        retry_after: float | None = None,
        left: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.is_final = is_final
        self.retry_after = retry_after
        self.left = left


@dataclass(frozen=True, kw_only=True, slots=True)
class Poster:
    """Posts under the rules above. ``allowed`` are hosts that need not be public."""

    allowed: Allowed = Allowed()
    timeout: float = TIMEOUT
    context: ssl.SSLContext | None = None
    resolve: Resolve | None = None

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Post once. Raises SendError, whose message never holds more of the address than its host."""
        problem = url_problem(url, self.allowed)
        if problem is not None:
            raise SendError(Sentence("the address {problem}", problem=problem), is_final=True)
        parts = urlsplit(url)
        address = self._judged(parts)
        connection = self._connection(parts, address)
        is_cut = threading.Event()
        watch = threading.Timer(self.timeout, _cut, (connection, is_cut))
        watch.daemon = True
        watch.start()
        try:
            self._exchange(connection, parts, body, headers)
        except (OSError, http.client.HTTPException, ValueError) as trouble:
            why = Sentence("no answer in time") if is_cut.is_set() else _words(trouble)
            raise SendError(Sentence("{host}: {why}", host=parts.hostname, why=why)) from trouble
        finally:
            watch.cancel()
            connection.close()

    def _judged(self, parts: SplitResult) -> Address:
        """Return the address to connect to. Raises SendError if one of the host's is not public."""
        host, port = parts.hostname or "", port_of(parts)
        try:
            found = (self.resolve or _resolve)(host, port)
        except OSError as problem:
            message = Sentence("{host} has no address", host=host)
            raise SendError(message) from problem
        if not found:
            raise SendError(Sentence("{host} has no address", host=host))
        if not self.allowed.names(parts):
            for address in found:
                if not is_public(address) and not self.allowed.holds(address):
                    message = Sentence("{host} is not a public host", host=host)
                    raise SendError(message, is_final=True)
        return found[0]

    def _connection(self, parts: SplitResult, address: Address) -> http.client.HTTPConnection:
        host, port = parts.hostname or "", port_of(parts)
        if parts.scheme == "http":
            return _Pinned(host, port, address=address, context=None, timeout=self.timeout)
        context = self.context or ssl.create_default_context()
        return _Pinned(host, port, address=address, context=context, timeout=self.timeout)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        parts: SplitResult,
        body: bytes,
        headers: Mapping[str, str],
    ) -> None:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        answer.read(LONGEST_ANSWER)
        status = answer.status
        if 200 <= status < 300:
            return
        after = answer.getheader("Retry-After") or ""
        raise SendError(
            Sentence("{host} answered {status}", host=parts.hostname, status=status),
            is_final=status < 500 and status not in _TRY_AGAIN,
            retry_after=float(after) if after.isdecimal() and len(after) < 9 else None,
        )


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, in the name of a host."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        address: Address,
        context: ssl.SSLContext | None,
        timeout: float,
    ) -> None:
        super().__init__(host, port, timeout=timeout)
        if context is not None:
            self.default_port = 443
        self._address = address
        self._context = context

    def connect(self) -> None:
        """Connect to the address, whatever the host's name has come to mean."""
        self.sock = socket.create_connection((str(self._address), self.port), self.timeout)
        if self._context is not None:
            # The handshake comes when the time limit can reach its socket.
            secured = self._context.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock = secured
            secured.do_handshake()


def _resolve(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _cut(connection: http.client.HTTPConnection, is_cut: threading.Event) -> None:
    """End a connection whose time is over, whatever it waits for."""
    is_cut.set()
    sock: Any = connection.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _words(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return Sentence("no answer in time")
    return str(problem) or type(problem).__name__
