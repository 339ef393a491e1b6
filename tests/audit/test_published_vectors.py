"""Hashes, codes, signatures, proofs and notes against the vectors that their standards and reference tests publish."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.anchors import _named, anchor_at
from audit.canonical import canonical_values, encode_json, mac_of, sha256_of, utc
from audit.checkpoints import BadNote, Statement, key_id, opened, private_key, public_keys, read_statement, sign
from audit.merkle import Frontier, leaf_hash, levels, node_hash, path, root_by, root_of
from tests.audit import byhand

# Certificate Transparency's reference tests: eight leaves, and the nodes above them that its audit paths name.
LEAVES = [
    leaf_hash(bytes.fromhex(one))
    for one in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
L0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
L1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
L4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N01 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N03 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
N47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
ROOT_5 = "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"
ROOT_8 = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
# RFC 8032, 7.1: secret key, public key, message, signature of tests 1 to 3
ED25519 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
# The example of golang.org/x/mod/sumdb/note, from which C2SP's signed note comes
NEUMANN = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
ADAGE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


class TestAuditPaths:
    def way(self, index, size) -> list[str]:
        return [one.hex() for one in path(levels(LEAVES[:size]), index)]

    def test_the_only_leaf_needs_none(self):
        assert self.way(0, 1) == []

    def test_the_first_of_eight(self):
        assert self.way(0, 8) == [L1, N23, N47]

    def test_the_sixth_of_eight(self):
        assert self.way(5, 8) == [L4, N67, N03]

    def test_the_third_of_three_climbs_at_once(self):
        assert self.way(2, 3) == [N01]

    def test_the_second_of_five(self):
        assert self.way(1, 5) == [L0, N23, L4]

    def test_lead_to_the_published_root_of_eight(self):
        found = root_by(LEAVES[5], 5, 8, [bytes.fromhex(one) for one in (L4, N67, N03)])
        assert found is not None
        assert found.hex() == ROOT_8

    def test_lead_to_the_published_root_of_five(self):
        found = root_by(LEAVES[1], 1, 5, [bytes.fromhex(one) for one in (L0, N23, L4)])
        assert found is not None
        assert found.hex() == ROOT_5

    def test_in_another_order_lead_elsewhere(self):
        found = root_by(LEAVES[5], 5, 8, [bytes.fromhex(one) for one in (N67, L4, N03)])
        assert found is None or found.hex() != ROOT_8

    def test_of_a_place_behind_the_end_lead_nowhere(self):
        assert root_by(LEAVES[0], 8, 8, [bytes.fromhex(one) for one in (L1, N23, N47)]) is None

    def test_of_a_place_before_the_beginning_lead_nowhere(self):
        assert root_by(LEAVES[0], -1, 8, [bytes.fromhex(one) for one in (L1, N23, N47)]) is None

    def test_that_are_too_short_lead_nowhere(self):
        assert root_by(LEAVES[0], 0, 8, [bytes.fromhex(one) for one in (L1, N23)]) is None

    def test_that_are_too_long_lead_nowhere(self):
        assert root_by(LEAVES[0], 0, 8, [bytes.fromhex(one) for one in (L1, N23, N47, L1)]) is None

    @given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.data())
    def test_are_those_of_the_recursive_definition(self, contents, data):
        """RFC 6962 defines trees from the top; the product builds them from below."""
        hashed = [byhand.leaf(content) for content in contents]
        index = data.draw(st.integers(0, len(hashed) - 1))
        assert path(levels(hashed), index) == byhand.path(hashed, index)
        assert root_of(hashed) == byhand.root(hashed)


class TestATreeThatGrows:
    def test_keeps_the_perfect_trees_of_the_reference(self):
        grown = Frontier()
        for one in LEAVES[:5]:
            grown.append(one)
        assert [one.hex() for one in grown.hashes] == [N03, L4]

    def test_is_one_perfect_tree_at_eight(self):
        grown = Frontier()
        for one in LEAVES:
            grown.append(one)
        assert [one.hex() for one in grown.hashes] == [ROOT_8]

    def test_joins_two_leaves_with_a_1_in_front(self):
        assert node_hash(LEAVES[0], LEAVES[1]).hex() == N01

    def test_hashes_an_empty_leaf_with_a_0_in_front(self):
        assert leaf_hash(b"").hex() == L0


class TestEd25519:
    @pytest.mark.parametrize("secret, public, message, signature", ED25519)
    def test_signs_as_rfc_8032_says(self, settings, secret, public, message, signature):
        settings.AUDIT_SIGNING_KEY = secret
        assert private_key().sign(bytes.fromhex(message)).hex() == signature
        assert public_keys()[0].hex() == public


class TestASignedNote:
    def test_names_its_key_as_the_published_example_does(self):
        assert key_id(NEUMANN[1:], "PeterNeumann").hex() == "c74f20a3"

    def test_of_the_published_example_is_opened(self, settings):
        settings.AUDIT_PUBLIC_KEYS = [NEUMANN[1:].hex()]
        assert opened(ADAGE) == (
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
        )

    def test_of_the_published_example_with_another_word_is_refused(self, settings):
        settings.AUDIT_PUBLIC_KEYS = [NEUMANN[1:].hex()]
        with pytest.raises(BadNote, match="no trusted key signed it"):
            opened(ADAGE.replace("answer", "question"))

    def test_without_the_key_is_refused(self):
        with pytest.raises(BadNote, match="no trusted key signed it"):
            opened(ADAGE)

    def test_of_ours_is_the_one_that_is_made_by_hand(self, settings):
        settings.AUDIT_SIGNING_KEY = byhand.SECRET
        text = byhand.statement(byhand.MAY, LEAVES)
        assert sign(text) == byhand.signed(text)

    def test_of_ours_ends_every_line(self, settings):
        settings.AUDIT_SIGNING_KEY = byhand.SECRET
        assert sign("a\nb\n").split("\n")[:4] == ["a", "b", "", sign("a\nb\n").split("\n")[3]]
        assert sign("a\nb\n").split("\n")[3].startswith("— scribeport/audit ")

    def test_made_by_hand_is_read(self, settings):
        settings.AUDIT_SIGNING_KEY = byhand.SECRET
        before = "scribeport/audit/lakeside/202604 3 " + "0" * 64
        text = byhand.statement(byhand.MAY, LEAVES, before, "heads 2 AAAA\nholds " + "f" * 64 + "\n")
        at = datetime(2026, 5, 2, 14, 3, 5, tzinfo=UTC)
        assert read_statement(opened(byhand.signed(text))) == Statement(
            origin="scribeport/audit/lakeside/202605",
            size=8,
            root=bytes.fromhex(ROOT_8),
            at=at,
            elapsed=at,
            previous=before,
            heads=2,
            heads_root=b"\0\0\0",
            holds="f" * 64,
        )


class TestHashes:
    def test_the_row_code_is_hmac_sha256(self, settings):
        """RFC 4231, test case 2."""
        settings.AUDIT_MAC_KEY = "Jefe"
        assert mac_of(b"what do ya want for nothing?") == (
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        )

    def test_the_plain_hash_is_sha256(self):
        """FIPS 180-4, the example "abc"."""
        assert sha256_of(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


class TestCanonicalBytes:
    def test_have_their_keys_in_order_without_spaces(self):
        assert canonical_values({"b": 1, "a": [True, None, "x"]}) == b'{"a":[true,null,"x"],"b":1}'

    def test_order_the_keys_of_what_is_nested_too(self):
        assert canonical_values({"detail": {"z": 1, "a": {"y": 1, "b": 2}}}) == b'{"detail":{"a":{"b":2,"y":1},"z":1}}'

    def test_are_utf_8_unescaped(self):
        assert canonical_values({"reason": "für – 医"}) == '{"reason":"für – 医"}'.encode()

    def test_escape_what_json_must_escape(self):
        assert canonical_values({"reason": 'a"b\\c\nd\x01'}) == b'{"reason":"a\\"b\\\\c\\nd\\u0001"}'

    def test_hold_no_number_that_json_does_not_have(self):
        with pytest.raises(ValueError, match="Out of range float"):
            encode_json(float("nan"))

    def test_name_a_moment_in_utc_with_six_decimals(self):
        assert utc(datetime(2026, 5, 1, 12, 0, tzinfo=UTC)) == "2026-05-01T12:00:00.000000Z"

    def test_name_the_same_moment_alike_in_every_zone(self):
        chicago = timezone(timedelta(hours=-5))
        assert utc(datetime(2026, 5, 1, 7, 0, 0, 5, tzinfo=chicago)) == "2026-05-01T12:00:00.000005Z"


class TestAnchorsByTheirAddress:
    def test_a_file_is_named_by_its_last_part_alone(self):
        """A receipt is seen by people who need not know the machine's folders."""
        assert anchor_at("file:///mnt/worm/audit.jsonl").name == "file:audit.jsonl"

    def test_syslog_has_its_registered_port(self):
        assert anchor_at("syslog://log.example").name == "syslog:log.example:514"

    def test_syslog_over_tcp_may_have_another(self):
        made = anchor_at("syslog+tcp://log.example:6514")
        assert (made.name, made.stream) == ("syslog:log.example:6514", True)

    def test_an_origin_is_practice_month_and_part(self):
        assert _named("scribeport/audit/lakeside/202605") == ("lakeside", "202605", 1)
        assert _named("scribeport/audit/lakeside/202605.3") == ("lakeside", "202605", 3)

    def test_an_origin_of_no_practice_has_a_dash(self):
        assert _named("scribeport/audit/-/202605") == ("", "202605", 1)

    def test_an_origin_of_a_practice_with_a_slash_keeps_it(self):
        assert _named("scribeport/audit/north/east/202605") == ("north/east", "202605", 1)

    def test_an_origin_with_a_strange_part_is_the_first(self):
        assert _named("scribeport/audit/lakeside/202605.x") == ("lakeside", "202605", 1)
