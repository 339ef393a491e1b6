"""Where a connection may lead: resolved once, every address checked, and the checked address is the one connected to.

Receivers of HL7 are private by nature, so that "no private address" would be the wrong rule (OWASP's for SSRF);
instead the operator allows networks (SCRIBEPORT_ALLOWED_NETWORKS), and what no receiver can be is refused in any case.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Refused even where 0.0.0.0/0 is allowed: "this host", multicast and reserved space, link-local addresses (among
# them the metadata service of the clouds, 169.254.169.254), its other addresses, and every way to write an IPv4
# address inside an IPv6 one (RFC 4291, 6052, 3056, 4380).
NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "100.100.100.200/32", "192.0.0.192/32",
        "::/128", "fe80::/10", "ff00::/8", "fd00:ec2::254/128",
        "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32",
        # IPv4-compatible (RFC 4291, 2.5.5.1): all of ::/96 but ::1, which is this host
        *map(str, ipaddress.IPv6Network("::/96").address_exclude(ipaddress.IPv6Network("::1/128"))),
    )
)  # fmt: skip
OWN_PORTS = frozenset({5432, 6379})  # PostgreSQL, Redis; with those this installation names
NAME = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?", re.I
)
NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?", re.I)


class TargetRefused(ValueError):
    """This host and port may not be connected to; the message says why, in words for the person who typed them."""


@dataclass(frozen=True)
class Allowed:
    """One allowed network; `port` 0 is any port."""

    network: Network
    port: int = 0


@cache
def allowed_networks(texts: tuple[str, ...]) -> tuple[Allowed, ...]:
    """`10.20.0.0/16` or, for one port of it, `10.20.0.0/16:6661`; ValueError for anything else."""
    found = []
    for text in texts:
        net, _, tail = text.strip().partition("/")
        bits, _, port = tail.partition(":")
        found.append(Allowed(ipaddress.ip_network(f"{net}/{bits}" if bits else net), int(port or 0)))
    return tuple(found)


def _own_ports() -> frozenset[int]:
    named = {settings.DATABASES["default"].get("PORT"), urlsplit(settings.REDIS_URL).port if settings.REDIS_URL else 0}
    return OWN_PORTS | {int(port) for port in named if port}


def _check_name(host: str) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not NAME.fullmatch(host):
            raise TargetRefused("The host must be a name or an address alone: no user, path, port or spaces.") from None
        if NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            # 2130706433, 0x7f.1, 127.1: other spellings of an address that a resolver would accept
            raise TargetRefused("Write the address in full, as in 10.0.4.12.") from None


def _check_port(port: int) -> None:
    if not 1 <= port <= 65535:
        raise TargetRefused("The port must be a number from 1 to 65535.")
    if port in _own_ports():
        raise TargetRefused(f"Port {port} belongs to Scribeport's own database or message broker.")


def _check_address(address: Address, port: int) -> None:
    if any(address in network for network in NEVER):
        raise TargetRefused("This host leads to an address that no receiver can have.")
    for allowed in allowed_networks(tuple(settings.ALLOWED_NETWORKS)):
        if address in allowed.network and allowed.port in (0, port):
            return
    raise TargetRefused(
        "This host lies outside the networks this installation may connect to. Whoever runs the server can add its "
        "network to SCRIBEPORT_ALLOWED_NETWORKS."
    )


def check_target(host: str, port: int) -> tuple[str, int]:
    """The address and port to connect to. Raises TargetRefused (a ValueError), or OSError when there is no such host.

    Connect to what is returned, never to the name again: it could resolve differently the next time.
    """
    _check_port(port)
    _check_name(host)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:  # all of them: one bad answer among good ones is an attack, not an accident
        _check_address(address, port)
    return str(addresses[0]), port


def check_folder(path: str) -> Path:
    """The folder as it is, links followed, if documents may be left there. Raises TargetRefused, OSError."""
    if not path.startswith("/") or ".." in Path(path).parts or "\x00" in path:
        raise TargetRefused("The folder must be a whole path that begins with / and has no .. in it.")
    real = Path(path).resolve()
    if not any(real.is_relative_to(Path(root).resolve()) for root in settings.ALLOWED_FOLDERS):
        raise TargetRefused(
            "This folder lies outside those this installation may write to. Whoever runs the server can add one to "
            "SCRIBEPORT_ALLOWED_FOLDERS."
        )
    return real


def check_url(url: str, *, tls_required: bool) -> tuple[str, int]:
    """Check an http(s) base URL; the address and port to connect to. Raises as check_target."""
    try:
        if re.search(r"[\s\\\x00-\x1f\x7f]", url):  # urlsplit would drop some of these in silence
            raise ValueError
        parts = urlsplit(url)
        port = {"https": 443, "http": 80}.get(parts.scheme, 0) if parts.port is None else parts.port
        if parts.scheme in ("https", "http") and port == 0:  # what connects to it would not ask port 443
            raise ValueError
    except ValueError:
        raise TargetRefused("This is not an address of a web service.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise TargetRefused("The address must begin with https:// and name a host.")
    if tls_required and parts.scheme != "https":
        raise TargetRefused("Production is reached by https:// only.")
    if parts.username is not None or parts.password is not None:
        raise TargetRefused("The address must not carry a user name or password.")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise TargetRefused("The address must end before any ? or #.")
    return check_target(parts.hostname, port)
