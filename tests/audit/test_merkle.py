"""The tree is RFC 6962's: the published test vectors, and every proof for every leaf of every small tree."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import EMPTY, Frontier, leaf_hash, levels, node_hash, path, root_by, root_of

# The leaves and roots of the Certificate Transparency reference tests (RFC 6962 implementations share them).
LEAVES = [bytes.fromhex(one) for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
trees = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def test_the_empty_tree_has_the_hash_of_nothing():
    assert Frontier().root() == root_of([]) == EMPTY == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size, root", list(enumerate(ROOTS, start=1)))
def test_the_published_roots_come_out(size, root):
    hashed = [leaf_hash(content) for content in LEAVES[:size]]
    grown = Frontier()
    for one in hashed:
        grown.append(one)
    assert grown.root().hex() == root_of(hashed).hex() == root


@given(trees)
def test_growing_leaf_by_leaf_gives_what_hashing_all_at_once_gives(hashed):
    grown = Frontier()
    for size, one in enumerate(hashed, start=1):
        grown.append(one)
        assert grown.root() == root_of(hashed[:size])


@given(trees, st.data())
def test_a_frontier_that_was_put_away_goes_on_where_it_was(hashed, data):
    cut = data.draw(st.integers(0, len(hashed)))
    first = Frontier()
    for one in hashed[:cut]:
        first.append(one)
    second = Frontier(first.size, first.hashes)
    for one in hashed[cut:]:
        second.append(one)
    assert second.root() == root_of(hashed)


def test_a_frontier_that_does_not_fit_its_size_is_refused():
    with pytest.raises(ValueError, match="a tree of 3 leaves has 2"):
        Frontier(3, [EMPTY])


@given(trees)
def test_every_leaf_can_be_proved_and_nothing_else(hashed):
    tree, root = levels(hashed), root_of(hashed)
    for index, one in enumerate(hashed):
        way = path(tree, index)
        assert root_by(one, index, len(hashed), way) == root
        assert root_by(leaf_hash(b"forged"), index, len(hashed), way) != root


@given(trees, st.data())
def test_a_proof_is_good_for_its_own_place_only(hashed, data):
    index, other = (data.draw(st.integers(0, len(hashed) - 1)) for _ in range(2))
    way = path(levels(hashed), index)
    if hashed[index] != hashed[other]:
        assert root_by(hashed[index], other, len(hashed), way) != root_of(hashed)


@pytest.mark.parametrize("index, size, extra", [(-1, 3, 0), (3, 3, 0), (0, 3, 1), (0, 3, -1), (0, 0, 0)])
def test_a_proof_of_the_wrong_length_or_place_leads_nowhere(index, size, extra):
    hashed = [leaf_hash(bytes([one])) for one in range(3)]
    way = path(levels(hashed), 0)
    way = way[:extra] if extra < 0 else way + [EMPTY] * extra
    assert root_by(hashed[0], index, size, way) is None


def test_a_node_cannot_pass_for_a_leaf():
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)
