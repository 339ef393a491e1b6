"""What is sealed, wrapped, derived and indexed, against the standards: each is opened or made anew here by hand."""

import base64
import hashlib
import hmac
import itertools

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal import crypto, keyring, keys
from portal.keyring import KeysUnavailable, MasterKeys, Ring, key_id, without_row
from portal.models import Environment
from portal.rotation import sealed_columns

pytestmark = pytest.mark.django_db  # the keys are asked of their table

MASTER = "0f" * 32
ZERO, ONE = bytes(32), b"\x01" * 32
PLACE = {"table": "noteversion", "column": "body", "row": 7}
# Everything the product keeps sealed: patients' notes and charts, messages, answers, credentials.
COLUMNS = {
    ("noteversion", "body"),
    ("wire", "bytes"),
    ("wire", "plan"),
    ("attempt", "answer"),
    ("reading", "sections"),
    ("connection", "secrets"),
    ("grant", "tokens"),
    ("event", "visit"),
    ("eventsource", "secrets"),
    ("scribeendpoint", "secrets"),
    ("webhookmessage", "body"),
    ("alertrecipient", "secrets"),
    ("partneritem", "file"),
    ("secondfactor", "seed"),
    ("exportpiece", "body"),
    ("ehirequest", "words"),
    ("certificationartefact", "content"),
    ("feedback", "text"),
}


