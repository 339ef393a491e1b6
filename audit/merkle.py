"""Merkle trees as RFC 6962 (section 2.1) defines them: hashes, a root that grows, proofs of inclusion."""

import hashlib
from collections.abc import Iterable, Sequence

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(content: bytes) -> bytes:
    """SHA-256 of 0x00 and the content."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and the two hashes below."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the perfect trees that make up the first `size` leaves, largest first: all that appending needs."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect trees, not {len(self.hashes)}")

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash; equal trees at the end are joined, as carrying does in binary counting."""
        carry, joined = self.size, leaf
        while carry & 1:
            joined = node_hash(self.hashes.pop(), joined)
            carry >>= 1
        self.hashes.append(joined)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self.hashes:
            return EMPTY
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Every hash of the tree, leaves first; the last one of an odd level moves up as it is."""
    found = [list(leaves)]
    while len(found[-1]) > 1:
        below = found[-1]
        above = [node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
        found.append(above + below[-1:] if len(below) % 2 else above)
    return found


def root_of(leaves: Sequence[bytes]) -> bytes:
    return levels(leaves)[-1][0] if leaves else EMPTY


def path(tree: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """The audit path of a leaf (RFC 6962, 2.1.1) in a tree given by its levels, from the leaf upwards."""
    found = []
    for level in tree[:-1]:
        beside = index ^ 1
        if beside < len(level):
            found.append(level[beside])
        index >>= 1
    return found


def root_by(leaf: bytes, index: int, size: int, way: Sequence[bytes]) -> bytes | None:
    """The root that a leaf and its audit path lead to (RFC 9162, 2.1.3.2); None where the path does not fit."""
    if not 0 <= index < size:
        return None
    at, last, joined = index, size - 1, leaf
    for beside in way:
        if last == 0:
            return None
        if at & 1 or at == last:
            joined = node_hash(beside, joined)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            joined = node_hash(joined, beside)
        at, last = at >> 1, last >> 1
    return joined if last == 0 else None
