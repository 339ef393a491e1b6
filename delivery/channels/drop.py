"""Leaves one document in a directory: under a temporary name, then its own; never over another, never twice.

A partner takes what has its own name and leaves temporary names alone (assumed, and what such exchanges agree on), so
that a document is there whole or not at all: until the last step nothing was delivered, and only a last step without
an answer is a doubt. That is settled by looking for the name and comparing what stands there.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Protocol

from delivery.channels.base import NoAnswer, Receipt, Refused, Rendered, Unavailable

CONTENT_TYPE = "application/cda+xml"
_CONTROL_ID = re.compile(r"[A-Za-z0-9]{20}")
THERE, NOT_THERE, CANNOT_SAY = "there", "not_there", "cannot_say"


class Directory(Protocol):
    """An open directory. Names have no separators. Failures raise Unavailable with their reason, `Cut` where the
    directory went away before it answered."""

    def digest(self, name: str, like: bytes) -> str | None:
        """SHA-256 of what stands under a name, None where nothing does. `like` is what it is compared with: where
        the directory may be written but not read, a file of its size is taken for it."""

    def write(self, name: str, body: bytes) -> None:
        """A file of this content, in the place of one with that (temporary) name."""

    def name_finally(self, temporary: str, name: str) -> None:
        """Give a file its own name; FileExistsError where that is taken. Never in the place of another."""

    def remove(self, name: str) -> None:
        """A temporary file, where it is still there."""


class Cut(Exception):
    """The directory did not answer the last thing it was asked."""


def names(prefix: str, control_id: str) -> tuple[str, str]:
    """A document's own name, and its temporary one. Made of the control id alone: no name can lead elsewhere."""
    if not _CONTROL_ID.fullmatch(control_id):
        raise ValueError("not a control id")
    name = f"{prefix}{control_id}.xml"
    return name, f".{name}.part"


def leave(directory: Directory, prefix: str, rendered: Rendered, control_id: str, guard: Callable[[], bool]) -> Receipt:
    """One document in the directory. Raises Refused, Unavailable (nothing has its own name), or NoAnswer."""
    name, temporary = names(prefix, control_id)
    wanted = sha256(rendered.body)
    try:
        if _standing(directory, name, rendered.body, wanted):
            return Receipt("already_there", b"")
        _hold(guard)
        directory.write(temporary, rendered.body)
        if directory.digest(temporary, rendered.body) != wanted:
            raise Unavailable("file_not_whole")
        _hold(guard)
    except Cut:
        raise Unavailable("file_not_finished") from None
    return _named(directory, temporary, name, rendered.body)


def _named(directory: Directory, temporary: str, name: str, body: bytes) -> Receipt:
    """The last step: the only one whose missing answer is a doubt."""
    try:
        directory.name_finally(temporary, name)
    except FileExistsError:
        if not _stands_after_all(directory, name, body):
            raise Refused("file_name_taken") from None
        return Receipt("already_there", b"")
    except Cut:
        raise NoAnswer("file_cut") from None
    return Receipt("left", b"")


def _stands_after_all(directory: Directory, name: str, body: bytes) -> bool:
    try:
        return directory.digest(name, body) == sha256(body)
    except (Cut, Unavailable):
        raise NoAnswer("file_cut") from None


def _standing(directory: Directory, name: str, body: bytes, wanted: str) -> bool:
    found = directory.digest(name, body)
    if found is not None and found != wanted:
        raise Refused("file_name_taken")
    return found == wanted


def _hold(guard: Callable[[], bool]) -> None:
    if not guard():
        raise Unavailable("lease_lost")


def find(directory: Directory, prefix: str, body: bytes, control_id: str, *, taken_away: bool) -> str:
    """Whether the document was left: THERE, NOT_THERE, or CANNOT_SAY. Raises Unavailable.

    Under its own name with the same bytes: there. Only under its temporary name: the last step never happened. Under
    neither: it was never written, or the partner has taken it: that proves something only where nobody takes any.
    """
    name, temporary = names(prefix, control_id)
    try:
        found = directory.digest(name, body)
        if found is not None:
            return THERE if found == sha256(body) else CANNOT_SAY
        if not taken_away or directory.digest(temporary, body) is not None:
            return NOT_THERE
    except Cut:
        raise Unavailable("file_not_finished") from None
    return CANNOT_SAY


def sha256(body: bytes) -> str:
    """As the directory's files are compared."""
    return hashlib.sha256(body).hexdigest()
