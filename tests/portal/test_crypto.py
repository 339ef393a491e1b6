"""Sealed values: opened for their own place alone, never half opened, and blind indexes that tell nothing but equality."""

import re

import pytest
from django.test import override_settings
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.crypto import FORM, KEY_ID, NONCE, CannotOpen, blind_index, derived, seal, unseal
from portal.keyring import forget

pytestmark = pytest.mark.django_db  # the keys are asked of their table

PLACE = {"table": "noteversion", "column": "body", "row": 7}
names = st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=12)
identifiers = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
OTHER_KEY = "ab" * 32


@pytest.fixture
def other_key():
    """The derived keys are kept for the life of a process; this one forgets them before and after."""
    forget()
    with override_settings(MASTER_KEY=OTHER_KEY):
        yield
    forget()


@given(st.binary(max_size=300), names, names, st.integers() | st.uuids() | names)
def test_what_was_sealed_opens_in_its_own_place(plain, table, column, row):
    assert unseal(seal(plain, table=table, column=column, row=row), table=table, column=column, row=row) == plain


def test_a_large_note_opens_too():
    plain = "é".encode() * 2_500_000
    assert unseal(seal(plain, **PLACE), **PLACE) == plain


def test_what_the_database_gives_back_opens(db):
    """PostgreSQL's driver hands out memoryviews."""
    assert unseal(memoryview(seal(b"note", **PLACE)), **PLACE) == b"note"


@pytest.mark.parametrize("change", [{"table": "wire"}, {"column": "plan"}, {"row": 8}, {"row": "7x"}], ids=str)
def test_a_value_copied_to_another_place_does_not_open(change):
    sealed = seal(b"Lena Okafor", **PLACE)
    with pytest.raises(CannotOpen):
        unseal(sealed, **{**PLACE, **change})


def test_a_number_and_its_text_are_the_same_row():
    """A row's key is a number here and a text there."""
    assert unseal(seal(b"x", **PLACE), **{**PLACE, "row": "7"}) == b"x"


def test_every_single_altered_byte_is_refused():
    sealed = seal(b"BP 120/80", **PLACE)
    for place in range(len(sealed)):
        for flipped in (1, 128):
            altered = bytearray(sealed)
            altered[place] ^= flipped
            with pytest.raises(CannotOpen):
                unseal(bytes(altered), **PLACE)


def test_every_shortened_or_lengthened_value_is_refused():
    sealed = seal(b"BP 120/80", **PLACE)
    for wrong in (*(sealed[:end] for end in range(len(sealed))), sealed + b"\0", b"\0" + sealed):
        with pytest.raises(CannotOpen):
            unseal(wrong, **PLACE)


@given(st.binary(max_size=200))
def test_bytes_that_were_never_sealed_are_refused_and_nothing_else_is_raised(wild):
    with pytest.raises(CannotOpen):
        unseal(wild, **PLACE)


@given(st.binary(max_size=60))
def test_bytes_that_look_sealed_are_refused(wild):
    own = seal(b"", **PLACE)[: len(FORM) + KEY_ID]
    with pytest.raises(CannotOpen):
        unseal(own + wild, **PLACE)


def test_the_same_text_never_looks_the_same():
    sealed = {seal(b"same", **PLACE) for _ in range(500)}
    assert len(sealed) == 500
    nonces = {one[len(FORM) + KEY_ID : len(FORM) + KEY_ID + NONCE] for one in sealed}
    assert len(nonces) == 500


def test_nothing_of_the_text_stands_in_the_sealed_value():
    plain = b"Xylophonic rales at both bases"
    sealed = seal(plain, **PLACE)
    assert not any(plain[start : start + 4] in sealed for start in range(len(plain) - 4))


@given(st.integers(0, 2000))
def test_the_sealed_value_is_as_long_as_the_text_and_a_fixed_frame(length):
    assert len(seal(b"x" * length, **PLACE)) == length + len(FORM) + KEY_ID + NONCE + 16


def test_another_key_opens_nothing_and_is_named_as_the_cause(other_key):
    forget()
    with override_settings(MASTER_KEY="cd" * 32):
        sealed = seal(b"secret", **PLACE)
    forget()
    with pytest.raises(CannotOpen, match="sealed with another key") as refused:
        unseal(sealed, **PLACE)
    assert "secret" not in str(refused.value)


def test_the_refusal_tells_the_place_and_no_content():
    sealed = seal(b"Quackenbush", **PLACE)
    with pytest.raises(CannotOpen) as refused:
        unseal(sealed, **{**PLACE, "row": 8})
    assert "noteversion.body" in str(refused.value)
    assert "Quackenbush" not in str(refused.value)
    assert refused.value.__cause__ is None, "the library's own error is not carried along"


def test_each_purpose_has_a_key_of_its_own():
    keys = {derived(purpose) for purpose in ("seal", "index", "api-key")}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}


def test_a_derived_key_is_not_the_master_key(settings):
    assert bytes.fromhex(settings.MASTER_KEY) not in {derived("seal"), derived("index")}


def test_another_master_key_gives_other_keys(other_key):
    here = derived("seal")
    forget()
    with override_settings(MASTER_KEY="cd" * 32):
        assert derived("seal") != here


@pytest.mark.parametrize("bad", ["", "not hexadecimal", "abc"])
def test_a_master_key_that_is_none_seals_nothing(bad):
    forget()
    with override_settings(MASTER_KEY=bad):
        if bad:
            with pytest.raises(ValueError):
                derived("seal")
    forget()


@given(identifiers)
def test_equal_identifiers_have_equal_indexes(value):
    assert blind_index("patient", value) == blind_index("patient", value)
    assert re.fullmatch(r"[0-9a-f]{32}", blind_index("patient", value))


@given(identifiers, identifiers)
def test_different_identifiers_have_different_indexes(one, other):
    assume(one.strip().casefold() != other.strip().casefold())
    assert blind_index("patient", one) != blind_index("patient", other)


@given(identifiers)
def test_the_same_number_of_a_patient_and_of_an_encounter_cannot_be_linked(value):
    assert blind_index("patient", value) != blind_index("encounter", value)


@pytest.mark.parametrize("typed", ["P-1001", " P-1001", "P-1001\n", "p-1001", "\tP-1001 "])
def test_how_an_identifier_was_typed_does_not_matter(typed):
    assert blind_index("patient", typed) == blind_index("patient", "P-1001")


@pytest.mark.parametrize("other", ["P-1002", "P1001", "P--1001", "P-10010", "0P-1001", ""])
def test_a_similar_identifier_is_another(other):
    assert blind_index("patient", other) != blind_index("patient", "P-1001")


def test_without_the_key_an_index_cannot_be_guessed(other_key):
    here = blind_index("patient", "P-1001")
    forget()
    with override_settings(MASTER_KEY="cd" * 32):
        assert blind_index("patient", "P-1001") != here


def test_a_connections_secrets_open_in_its_own_row_only(cast):
    sealed = cast.reader.sealed_secrets
    assert cast.reader.secrets() == {"token": "sandbox-token"}
    cast.hl7.sealed_secrets = sealed
    with pytest.raises(CannotOpen):
        cast.hl7.secrets()


def test_a_connection_that_was_never_saved_cannot_hold_secrets():
    from portal.models import Connection

    with pytest.raises(ValueError, match="save the connection"):
        Connection(name="New").set_secrets({"token": "t"})
    assert Connection(name="New").secrets() == {}
