"""Verify an exported audit log offline, without the product: this file, Python 3.11, and `cryptography` for Ed25519.
    python verify_log.py audit.jsonl [--key HEX] [--anchor anchor.jsonl] [--json]
Says whether every event is the one that was sealed, and what that proves, or names the first that is not (exit status
0 or 1). `--key` is the sealer's public key, got by another way than this file; `--anchor` a file of checkpoints kept
outside the database. Hashes and proofs are RFC 6962's, checkpoints C2SP's; docs/audit.md describes the lines."""

import argparse
import contextlib
import hashlib
import json
import os
import sys
from base64 import b64decode
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Wrong(Exception):
    """What is wrong, and at which leaf."""


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def root_by(hashed: bytes, index: int, size: int, path: list[str]) -> bytes | None:
    """The root that a leaf and its audit path lead to (RFC 9162, 2.1.3.2), or None."""
    last, there = size - 1, 0 <= index < size  # beyond the tree, one leaf's path would fit other places too
    for beside in map(b64decode, path):
        if last <= 0:
            return None
        if index & 1 or index == last:
            hashed = sha256(b"\1", beside, hashed)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            hashed = sha256(b"\1", hashed, beside)
        index, last = index >> 1, last >> 1
    return hashed if there and last == 0 else None


class Log:  # one pass over the file; `keys` are the public keys that count, `anchors` sizes and roots by tree
    def __init__(self, keys: list[bytes]) -> None:
        self.keys, self.open, self.told = keys, False, -1
        self.anchors: dict[str, dict[int, bytes]] = {}
        self.events = self.trees = self.unproved = self.size = self.good = self.left = self.seen = self.later = 0
        self.origin = self.since = self.until = self.end = self.subject = self.part = ""
        self.frontier: list[bytes] = []  # roots of the perfect trees that `size` leaves make
        self.batch: list[bytes] = []  # leaf hashes since the last +leaves
        self.last: dict = {}  # the last checkpoint
        self.proof: dict | None = None
        self.entry: str | None = None  # the hash that the next +entry must have

    def note(self, note: str) -> dict:  # the lines of a signed note, by their first word; raises Wrong
        text, _, tail = note.rpartition("\n\n")
        name, raw = tail.split()[1], b64decode(tail.split()[2])
        for key in self.keys:
            if raw[:4] == sha256(name.encode(), b"\n\x01", key)[:4]:
                with contextlib.suppress(InvalidSignature):
                    Ed25519PublicKey.from_public_bytes(key).verify(raw[4:], (text + "\n").encode())
                    origin, size, root, *rest = text.split("\n")
                    said = dict(line.split(" ", 1) for line in rest)
                    return {**said, "origin": origin, "size": int(size), "root": b64decode(root)}
        raise Wrong("a checkpoint is not signed by a key that counts", self.size)

    def event(self, line: bytes) -> None:
        if self.entry:
            raise Wrong("the configuration entry of this event is not in the file", self.size - 1)
        if not self.open:
            self.unproved += 1
            return
        self.events += 1
        self.prove(line) if self.single else self.append(sha256(b"\0", line))
        if b'"event":"config.change"' in line:
            self.entry = json.loads(line)["detail"].get("entry_sha256")

    def append(self, hashed: bytes) -> None:
        self.batch.append(hashed)
        carry = self.size
        while carry & 1:
            hashed, carry = sha256(b"\1", self.frontier.pop(), hashed), carry >> 1
        self.frontier.append(hashed)
        self.size += 1
        if anchored := self.anchors.get(self.origin, {}).get(self.size):
            self.fits(anchored, "an anchored checkpoint")

    def prove(self, line: bytes) -> None:  # one event by itself: in its place, each place once, and this patient's
        proof, self.proof = self.proof, None
        if not proof or (seq := proof["seq"]) < self.seen:
            raise Wrong("an event stands without its proof, or twice", self.seen)
        if root_by(sha256(b"\0", line), seq, self.last["size"], proof["path"]) != self.last["root"]:
            raise Wrong("the event is not the one that was sealed", seq)
        if self.subject and json.loads(line)["subject_bidx"] != self.subject:
            raise Wrong("the event is another patient's", seq)
        self.seen, self.left = seq + 1, self.left - 1

    def fits(self, root: bytes, where: str) -> None:
        found = self.frontier[-1] if self.frontier else sha256()
        for left in reversed(self.frontier[:-1]):
            found = sha256(b"\1", left, found)
        if root != found:
            raise Wrong(f"between here and leaf {self.size - 1}, events are not those of {where}", self.good)
        self.good = self.size

    def begin(self, said: dict) -> None:  # +log: the first line and no other says what the file claims to prove
        self.subject, self.part = said.get("subject", ""), "" if said.get("subject") else said.get("part", "")
        self.single = bool(self.subject or self.part == "selection")  # each event has a proof of its own
        self.keys = self.keys or [bytes.fromhex(key) for key in said["keys"]]

    def on_proof(self, said: dict) -> None:
        self.proof = said

    def on_tree(self, origin: str) -> None:
        self.close()
        self.origin, self.open, self.trees, self.last = origin, True, self.trees + 1, {}
        self.frontier, self.batch, self.size, self.good, self.seen, self.left = [], [], 0, 0, 0, 0

    def on_from(self, said: dict) -> None:  # a part in time begins at a checkpoint: the roots of what was before it
        self.last, late = self.note(said["checkpoint"]), self.part != "time" or self.trees > 1 or self.size
        self.frontier, self.size = [b64decode(one) for one in said["frontier"]], self.last["size"]
        if late or len(self.frontier) != self.size.bit_count() or self.last["origin"] != self.origin:
            raise Wrong("the part does not begin at a checkpoint of its tree", self.size)
        self.fits(self.last["root"], "the checkpoint it begins at")
        self.since = self.last["time"]

    def on_purged(self, note: str) -> None:  # the end of a month that left under a certificate stands for it
        self.close()
        told = self.note(note)
        anchored = self.anchors.get(told["purged"], {}).get(told["size"], told["root"])
        if anchored != told["root"] or (not self.part and told.get("previous", self.end) != self.end):
            raise Wrong("the certificate is for other events than those anchored, or a month before is missing", 0)
        self.end = f"{told['purged']} {told['size']} {told['root'].hex()}"

    def on_entry(self, raw: bytes) -> None:
        if self.open and self.entry != hashlib.sha256(raw).hexdigest():
            raise Wrong("the configuration entry of this event was changed", self.size - 1)
        self.entry = None

    def on_leaves(self, said: list) -> None:  # the sealed hashes prove nothing; they tell which event does not fit
        raw, first = b64decode(said[1]), self.size - len(self.batch)
        told = [raw[at : at + 32] for at in range(0, len(raw), 32)]
        for place in range(max(len(told), len(self.batch))):
            if said[0] != first or told[place : place + 1] != self.batch[place : place + 1]:
                raise Wrong("the event was changed, moved, added or removed", first + place)
        self.batch = []

    def on_checkpoint(self, note: str) -> None:
        if (said := self.note(note))["origin"] != self.origin:
            raise Wrong("a checkpoint is another tree's", self.size)
        if not self.single:
            if said["size"] != self.size:
                raise Wrong(f"a checkpoint knows {said['size']} events, the file has {self.size}", self.size)
            self.fits(said["root"], "a signed checkpoint")
        self.until, self.last = said["time"], said

    def on_head(self, said: dict) -> None:  # the patient's number of events, by the signed head map, or the gap there
        size, root = int(self.last["heads"].split()[0]), b64decode(self.last["heads"].split()[1])
        for one in said.values():
            hashed = sha256(b"\0", f"{one['subject']} {one['count']}".encode())
            if root_by(hashed, one["index"], size, one["path"]) != root:
                raise Wrong("the number of the patient's events is not the one that was signed", 0)
        low, high = said.get("before", {"index": -1, "subject": ""}), said.get("after", {"index": size, "subject": "~"})
        proved = low["index"] + 1 == high["index"] and low["subject"] < self.subject < high["subject"]
        if "entry" in said:
            self.left, proved = said["entry"]["count"], said["entry"]["subject"] == self.subject
        if not proved:
            raise Wrong("how many events the patient has in this month is not proved", 0)
        self.last["counted"] = True

    def close(self, unsealed: int = 0) -> None:  # a tree ends: all said of it is there, and it follows the one before
        self.later += unsealed
        if not self.open:
            return
        self.open, said = False, self.last
        if self.entry or not said or (not self.single and said["size"] != self.size):
            raise Wrong("the tree ends without a checkpoint over all of it", self.good)
        if self.subject and (self.left or "counted" not in said):
            raise Wrong(f"{self.left} of the patient's events are missing", self.seen)
        if not self.part and (ahead := [size for size in self.anchors.get(self.origin, {}) if size > said["size"]]):
            raise Wrong(f"an anchored checkpoint knows {max(ahead)} events, the file {said['size']}", said["size"])
        if said.get("previous", "") != self.end and not (self.since and self.trees == 1):
            raise Wrong(f"the month before is not in the file: {said.get('previous', 'none')}", 0)
        self.end = f"{self.origin} {said['size']} {said['root'].hex()}"

    on_unsealed = close  # what follows is listed, not proved

    def on_end(self, said: dict) -> None:
        self.close()
        log = "" if self.part else self.origin[: self.origin.rfind("/") + 1]
        if newer := [one for one in self.anchors if log and one.startswith(log) and one > self.origin]:
            raise Wrong(f"an anchored month is not in the file: {newer[0]}", 0)
        self.told = said["events"]

    def read(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            if self.told != -1:
                raise Wrong("the file goes on behind its end", self.size)
            if not line.startswith(b'{"+'):
                self.event(line[:-1])
            elif line.startswith(b'{"+entry":'):
                self.on_entry(line[10:-2])
            else:
                ((name, said),) = json.loads(line).items()
                getattr(self, "on_" + name[1:])(said)
        if self.told != self.events + self.unproved or self.later != self.unproved:
            raise Wrong("the file is cut off, or does not hold as many events as it says", self.size)

    def read_anchors(self, lines: Iterable[str]) -> None:
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, IndexError, TypeError, AttributeError, Wrong):
                said = self.note(json.loads(line)["note"])
                self.anchors.setdefault(said["origin"], {})[said["size"]] = said["root"]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Verify an exported audit log offline.")
    parser.add_argument("file")
    parser.add_argument("--key", action="append", default=[], help="the sealer's public key, 64 hex digits")
    parser.add_argument("--anchor", default=os.devnull, help="a file of anchored checkpoints")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    log, wrong, leaf = Log([bytes.fromhex(key) for key in chosen.key]), None, None
    with open(chosen.file, "rb") as file, open(chosen.anchor, encoding="utf-8") as anchor:
        try:
            log.begin(json.loads(file.readline())["+log"])
            log.read_anchors(anchor)
            log.read(file)
        except (Wrong, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as found:
            wrong, leaf = found.args if isinstance(found, Wrong) else ("a line cannot be read", log.size)
    proves = {
        "": "none of the patient's events is missing" if log.subject else "no event is missing",
        "time": f"none recorded from {log.since or 'its first month on'} until an hour before {log.until} is missing",
        "selection": "each of these events is in the log; whether others belong to the selection is not proved",
    }.get(log.part, "nothing")
    told = {"whole": not wrong, "events": log.events, "trees": log.trees, "unsealed": log.unproved, "until": log.until}
    told |= {"tree": log.origin, "leaf": leaf, "wrong": wrong, "proves": "nothing" if wrong else proves}
    if chosen.json:
        print(json.dumps(told))
    elif wrong:
        print(f"NOT WHOLE: {log.origin}, leaf {leaf}: {wrong}")
    else:
        print(f"whole: {log.events} events in {log.trees} trees until {log.until}; {log.unproved} not sealed yet")
        print(f"{proves}; signed by {' '.join(map(bytes.hex, log.keys))}{'' if chosen.key else ', as the file says'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
