"""The ring of data keys as time passes: when the table is looked at again, what counts as present, what is forgotten."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal import crypto, keyring, rotation
from portal.data_keys import DataKey
from portal.keyring import KeysUnavailable, MasterKeys, key_id, key_store, ring

pytestmark = pytest.mark.django_db

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PLACE = {"table": "wire", "column": "bytes", "row": 1}


class Clock:
    """Stands in for the time module of the keyring."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Away(MasterKeys):
    """A key service that can go away."""

    here = True

    def unwrap(self, wrapped, master):
        if not Away.here:
            raise KeysUnavailable("the key service does not answer")
        return super().unwrap(wrapped, master)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(keyring, "time", made)
    keyring.forget()
    yield made
    keyring.forget()


def row(key: bytes, days: int, purpose="seal", **columns) -> DataKey:
    """A data key that was made so many days after the beginning."""
    store = key_store()
    return DataKey.objects.create(
        purpose=purpose,
        key_id=key_id(key).hex(),
        wrapped=store.wrap(key),
        master=store.current(),
        made_at=BEGIN + timedelta(days=days),
        **columns,
    )


def sealed_by(key: bytes) -> bytes:
    """Nonce and ciphertext as another process would have written them."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, b"from another process", b"wire|bytes|1")


@pytest.fixture
def one() -> bytes:
    return os.urandom(32)


@pytest.fixture
def two() -> bytes:
    return os.urandom(32)


class TestTheTable:
    def test_without_a_row_gives_the_derived_key(self):
        assert ring("seal").current == keyring.without_row("seal")

    def test_with_a_row_gives_that_key_alone(self, one):
        row(one, 0)
        found = ring("seal")
        assert (found.current, list(found.keys)) == (one, [key_id(one)])

    def test_gives_the_newest_key_that_is_not_retired(self, one, two):
        row(one, 0, retired_at=BEGIN + timedelta(days=1))
        row(two, 1)
        assert ring("seal").current == two

    def test_gives_retired_keys_to_open_with(self, one, two):
        row(one, 0, retired_at=BEGIN + timedelta(days=1))
        row(two, 1)
        assert set(ring("seal").keys) == {key_id(one), key_id(two)}

    def test_gives_no_destroyed_key(self, one, two):
        row(one, 0, retired_at=BEGIN, destroyed_at=BEGIN)
        row(two, 1)
        assert list(ring("seal").keys) == [key_id(two)]

    def test_of_one_purpose_says_nothing_of_another(self, one):
        row(one, 0, purpose="index")
        assert ring("index").current == one
        assert ring("seal").current == keyring.without_row("seal")


class TestTime:
    def test_within_a_minute_the_table_is_not_asked_again(self, clock, one, django_assert_num_queries):
        row(one, 0)
        ring("seal")
        clock.now += 59.9
        with django_assert_num_queries(0):
            assert ring("seal").current == one

    def test_after_a_minute_another_process_rotation_is_noticed(self, clock, one, two):
        first = row(one, 0)
        ring("seal")
        DataKey.objects.filter(pk=first.pk).update(retired_at=BEGIN + timedelta(days=1))
        row(two, 1)
        clock.now += 59.9
        assert ring("seal").current == one
        clock.now += 0.1
        assert ring("seal").current == two

    def test_a_value_of_a_key_not_heard_of_is_looked_up_at_once(self, one, two):
        first = row(one, 0)
        ring("seal")
        DataKey.objects.filter(pk=first.pk).update(retired_at=BEGIN + timedelta(days=1))
        row(two, 1)
        elsewhere = crypto.FORM + key_id(two) + sealed_by(two)
        assert crypto.unseal(elsewhere, **PLACE) == b"from another process"

    def test_a_key_that_is_none_is_looked_up_once(self, one, django_assert_num_queries):
        row(one, 0)
        ring("seal")
        stray = crypto.FORM + b"strange!" + bytes(40)
        with django_assert_num_queries(1), pytest.raises(crypto.CannotOpen):
            crypto.unseal(stray, **PLACE)
        with django_assert_num_queries(0), pytest.raises(crypto.CannotOpen):
            crypto.unseal(stray, **PLACE)

    def test_forgetting_asks_the_table_anew(self, one, two):
        first = row(one, 0)
        ring("seal")
        DataKey.objects.filter(pk=first.pk).update(retired_at=BEGIN + timedelta(days=1))
        row(two, 1)
        keyring.forget()
        assert ring("seal").current == two


class TestAKeyServiceThatIsAway:
    @pytest.fixture
    def away(self, settings, monkeypatch, one):
        row(one, 0)
        settings.KEY_STORE = f"{__name__}.Away"
        ring("seal")
        monkeypatch.setattr(Away, "here", False)

    @pytest.mark.parametrize("seconds, works", [(61, True), (600, True), (899, True), (900, False), (3600, False)])
    def test_is_done_without_for_fifteen_minutes(self, clock, away, one, seconds, works):
        clock.now += seconds
        if works:
            assert ring("seal").current == one
        else:
            with pytest.raises(KeysUnavailable, match="the key service does not answer"):
                ring("seal")

    def test_is_not_done_without_by_a_process_that_has_just_begun(self, away):
        keyring.forget()
        with pytest.raises(KeysUnavailable):
            ring("seal")

    def test_that_comes_back_is_used_again(self, clock, away, one, monkeypatch):
        clock.now += 1000
        with pytest.raises(KeysUnavailable):
            ring("seal")
        monkeypatch.setattr(Away, "here", True)
        assert ring("seal").current == one

    def test_never_makes_a_value_go_out_in_clear(self, clock, away):
        clock.now += 1000
        with pytest.raises(KeysUnavailable):
            crypto.seal(b"Lena Okafor", **PLACE)


class TestKeeping:
    def test_gives_each_purpose_one_row_and_changes_no_key(self):
        before = {purpose: ring(purpose).current for purpose in keyring.PURPOSES}
        rotation.keep()
        assert sorted(DataKey.objects.values_list("purpose", flat=True)) == ["api-key", "index", "seal"]
        assert {purpose: ring(purpose).current for purpose in keyring.PURPOSES} == before

    def test_twice_makes_no_second_row(self):
        rotation.keep()
        rotation.keep()
        assert DataKey.objects.count() == 3

    def test_stores_no_key_in_clear(self):
        rotation.keep()
        for stored in DataKey.objects.all():
            key = ring(stored.purpose).current
            assert bytes(stored.wrapped) != key
            assert key.hex() not in str(stored.__dict__)
