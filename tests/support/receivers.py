"""Real servers that take what nbflow sends: HTTP with and without TLS, SMTP."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme
from aiosmtpd.controller import Controller
from ports import reserved_port


class Received:
    """What an HTTP server was sent; ``answers`` are the statuses to give, then 200."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.location = ""
        self.body = b"ok"
        self.promised: int | None = None
        self.drip: threading.Event | None = None
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(body) for _, _, body in self.requests]

    @property
    def keys(self) -> list[str]:
        return [headers["Idempotency-Key"] for _, headers, _ in self.requests]


@contextmanager
def http_server(authority: trustme.CA | None = None, name: str = "127.0.0.1") -> Iterator[Received]:
    """Serve on this machine; with an authority, by TLS in the name of a host."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            received.requests.append((self.path, dict(self.headers), self.rfile.read(size)))
            if received.drip is not None:
                while not received.drip.wait(0.05):
                    self.wfile.write(b"H")
                    self.wfile.flush()
                return
            status = received.answers.pop(0) if received.answers else 200
            self.send_response(status)
            for key, value in received.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(received.promised or len(received.body)))
            self.end_headers()
            self.wfile.write(received.body)

        def log_message(self, *_: object) -> None:
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            return

    server = Quiet(("127.0.0.1", 0), Handler)
    scheme = "http"
    if authority is not None:
        scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    received = Received(f"{scheme}://{name}:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Mails:
    """What an SMTP server was sent."""

    def __init__(self) -> None:
        self.url = ""
        self.messages: list[tuple[list[str], str]] = []
        self.refusal = ""
        self.refused: set[str] = set()
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens while it takes a recipient."""

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        self.meanwhile()
        if self.refusal and (not self.refused or address in self.refused):
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        self.messages.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@contextmanager
def smtp_server() -> Iterator[Mails]:
    """Take mails on this machine."""
    mails = Mails()
    with reserved_port() as port:
        controller = Controller(mails, hostname="127.0.0.1", port=port)
        controller.start()
        try:
            mails.url = f"smtp://127.0.0.1:{port}"
            yield mails
        finally:
            controller.stop()
