"""Signed checkpoints: what the sealer states of one tree, as a C2SP signed note that anybody can check.

    scribeport/audit/lakeside/202605        whose tree, and of which month
    1041                                    its number of leaves
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   its root (RFC 6962), base64
    time 2026-05-02T14:03:05.000000Z        when the sealer made it
    elapsed 2026-05-02T14:03:05.000000Z     the time that retention believes in (audit/retention.py)
    previous scribeport/audit/lakeside/202604 88213 …      the end of the tree before, where there is one
    heads 412 …                             number of patients and root of the head map, where it was made
    holds …                                 SHA-256 of the legal holds in force

    — scribeport/audit wXyz…                4 bytes of key id and 64 of Ed25519 (RFC 8032), base64

The private key is the sealer's alone; the web process needs the public ones only.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from audit.canonical import utc

ALGORITHM = b"\x01"  # Ed25519 in the C2SP registry of signed-note key types


class NoSigningKey(Exception):
    """This process has no key to sign checkpoints with; only the sealer should."""


class BadNote(Exception):
    """Not a checkpoint signed by a key that is trusted here."""


@dataclass(frozen=True)
class Statement:
    """What a checkpoint says. `root` and `heads_root` are 32 bytes; `heads` is None where no head map was made."""

    origin: str
    size: int
    root: bytes
    at: datetime
    elapsed: datetime
    previous: str = ""
    heads: int | None = None
    heads_root: bytes = b""
    holds: str = ""

    def text(self) -> str:
        """The lines that are signed."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode()]
        lines += [f"time {utc(self.at)}", f"elapsed {utc(self.elapsed)}"]
        if self.previous:
            lines.append(f"previous {self.previous}")
        if self.heads is not None:
            lines.append(f"heads {self.heads} {base64.b64encode(self.heads_root).decode()}")
        if self.holds:
            lines.append(f"holds {self.holds}")
        return "\n".join(lines) + "\n"


def read_statement(text: str) -> Statement:
    """The statement that text() wrote; raises BadNote."""
    try:
        origin, size, root, *rest = text.splitlines()
        said = dict(line.split(" ", 1) for line in rest)
        count, _, heads_root = said.get("heads", "").partition(" ")
        return Statement(
            origin=origin,
            size=int(size),
            root=base64.b64decode(root, validate=True),
            at=datetime.fromisoformat(said["time"]),
            elapsed=datetime.fromisoformat(said["elapsed"]),
            previous=said.get("previous", ""),
            heads=int(count) if count else None,
            heads_root=base64.b64decode(heads_root, validate=True),
            holds=said.get("holds", ""),
        )
    except (ValueError, KeyError) as wrong:
        raise BadNote("a checkpoint's lines cannot be read") from wrong


@cache
def _private(seed: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))


def private_key() -> Ed25519PrivateKey:
    if not settings.AUDIT_SIGNING_KEY:
        raise NoSigningKey("SCRIBEPORT_AUDIT_SIGNING_KEY is not given to this process")
    return _private(settings.AUDIT_SIGNING_KEY)


def public_keys() -> list[bytes]:
    """The keys whose signatures count, 32 bytes each: the sealer's present one first, then those it replaced."""
    keys = [bytes.fromhex(key) for key in settings.AUDIT_PUBLIC_KEYS]
    if settings.AUDIT_SIGNING_KEY:
        own = private_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        keys = [own, *(key for key in keys if key != own)]
    return keys


def key_id(public: bytes, name: str) -> bytes:
    """C2SP signed-note: the first four bytes of SHA-256(name, newline, algorithm, key)."""
    return hashlib.sha256(name.encode() + b"\n" + ALGORITHM + public).digest()[:4]


def sign(text: str) -> str:
    """The signed note over these lines."""
    key = private_key()
    name = settings.AUDIT_ORIGIN
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = base64.b64encode(key_id(public, name) + key.sign(text.encode())).decode()
    return f"{text}\n— {name} {signature}\n"


def opened(note: str) -> str:
    """The signed lines of a note; raises BadNote unless a trusted key signed exactly these."""
    text, gap, signature = note.rpartition("\n\n")
    words = signature.split()
    if not gap or len(words) != 3 or words[0] != "—":
        raise BadNote("this is no signed note")
    try:
        raw = base64.b64decode(words[2], validate=True)
    except ValueError as wrong:
        raise BadNote("its signature is not base64") from wrong
    text += "\n"
    for public in public_keys():
        if raw[:4] == key_id(public, words[1]):
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
            except InvalidSignature:
                continue
            return text
    raise BadNote("no trusted key signed it")
