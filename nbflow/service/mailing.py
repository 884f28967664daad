"""Send a mail through the server that the settings name."""

import hashlib
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from nbflow.model.clock import Clock, SystemClock
from nbflow.model.sentence import Sentence
from nbflow.service.posting import SendError

TIMEOUT = 10.0
LIMIT = 45.0
"""Seconds for all of a mail, less than the lease of whoever sends it."""
AT_ONCE = 10
"""Recipients told in one go, at most: who has a mail when the time is over isn't told again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailer:
    """``url`` is ``smtp://``, ``smtp+starttls://`` or ``smtps://[user:password@]host[:port]``. A
    password is never said over a connection that others can read.
    """

    url: str | None
    sender: str | None
    context: ssl.SSLContext | None = None
    limit: float = LIMIT
    clock: Clock = field(default_factory=SystemClock)

    def send(self, to: Sequence[str], subject: str, text: str, key: str) -> None:
        """Send one mail to all; ``key`` tells mails apart. Raises SendError, with who is left if only
        some of them have it.
        """
        if not self.url or not self.sender:
            raise SendError(Sentence("no mail server is set: NBFLOW_SMTP_URL, NBFLOW_MAIL_FROM"))
        try:
            message = _message(self.sender, to, subject, text, key)
            with self._server(self.url) as server:
                refused = _send(server, message, self.sender, to)
        except (OSError, smtplib.SMTPException, ValueError) as problem:
            raise _trouble(problem) from problem
        if refused:
            raise _refusal(refused, to)

    def _server(self, url: str) -> smtplib.SMTP:
        in_time = _Until(self.clock, self.clock.monotonic() + self.limit)
        parts = urlsplit(url)
        host, context = parts.hostname or "", self.context or ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = _SecuredInTime(
                host, parts.port or 465, in_time=in_time, timeout=TIMEOUT, context=context
            )
        elif parts.scheme in ("smtp", "smtp+starttls") and host:
            server = _InTime(host, parts.port or 25, in_time=in_time, timeout=TIMEOUT)
        else:
            raise SendError(
                Sentence("NBFLOW_SMTP_URL must begin with smtp://, smtp+starttls:// or smtps://")
            )
        try:
            if parts.scheme == "smtp+starttls" or (parts.scheme == "smtp" and parts.username):
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            server.close()
            raise
        return server


class _Until(NamedTuple):
    """An instant of a monotonic clock."""

    clock: Clock
    at: float

    @property
    def left(self) -> float:
        return self.at - self.clock.monotonic()


class _InTime(smtplib.SMTP):
    """A connection whose every reply comes before an instant, or none does."""

    def __init__(self, *args: Any, in_time: _Until, **named: Any) -> None:
        self._in_time = in_time
        super().__init__(*args, **named)

    def getreply(self) -> tuple[int, bytes]:
        """Return the server's next reply."""
        left = self._in_time.left
        if left <= 0:
            self.close()
            raise smtplib.SMTPServerDisconnected(Sentence("no answer in time"))
        if self.sock is not None:
            self.sock.settimeout(min(TIMEOUT, left))
        return super().getreply()


class _SecuredInTime(_InTime, smtplib.SMTP_SSL):
    """As `_InTime`, by TLS from the beginning."""


def _send(
    server: smtplib.SMTP, message: EmailMessage, sender: str, to: Sequence[str]
) -> dict[str, tuple[int, bytes]]:
    """Send a mail to some after others; return who was refused."""
    refused: dict[str, tuple[int, bytes]] = {}
    for begin in range(0, len(to), AT_ONCE):
        try:
            refused |= server.send_message(message, sender, to[begin : begin + AT_ONCE])
        except smtplib.SMTPRecipientsRefused as problem:
            refused |= problem.recipients
        except (OSError, smtplib.SMTPException) as problem:
            left = (*refused, *to[begin:])
            raise _trouble(problem, left if len(left) < len(to) else ()) from problem
    return refused


def _trouble(problem: Exception, left: tuple[str, ...] = ()) -> SendError:
    why = problem.args[0] if problem.args and isinstance(problem.args[0], Sentence) else None
    words = Sentence("the mail server: {problem}", problem=why or _first_line(problem))
    return SendError(words, left=left)


def _refusal(refused: Mapping[str, tuple[int, bytes]], to: Sequence[str]) -> SendError:
    code, answer = next(iter(refused.values()))
    problem = Sentence(
        "the mail server refused {names}: {answer}",
        names=", ".join(refused),
        answer=_first_line(f"{code} {answer.decode('utf-8', 'replace')}"),
    )
    taken = [one for one in to if one not in refused]
    if taken:
        problem = Sentence("{names} have it; {problem}", names=", ".join(taken), problem=problem)
    is_final = all(code >= 550 for code, _ in refused.values())
    return SendError(problem, is_final=is_final, left=tuple(refused))


def _message(sender: str, to: Sequence[str], subject: str, text: str, key: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = sender, ", ".join(to)
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@nbflow>"
    message["Idempotency-Key"] = key
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def _first_line(problem: Exception | str) -> str:
    text = str(problem).strip()
    return text.splitlines()[0][:200] if text else type(problem).__name__
