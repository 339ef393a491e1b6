"""Encrypt what is PHI or secret, and index it blindly. AES-256-GCM, bound to its table, column and row.

Sealed form: ``b"1" + key id (8) + nonce (12) + ciphertext + tag (16)``. The associated data is
``table|column|row``, so that a value copied to another row or column cannot be opened (NIST SP 800-38D;
reliability rule: AAD). The keys are portal/keyring.py's, one ring per purpose.
"""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag

from portal.keyring import KEY_ID, key_id, ring

FORM = b"1"
NONCE = 12


class CannotOpen(Exception):
    """A sealed value does not open here: wrong key, wrong row, or altered. Carries no content."""


def derived(purpose: str) -> bytes:
    """The present 32-byte key for one purpose ("index", "api-key")."""
    return ring(purpose).current


def seal(plain: bytes, *, table: str, column: str, row: object) -> bytes:
    """Encrypt one value for exactly this place."""
    keys = ring("seal")
    nonce = os.urandom(NONCE)
    sealed = keys.cipher(key_id(keys.current)).encrypt(nonce, plain, f"{table}|{column}|{row}".encode())
    return FORM + key_id(keys.current) + nonce + sealed


def unseal(sealed: bytes | memoryview, *, table: str, column: str, row: object) -> bytes:
    """Decrypt one value; raises CannotOpen where it was sealed for another place or by another key."""
    value = bytes(sealed)
    start = len(FORM) + KEY_ID
    name = value[len(FORM) : start]
    keys = ring("seal")
    if name not in keys.keys and name not in keys.unknown:
        keys = ring("seal", fresh=True)  # another process may have begun a new key
        keys.unknown.add(name)
    if value[: len(FORM)] != FORM or name not in keys.keys:
        raise CannotOpen(f"{table}.{column} was sealed with another key; is the right key file in place?")
    try:
        place = f"{table}|{column}|{row}".encode()
        return keys.cipher(name).decrypt(value[start : start + NONCE], value[start + NONCE :], place)
    except (InvalidTag, ValueError):  # the latter: cut off within its nonce
        raise CannotOpen(f"{table}.{column} does not belong to this row, or was altered") from None


def blind_index(purpose: str, value: str) -> str:
    """32 hex digits that are equal for equal identifiers, for searching what is encrypted.

    Leaks equality: for identifiers (patient, encounter) only, never names, dates or diagnoses.
    """
    normal = value.strip().casefold().encode()
    return hmac.new(derived("index"), purpose.encode() + b"\0" + normal, hashlib.sha256).hexdigest()[:32]
