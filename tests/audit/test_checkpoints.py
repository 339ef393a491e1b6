"""A checkpoint says what was signed, and only a trusted key's signature over exactly these lines counts."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoints import BadNote, NoSigningKey, Statement, opened, private_key, public_keys, read_statement, sign

AT = datetime(2026, 5, 2, 14, 3, 5, 123456, tzinfo=UTC)
SAID = Statement("scribeport/audit/lakeside/202605", 1041, b"\x07" * 32, AT, AT)


def test_the_lines_are_those_of_the_open_checkpoint_format():
    assert SAID.text() == (
        "scribeport/audit/lakeside/202605\n1041\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"
        "time 2026-05-02T14:03:05.123456Z\nelapsed 2026-05-02T14:03:05.123456Z\n"
    )


@given(
    st.builds(
        Statement,
        origin=st.just("scribeport/audit/-/202605.2"),
        size=st.integers(0, 2**53),
        root=st.binary(min_size=32, max_size=32),
        at=st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)),
        elapsed=st.just(AT),
        previous=st.sampled_from(["", "scribeport/audit/-/202604 3 " + "0" * 64]),
        heads=st.integers(0, 99),
        heads_root=st.binary(min_size=32, max_size=32),
        holds=st.sampled_from(["", "f" * 64]),
    )
)
def test_what_was_signed_is_read_back(said):
    assert read_statement(opened(sign(said.text()))) == said


def test_a_checkpoint_without_a_head_map_says_so():
    assert read_statement(SAID.text()).heads is None


@pytest.mark.parametrize(
    "alter",
    [
        lambda note: note.replace("1041", "1042"),
        lambda note: note.replace("lakeside", "harbor"),
        lambda note: note.replace("\n\n", "\nholds x\n\n"),
        lambda note: note.replace("— scribeport/audit ", "— scribeport/other "),
        lambda note: note.replace("— ", "- "),
        lambda note: note[:-8] + "AAAA==\n",
        lambda note: note.rsplit(" ", 1)[0] + " not*base64\n",
        lambda note: "",
        lambda note: SAID.text(),
    ],
)
def test_an_altered_note_is_refused(alter):
    note = sign(SAID.text())
    with pytest.raises(BadNote):
        opened(alter(note))


def test_anothers_signature_does_not_count(settings):
    note = sign(SAID.text())
    settings.AUDIT_SIGNING_KEY = "11" * 32
    with pytest.raises(BadNote, match="no trusted key"):
        opened(note)


def test_L06_after_the_key_is_replaced_older_notes_count_by_the_public_key_alone(settings):
    """L06: a new key; what the old one signed and an anchor witnessed stays valid."""
    note, old = sign(SAID.text()), public_keys()[0]
    settings.AUDIT_SIGNING_KEY = "11" * 32
    settings.AUDIT_PUBLIC_KEYS = [old.hex()]
    assert opened(note) == SAID.text()
    assert len(public_keys()) == 2


def test_a_process_without_the_private_key_reads_and_does_not_sign(settings):
    note = sign(SAID.text())
    settings.AUDIT_PUBLIC_KEYS = [public_keys()[0].hex()]
    settings.AUDIT_SIGNING_KEY = ""
    assert opened(note) == SAID.text()
    with pytest.raises(NoSigningKey):
        sign(SAID.text())


@pytest.mark.parametrize(
    "text", ["", "a\n1\n", "a\nmany\nBwc=\ntime x\n", SAID.text().replace("time", "hour"), "a\n1\n***\n"]
)
def test_lines_that_are_no_checkpoint_are_refused(text):
    with pytest.raises(BadNote):
        read_statement(text)


def test_the_signature_is_ed25519_over_the_lines_as_any_library_checks_it():
    note = sign(SAID.text())
    raw = base64.b64decode(note.rsplit(" ", 1)[1])
    assert len(raw) == 68
    key: Ed25519PrivateKey = private_key()
    key.public_key().verify(raw[4:], SAID.text().encode())
