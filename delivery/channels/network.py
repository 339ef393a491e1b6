"""What every channel needs of the network: total deadlines, checked targets, reasons for failures."""

import socket
import ssl
import time
from collections.abc import Callable

from delivery.channels import tls

# Host and port to the address to connect to: ValueError for a target that is not allowed, OSError for an unknown one.
Resolve = Callable[[str, int], tuple[str, int]]
# Asked immediately before the first byte of every message: False once the right to send is lost.
Guard = Callable[[], bool]


class NotConnected(Exception):
    """No connection came about; `reason` is a code of the failure catalogue."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def left(deadline: float) -> float:
    """Seconds to a deadline of the monotonic clock; TimeoutError when none are left (a socket would not wait at 0)."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def checked(resolve: Resolve, host: str, port: int) -> tuple[str, int]:
    """The address to connect to, and to no other: the name could resolve differently the next time."""
    try:
        return resolve(host, port)
    except OSError:
        raise NotConnected("dns") from None
    except ValueError:
        raise NotConnected("target_not_allowed") from None


def dial(resolve: Resolve, host: str, port: int, deadline: float) -> socket.socket:
    """A connected socket. Raises NotConnected."""
    target = checked(resolve, host, port)
    try:
        return socket.create_connection(target, timeout=left(deadline))
    except OSError as error:
        raise NotConnected(reason(error)) from None


def reason(error: object) -> str:
    """The reason code of a connection that failed before anything was sent."""
    if isinstance(error, ssl.SSLError):
        return tls.reason(error)
    if isinstance(error, ConnectionRefusedError):
        return "connection_refused"
    if isinstance(error, TimeoutError):
        return "connect_timeout"
    if isinstance(error, ConnectionError):
        return "peer_closed"
    return "unreachable"
