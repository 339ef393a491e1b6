"""Whether a port can be listened on, asked before anything is started; and if not, why, in plain words."""

import errno
import socket

WHY = {
    errno.EADDRINUSE: "Port {port} of {host} is taken by another program. End that one, or choose another by --port.",
    errno.EACCES: "Port {port} needs rights this account does not have; choose one from 1024 on by --port.",
    errno.EADDRNOTAVAIL: "{host} is no address of this machine.",
}


class CannotListen(Exception):
    """The message says why, and what to do."""


class Taken(CannotListen):
    """Somebody listens there already."""


def port_at(host: str, port: int) -> int:
    """The port, for 0 one that is free just now. Raises CannotListen."""
    if not 0 <= port <= 65_535:
        raise CannotListen(f"{port} is no port: choose a number from 1 to 65535.")
    try:
        [family, kind, _, _, address] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # as the server does: old connections may linger
            trial.bind(address)
            found: int = trial.getsockname()[1]
            return found
    except socket.gaierror:
        raise CannotListen(f"The host {host} cannot be found.") from None
    except OSError as error:
        number = error.errno or 0
        words = WHY.get(number, "Port {port} of {host} cannot be listened on.").format(port=port, host=host)
        raise (Taken if number == errno.EADDRINUSE else CannotListen)(words) from None
