"""One supervisor to a data folder: a lock that the system takes back however its holder ends, kill -9 included."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

NAME = "supervisor.lock"


class Held(Exception):
    """Another supervisor works on this folder; the message says which."""


@contextlib.contextmanager
def sole(folder: Path) -> Iterator[None]:
    """Hold the folder while the block runs; raises Held. Children do not inherit the lock."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            number = os.read(descriptor, 20).decode("ascii", "replace").strip()
            other = f" (process {number})" if number.isdigit() else ""
            raise Held(
                f"Scribeport runs already on the data folder {folder}{other}: two would work on one database and one "
                "broker. End that one first."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
