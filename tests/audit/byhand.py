"""An audit log written by hand, after docs/audit.md and the standards alone: nothing of the product makes it.

Trees are hashed recursively as RFC 6962, 2.1 words it; checkpoints are signed with the key of RFC 8032, 7.1, test 1.
"""

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
NAME = "scribeport/audit"
APRIL, MAY, JUNE = (f"{NAME}/lakeside/2026{month}" for month in ("04", "05", "06"))


def leaf(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    at = split(len(leaves))
    return hashlib.sha256(b"\x01" + root(leaves[:at]) + root(leaves[at:])).digest()


def path(leaves: list[bytes], index: int) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1, over leaf hashes."""
    if len(leaves) == 1:
        return []
    at = split(len(leaves))
    if index < at:
        return [*path(leaves[:at], index), root(leaves[at:])]
    return [*path(leaves[at:], index - at), root(leaves[:at])]


def signed(text: str, secret: str = SECRET, name: str = NAME) -> str:
    """A C2SP signed note over these lines."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    public = key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    return f"{text}\n— {name} {base64.b64encode(key_id + key.sign(text.encode())).decode()}\n"


def statement(origin: str, leaves: list[bytes], previous: str = "", extra: str = "") -> str:
    """The lines of a checkpoint."""
    size, said = len(leaves), base64.b64encode(root(leaves)).decode()
    time = "2026-05-02T14:03:05.000000Z"
    lines = f"{origin}\n{size}\n{said}\ntime {time}\nelapsed {time}\n"
    return lines + (f"previous {previous}\n" if previous else "") + extra


def line(name: str, value: Any) -> bytes:
    return json.dumps({f"+{name}": value}, separators=(",", ":"), ensure_ascii=False).encode()


def event(number: int, subject: str = "", **more: Any) -> bytes:
    """An event's line; the verifier reads three of its keys and hashes the rest unread."""
    made = {"detail": {}, "event": "note.view", "id": f"{number:04}", "subject_bidx": subject, **more}
    return json.dumps(made, separators=(",", ":"), sort_keys=True).encode()


def opening(subject: str = "", keys: tuple[str, ...] = (PUBLIC,), part: str = "") -> bytes:
    said = {"version": 1, "practice": "lakeside", "made": "2026-05-02T14:04:00.000000Z", "keys": list(keys)}
    return line("log", {**said, **({"subject": subject} if subject else {}), **({"part": part} if part else {})})


def told(first: int, events: list[bytes]) -> bytes:
    """The +leaves line over these events."""
    return line("leaves", [first, base64.b64encode(b"".join(map(leaf, events))).decode()])


def end_of(origin: str, events: list[bytes]) -> str:
    """What the month after says of this one."""
    return f"{origin} {len(events)} {root(list(map(leaf, events))).hex()}"


def month(origin: str, events: list[bytes], previous: str = "") -> list[bytes]:
    """A whole month: its events, their leaves, its checkpoint."""
    note = signed(statement(origin, list(map(leaf, events)), previous))
    return [line("tree", origin), *events, told(0, events), line("checkpoint", note)]


def perfect(leaves: list[bytes]) -> list[bytes]:
    """The roots of the perfect trees that these leaves make, the largest first: what a part in time begins with."""
    roots, at = [], 0
    for size in (1 << bit for bit in reversed(range(len(leaves).bit_length())) if len(leaves) >> bit & 1):
        roots.append(root(leaves[at : at + size]))
        at += size
    return roots


def begins_at(origin: str, before: list[bytes], previous: str = "") -> bytes:
    """The +from line of a part that begins behind these events."""
    leaves = list(map(leaf, before))
    frontier = [base64.b64encode(one).decode() for one in perfect(leaves)]
    return line("from", {"checkpoint": signed(statement(origin, leaves, previous)), "frontier": frontier})


def closing(events: int, unsealed: list[bytes] | None = None) -> list[bytes]:
    listed = unsealed or []
    return [line("unsealed", len(listed)), *listed, line("end", {"events": events + len(listed)})]


def head_leaf(subject: str, count: int) -> bytes:
    return leaf(f"{subject} {count}".encode())


def patient_month(origin: str, all_events: list[bytes], subject: str, heads: dict[str, int]) -> list[bytes]:
    """A month of a patient's export: checkpoint with head map, the patient's entry, the events with their proofs."""
    leaves = list(map(leaf, all_events))
    entries = sorted(heads.items())
    hashed = [head_leaf(*entry) for entry in entries]
    extra = f"heads {len(entries)} {base64.b64encode(root(hashed)).decode()}\n"
    lines = [line("tree", origin), line("checkpoint", signed(statement(origin, leaves, extra=extra)))]
    lines.append(line("head", {"entry": head_entry(entries, hashed, subject)}))
    for seq, content in enumerate(all_events):
        if json.loads(content)["subject_bidx"] == subject:
            lines += [proof(leaves, seq), content]
    return lines


def head_entry(entries: list[tuple[str, int]], hashed: list[bytes], subject: str) -> dict[str, Any]:
    index = [name for name, _ in entries].index(subject)
    way = [base64.b64encode(one).decode() for one in path(hashed, index)]
    return {"subject": subject, "count": entries[index][1], "index": index, "path": way}


def proof(leaves: list[bytes], seq: int) -> bytes:
    return line("proof", {"seq": seq, "path": [base64.b64encode(one).decode() for one in path(leaves, seq)]})
