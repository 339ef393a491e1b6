"""The keys that encrypt and index, kept in the database wrapped by a master key that is not in it (envelope).

    master key (file, or a key service)  wraps  data keys (table DataKey)  encrypt  values

So a new master key rewraps a handful of rows and touches no value; a new data key encrypts what is written from now on
while older ones still open what they sealed, until portal/rotation.py has sealed everything anew. Where the table has
no row for a purpose, the key is derived from the master key (HKDF-SHA256), as it always was before there was a table.
"""

import hashlib
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from django.conf import settings
from django.utils.module_loading import import_string

from portal.data_keys import DataKey

KEY_ID = 8
REFRESH_SECONDS = 60.0  # after so long the table is looked at again: another process may have rotated
LIMIT_SECONDS = 900.0  # so long keys are used on while the key service is away, no longer
PURPOSES = ("seal", "index", "api-key")


class KeysUnavailable(Exception):
    """The key service does not answer, or a data key is wrapped by a master key that is not given here."""


class KeyStore(Protocol):
    """Whoever holds the master keys: SCRIBEPORT_KEY_STORE names a class like this one, for a key service."""

    def current(self) -> str:
        """The id (at most 64 characters) of the master key that wraps from now on."""
        ...

    def wrap(self, key: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, master: str) -> bytes:
        """Raises KeysUnavailable."""
        ...


class MasterKeys:
    """The default: SCRIBEPORT_MASTER_KEY wraps (AES key wrap, RFC 3394), SCRIBEPORT_OLD_MASTER_KEYS still unwrap."""

    def __init__(self) -> None:
        keys = [settings.MASTER_KEY, *settings.OLD_MASTER_KEYS]
        self.keys = {_master_id(key): _derive(key, "kek") for key in reversed(keys)}

    def current(self) -> str:
        return _master_id(settings.MASTER_KEY)

    def wrap(self, key: bytes) -> bytes:
        return aes_key_wrap(self.keys[self.current()], key)

    def unwrap(self, wrapped: bytes, master: str) -> bytes:
        if master not in self.keys:
            raise KeysUnavailable(f"a data key is wrapped by the master key {master}, which is not given here")
        try:
            return aes_key_unwrap(self.keys[master], wrapped)
        except InvalidUnwrap:
            raise KeysUnavailable("a wrapped data key was altered") from None


def key_store() -> KeyStore:
    made: KeyStore = import_string(settings.KEY_STORE)()
    return made


@cache
def _derive(master: str, purpose: str) -> bytes:
    info = f"scribeport/{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(bytes.fromhex(master))


def _master_id(master: str) -> str:
    return hashlib.sha256(b"scribeport/master" + bytes.fromhex(master)).hexdigest()[:16]


def key_id(key: bytes) -> bytes:
    """What a sealed value says of its key."""
    return hashlib.sha256(key).digest()[:KEY_ID]


def without_row(purpose: str) -> bytes:
    """The key of a purpose that has no row: derived from the first master key there was."""
    return _derive((settings.OLD_MASTER_KEYS or [settings.MASTER_KEY])[-1], purpose)


@dataclass(frozen=True)
class Ring:
    """The data keys of one purpose: the one for new values, and by id all that still open old ones."""

    current: bytes
    keys: dict[bytes, bytes]
    read_at: float
    unknown: set[bytes] = field(default_factory=set)  # ids asked for that are no key's, so as not to look again

    def cipher(self, key: bytes) -> AESGCM:
        return AESGCM(self.keys[key])


_rings: dict[str, Ring] = {}
_lock = threading.Lock()


def ring(purpose: str, fresh: bool = False) -> Ring:
    """The purpose's keys, from memory for a minute; KeysUnavailable once they could not be had for a quarter hour."""
    known = _rings.get(purpose)
    age = time.monotonic() - known.read_at if known else float("inf")
    if known and age < REFRESH_SECONDS and not fresh:
        return known
    try:
        found = _read(purpose)
    except KeysUnavailable:
        if known is None or age >= LIMIT_SECONDS:
            raise
        return known
    with _lock:
        _rings[purpose] = found
    return found


def forget() -> None:
    """Read the table anew next time."""
    with _lock:
        _rings.clear()


def _read(purpose: str) -> Ring:
    rows = list(DataKey.objects.filter(purpose=purpose, destroyed_at=None).order_by("made_at", "pk"))
    if not rows:
        key = without_row(purpose)
        return Ring(key, {key_id(key): key}, time.monotonic())
    store = key_store()
    keys = {bytes.fromhex(row.key_id): store.unwrap(bytes(row.wrapped or b""), row.master) for row in rows}
    current = next(row for row in reversed(rows) if row.retired_at is None)
    return Ring(keys[bytes.fromhex(current.key_id)], keys, time.monotonic())
