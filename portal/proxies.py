"""Behind a proxy, whose address is it really? X-Forwarded-For counts only as far as trusted proxies wrote it."""

import ipaddress
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@cache
def trusted_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """The proxies' networks; ValueError for what is none."""
    return tuple(ipaddress.ip_network(text.strip()) for text in texts)


def _trusted(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted_networks(tuple(settings.TRUSTED_PROXIES)))


def client_address(peer: str, forwarded: str) -> str:
    """The nearest address, going back from the peer, that is no trusted proxy; the peer's own if it is none.

    What a stranger writes into the header stands to the left of what our proxies add, and is never reached.
    """
    address = peer
    for hop in reversed([part.strip() for part in forwarded.split(",")]):
        if not _trusted(address):
            return address
        try:
            address = str(ipaddress.ip_address(hop))
        except ValueError:
            return address
    return address


class ClientAddressMiddleware:
    """Puts the client's own address into REMOTE_ADDR, for the audit log and the slow-down of signing in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.TRUSTED_PROXIES:
            peer, forwarded = request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", "")
            request.META["REMOTE_ADDR"] = client_address(peer, forwarded)
        return self.get_response(request)