def hkdf(material: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 without a salt, as RFC 5869 words it."""
    pseudo_random = hmac.digest(bytes(32), material, "sha256")
    made, block = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(pseudo_random, block + info + bytes([number]), "sha256")
        made += block
    return made[:length]


@pytest.fixture
def master(settings):
    """A master key that is known here."""
    settings.MASTER_KEY, settings.OLD_MASTER_KEYS = MASTER, []
    keyring.forget()
    yield bytes.fromhex(MASTER)
    keyring.forget()


@pytest.fixture
def ring_of(monkeypatch):
    """Put these keys on the ring, the last one the present one."""

    def put(*held: bytes, purpose="seal") -> None:
        made = Ring(held[-1], {key_id(key): key for key in held}, keyring.time.monotonic())
        monkeypatch.setitem(keyring._rings, purpose, made)

    return put


class TestKeys:
    def test_the_derivation_here_is_that_of_rfc_5869(self):
        """Appendix A.3: SHA-256, neither salt nor info."""
        assert hkdf(b"\x0b" * 22, b"", 42).hex() == (
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        )

    def test_each_purpose_is_derived_from_the_master_key_by_its_name(self, master):
        assert without_row("seal") == hkdf(master, b"scribeport/seal", 32)
        assert without_row("index") == hkdf(master, b"scribeport/index", 32)
        assert without_row("api-key") == hkdf(master, b"scribeport/api-key", 32)

    def test_a_key_is_named_by_the_beginning_of_its_hash(self):
        assert key_id(b"abc").hex() == "ba7816bf8f01cfea"  # SHA-256 of "abc", FIPS 180-4

    def test_data_keys_are_wrapped_as_rfc_3394_says(self, settings):
        """4.6: a 256-bit key wrapped by a 256-bit key."""
        settings.MASTER_KEY, settings.OLD_MASTER_KEYS = MASTER, []
        store = MasterKeys()
        store.keys = {store.current(): bytes(range(32))}
        data = bytes.fromhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")
        wrapped = store.wrap(data)
        assert wrapped.hex() == ("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21")
        assert store.unwrap(wrapped, store.current()) == data

    def test_the_wrapping_key_is_none_of_the_data_keys(self, settings):
        settings.MASTER_KEY, settings.OLD_MASTER_KEYS = MASTER, []
        store = MasterKeys()
        wrapping = store.keys[store.current()]
        assert wrapping == hkdf(bytes.fromhex(MASTER), b"scribeport/kek", 32)
        assert wrapping not in [without_row(purpose) for purpose in keyring.PURPOSES]

    def test_the_id_of_a_master_key_tells_nothing_of_it(self, settings):
        settings.MASTER_KEY, settings.OLD_MASTER_KEYS = MASTER, []
        expected = hashlib.sha256(b"scribeport/master" + bytes.fromhex(MASTER)).hexdigest()[:16]
        assert MasterKeys().current() == expected

    def test_a_replaced_master_key_still_unwraps_and_no_longer_wraps(self, settings):
        settings.MASTER_KEY, settings.OLD_MASTER_KEYS = MASTER, []
        old = MasterKeys()
        name, wrapped = old.current(), old.wrap(ONE)
        settings.MASTER_KEY, settings.OLD_MASTER_KEYS = "aa" * 32, [MASTER]
        both = MasterKeys()
        assert both.unwrap(wrapped, name) == ONE
        assert both.current() != name

    def test_a_master_key_that_is_gone_unwraps_nothing(self, settings):
        settings.MASTER_KEY, settings.OLD_MASTER_KEYS = MASTER, []
        old = MasterKeys()
        name, wrapped = old.current(), old.wrap(ONE)
        settings.MASTER_KEY = "aa" * 32
        with pytest.raises(KeysUnavailable) as caught:
            MasterKeys().unwrap(wrapped, name)
        assert str(caught.value) == (f"a data key is wrapped by the master key {name}, which is not given here")

    def test_before_there_was_a_table_the_oldest_master_key_derives(self, settings):
        settings.MASTER_KEY, settings.OLD_MASTER_KEYS = "aa" * 32, ["bb" * 32, MASTER]
        assert without_row("seal") == hkdf(bytes.fromhex(MASTER), b"scribeport/seal", 32)


class TestASealedValue:
    def test_is_form_key_nonce_and_aes_gcm(self, ring_of):
        ring_of(ONE)
        sealed = crypto.seal(b"Lena Okafor", **PLACE)
        assert sealed[:1] == b"1"
        assert sealed[1:9] == hashlib.sha256(ONE).digest()[:8]
        assert AESGCM(ONE).decrypt(sealed[9:21], sealed[21:], b"noteversion|body|7") == b"Lena Okafor"

    def test_made_by_hand_is_opened(self, ring_of):
        ring_of(ONE)
        nonce = bytes(range(12))
        sealed = b"1" + key_id(ONE) + nonce + AESGCM(ONE).encrypt(nonce, b"by hand", b"noteversion|body|7")
        assert crypto.unseal(sealed, **PLACE) == b"by hand"

    def test_opens_with_none_but_its_own_associated_data(self, ring_of):
        ring_of(ONE)
        sealed = crypto.seal(b"x", **PLACE)
        for other in (b"", b"noteversion|body|8", b"noteversion|body", b"wire|body|7", b"noteversionbody7"):
            with pytest.raises(InvalidTag):
                AESGCM(ONE).decrypt(sealed[9:21], sealed[21:], other)

    def test_of_an_older_key_opens_and_new_ones_are_under_the_present_key(self, ring_of):
        ring_of(ZERO)
        before = crypto.seal(b"before", **PLACE)
        ring_of(ZERO, ONE)
        after = crypto.seal(b"after", **PLACE)
        assert (before[1:9], after[1:9]) == (key_id(ZERO), key_id(ONE))
        assert crypto.unseal(before, **PLACE) == b"before"
        assert crypto.unseal(after, **PLACE) == b"after"

    def test_of_a_key_that_was_destroyed_is_told_apart_from_an_altered_one(self, ring_of):
        ring_of(ZERO)
        sealed = crypto.seal(b"x", **PLACE)
        ring_of(ONE)
        with pytest.raises(crypto.CannotOpen) as caught:
            crypto.unseal(sealed, **PLACE)
        assert str(caught.value) == "noteversion.body was sealed with another key; is the right key file in place?"

    def test_of_another_row_is_told_in_words_without_content(self, ring_of):
        ring_of(ONE)
        sealed = crypto.seal(b"Lena Okafor", **PLACE)
        with pytest.raises(crypto.CannotOpen) as caught:
            crypto.unseal(sealed, **{**PLACE, "row": 8})
        assert str(caught.value) == "noteversion.body does not belong to this row, or was altered"
        assert caught.value.__suppress_context__ is True

    def test_never_has_a_nonce_twice(self, ring_of):
        ring_of(ONE)
        nonces = {crypto.seal(b"same", **PLACE)[9:21] for _ in range(500)}
        assert len(nonces) == 500

    def test_under_a_changed_key_name_does_not_open(self, ring_of):
        ring_of(ZERO, ONE)
        sealed = crypto.seal(b"x", **PLACE)
        with pytest.raises(crypto.CannotOpen, match="does not belong to this row, or was altered"):
            crypto.unseal(sealed[:1] + key_id(ZERO) + sealed[9:], **PLACE)


class TestEveryColumn:
    def test_that_is_sealed_is_one_of_these(self):
        assert {(column.table, column.column) for column in sealed_columns()} == COLUMNS

    @pytest.mark.parametrize("one, other", list(itertools.permutations(sorted(COLUMNS), 2)))
    def test_opens_in_no_other_column(self, ring_of, one, other):
        """A value of one column copied into another of a row with the same number."""
        ring_of(ONE)
        sealed = crypto.seal(b"x", table=one[0], column=one[1], row=1)
        with pytest.raises(crypto.CannotOpen):
            crypto.unseal(sealed, table=other[0], column=other[1], row=1)

    @pytest.mark.parametrize("table, column", sorted(COLUMNS))
    def test_opens_in_no_other_row(self, ring_of, table, column):
        ring_of(ONE)
        sealed = crypto.seal(b"x", table=table, column=column, row=1)
        assert crypto.unseal(sealed, table=table, column=column, row=1) == b"x"
        for row in (2, 11, "1:1", "", None):
            with pytest.raises(crypto.CannotOpen):
                crypto.unseal(sealed, table=table, column=column, row=row)


class TestABlindIndex:
    def test_is_a_keyed_hash_of_purpose_and_identifier(self, ring_of):
        ring_of(ONE, purpose="index")
        expected = hmac.digest(ONE, b"patient\0p1001", "sha256").hex()[:32]
        assert crypto.blind_index("patient", "P1001") == expected

    def test_is_no_plain_hash(self, ring_of):
        ring_of(ONE, purpose="index")
        made = crypto.blind_index("patient", "p1001")
        assert made not in (
            hashlib.sha256(b"p1001").hexdigest()[:32],
            hashlib.sha256(b"patient\0p1001").hexdigest()[:32],
            hashlib.md5(b"p1001").hexdigest(),
        )

    def test_folds_letters_as_unicode_does(self, ring_of):
        ring_of(ONE, purpose="index")
        assert crypto.blind_index("patient", "  STRASSE-7 ") == crypto.blind_index("patient", "straße-7")

    def test_does_not_run_purpose_and_identifier_together(self, ring_of):
        ring_of(ONE, purpose="index")
        assert crypto.blind_index("patient", "x") != crypto.blind_index("patien", "tx")

    def test_does_not_use_the_key_that_seals(self, ring_of):
        ring_of(ONE, purpose="index")
        ring_of(ZERO)
        before = crypto.blind_index("patient", "P1")
        ring_of(ONE)
        assert crypto.blind_index("patient", "P1") == before


class TestAScribesKey:
    def test_is_kept_as_a_keyed_hash_of_all_of_it(self, cast, ring_of):
        ring_of(ONE, purpose="api-key")
        key, bearer = keys.create(cast.scribe, Environment.SANDBOX)
        assert key.mac == hmac.digest(ONE, bearer.encode(), "sha256").hex()

    def test_has_256_random_bits_behind_a_prefix_of_twelve(self, cast):
        key, bearer = keys.create(cast.scribe, Environment.SANDBOX)
        prefix, _, secret = bearer.partition("_")
        assert (prefix, len(prefix), prefix[:2]) == (key.prefix, 12, "sp")
        assert len(base64.urlsafe_b64decode(secret + "=")) == 32

    def test_under_another_key_of_the_ring_opens_nothing(self, cast, ring_of):
        ring_of(ONE, purpose="api-key")
        _, bearer = keys.create(cast.scribe, Environment.SANDBOX)
        assert keys.authenticate(bearer) is not None
        ring_of(ZERO, purpose="api-key")
        assert keys.authenticate(bearer) is None

    def test_of_anothers_prefix_and_ones_own_secret_opens_nothing(self, cast):
        one, first = keys.create(cast.scribe, Environment.SANDBOX)
        other, second = keys.create(cast.scribe, Environment.SANDBOX)
        assert keys.authenticate(f"{other.prefix}_{first.partition('_')[2]}") is None
        assert keys.authenticate(f"{one.prefix}_{second.partition('_')[2]}") is None
