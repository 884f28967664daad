"""Whom to tell of what (``notify:``), as validated; and which addresses may be told."""

import enum
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from nbflow.model.sentence import Sentence

PLACES = ("dag", "run", "event", "state", "reason", "tasks", "started", "ended", "count", "missed")
"""What can stand between double braces in a template."""
_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*)")
_MAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.\-]{1,253}")
_LONGEST_URL = 2_000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Channel(enum.StrEnum):
    """How somebody is told."""

    EMAIL = "email"
    """A mail."""
    WEBHOOK = "webhook"
    """JSON posted to an address."""
    SLACK = "slack"
    """A text posted to an address, as Slack, Mattermost and others take it."""


class NoticeEvent(enum.StrEnum):
    """What somebody is told of."""

    FAILURE = "failure"
    """A run failed, and the one before it had not."""
    RECOVERY = "recovery"
    """A run succeeded, and the one before it had failed."""
    MISSED = "missed"
    """Slots passed without a run, other than because the DAG was paused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notify:
    """One entry of ``notify``: ``to`` are mail addresses, or one URL or ``$NAME`` of a variable that
    holds it. ``subject`` and ``text`` are templates, None for ours.
    """

    channel: Channel
    to: tuple[str, ...]
    on: tuple[NoticeEvent, ...] = tuple(NoticeEvent)
    subject: str | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowed:
    """Hosts that an administrator lets notifications reach although they are not public: names,
    names with a port, networks. http is allowed to them, too.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    def names(self, parts: SplitResult) -> bool:
        """Tell whether the host of an address was allowed by its name."""
        host = (parts.hostname or "").lower()
        return host in self.hosts or f"{host}:{port_of(parts)}" in self.hosts

    def holds(self, address: Address) -> bool:
        """Tell whether an address is in an allowed network."""
        return any(address in network for network in self.networks)


def read_allowed(text: str) -> Allowed:
    """Return what a list such as ``hooks.internal, 10.1.0.0/16`` allows. Raises ValueError."""
    hosts, networks = set(), []
    for word in (one.strip().lower() for one in text.split(",")):
        if not word:
            continue
        if "/" in word:
            networks.append(ipaddress.ip_network(word))
        elif re.fullmatch(r"[a-z0-9.\-]+(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?", word):
            hosts.add(word.replace("[", "").replace("]", "") if word.startswith("[") else word)
        else:
            raise ValueError(word)
    return Allowed(hosts=frozenset(hosts), networks=tuple(networks))


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open internet, also where it stands for another one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _nat64(address)
        if address.teredo is not None:
            inner = address.teredo[1]
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def port_of(parts: SplitResult) -> int:
    """Return the port of an address. Raises ValueError for what is none."""
    return parts.port or (443 if parts.scheme == "https" else 80)


def url_problem(url: str, allowed: Allowed) -> str | None:
    """Return why nothing may be posted to an address as it is written, None if something may."""
    if len(url) > _LONGEST_URL or not url.isprintable() or " " in url or "\\" in url:
        return Sentence("is no address")
    try:
        parts = urlsplit(url)
        port_of(parts)
    except ValueError:
        return Sentence("is no address")
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host:
        return Sentence("must begin with https://")
    if parts.username is not None or parts.password is not None:
        return Sentence("must not hold a user or a password")
    if allowed.names(parts):
        return None
    address = _literal(host)
    if address is not None and allowed.holds(address):
        return None
    if parts.scheme != "https":
        return Sentence("must begin with https://")
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return Sentence("is not a public host")
    if address is not None and not is_public(address):
        return Sentence("is not a public host")
    if address is None and re.fullmatch(r"[0-9.]+|0x[0-9a-f]+", host.lower()):
        return Sentence("is no address")
    return None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def target_problem(channel: Channel, target: str) -> str | None:
    """Return what is wrong with the form of a target, whatever is allowed; None if nothing is."""
    if channel is Channel.EMAIL:
        return None if _MAIL.fullmatch(target) else Sentence("is not a mail address")
    if _VARIABLE.fullmatch(target) or urlsplit_safely(target):
        return None
    return Sentence("must be an https:// address, or $NAME of a variable that holds one")


def urlsplit_safely(url: str) -> SplitResult | None:
    """Return the parts of an address, None if it has no scheme or can't be taken apart."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if parts.scheme else None


def variable_of(target: str) -> str | None:
    """Return the name of the variable that a target stands in, None if it is the target itself."""
    match = _VARIABLE.fullmatch(target)
    return match[1] if match else None


def shown_target(channel: Channel, target: str) -> str:
    """Return a target fit for lists and logs: of an address the host only, since paths hold keys."""
    if channel is Channel.EMAIL or variable_of(target):
        return target
    parts = urlsplit_safely(target)
    if parts is None:
        return "…"
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}/…"


def shown_targets(notify: Notify) -> str:
    """Return whom an entry tells, fit for lists."""
    return ", ".join(shown_target(notify.channel, target) for target in notify.to)


def template_problem(text: str) -> str | None:
    """Return what is wrong with a template, None if nothing is."""
    for match in _TEMPLATE.finditer(text, 0, _end_of_last(text)):
        name = match[1].strip()
        if name not in PLACES:
            return Sentence(
                "{name!r} can't stand between double braces; these can: {names}",
                name=name[:60],
                names=", ".join(PLACES),
            )
    return None


def filled(template: str, values: dict[str, str]) -> str:
    """Return a template with its places filled; values are never taken for templates."""
    end = _end_of_last(template)
    known = _TEMPLATE.sub(lambda match: values.get(match[1].strip(), ""), template[:end])
    return known + template[end:]


def _end_of_last(template: str) -> int:
    """Return where the last place ends: behind it, every brace would be followed to the end in vain."""
    return template.rfind("}}") + 2 if "}}" in template else 0
