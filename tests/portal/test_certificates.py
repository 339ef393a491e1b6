"""Certificates and keys: read when they are pasted, each fault said in words, no key ever repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.certificates import Unusable, check_pair, ends, read
from tests.portal.pem import Papers


@pytest.fixture(scope="module")
def papers() -> Papers:
    return Papers()


def refusal(deed, *given) -> str:
    with pytest.raises(Unusable) as refused:
        deed(*given)
    return str(refused.value)


def test_a_certificate_is_read(papers):
    (certificate,) = read(papers.ca)
    assert "CA" in certificate.subject.rfc4514_string() or certificate.issuer


def test_a_chain_is_read_whole(papers):
    assert len(read(papers.certificate + "\n" + papers.ca)) == 2


def test_text_around_a_certificate_does_not_matter(papers):
    assert len(read(f"Subject: eCW interface\n\n{papers.ca}\n\n-- end of mail --\n")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_certificate_is_said_to_be_none(text):
    assert "not a certificate in PEM" in refusal(read, text)


@given(st.text(max_size=200))
def test_whatever_is_pasted_is_answered_in_words(text):
    with pytest.raises(Unusable):
        read(text)


def test_a_key_in_the_certificates_place_is_refused_without_repeating_it(papers):
    said = refusal(read, papers.key)
    assert papers.key.splitlines()[1] not in said


def test_an_expired_certificate_is_refused_with_its_day(papers):
    said = refusal(read, papers.expired)
    assert said.startswith("This certificate expired on ")
    assert said[-5:-1].isdigit(), "the year stands there"


def test_one_expired_certificate_spoils_a_chain(papers):
    assert "expired" in refusal(read, papers.ca + papers.expired)


def test_the_first_end_of_a_chain_counts(papers):
    (soon,), (late,) = read(papers.certificate)[:1], read(papers.ca)
    assert ends(papers.certificate + papers.ca) == min(soon.not_valid_after_utc, late.not_valid_after_utc)


@pytest.mark.parametrize("text", ["", "none", "-----BEGIN CERTIFICATE-----"])
def test_the_end_of_no_certificate_is_not_known(text):
    assert ends(text) is None


def test_the_end_of_an_expired_one_is_shown_all_the_same(papers):
    """The page of a connection says when it ended; only saving refuses it."""
    assert ends(papers.expired) is not None


def test_a_certificate_and_its_key_are_a_pair(papers):
    check_pair(papers.certificate, papers.key)


@pytest.mark.parametrize(
    "key, words",
    [
        ("other_key", "does not belong to the certificate"),
        ("locked_key", "protected by a passphrase"),
        ("certificate", "not a private key in PEM"),
    ],
)
def test_a_key_that_will_not_do_is_refused_in_words(papers, key, words):
    said = refusal(check_pair, papers.certificate, getattr(papers, key))
    assert words in said
    assert getattr(papers, key).splitlines()[1] not in said


@given(st.text(max_size=120))
def test_whatever_is_pasted_as_a_key_is_answered_and_not_repeated(text):
    papers = Papers.__new__(Papers)
    papers.certificate = CERTIFICATE
    said = refusal(check_pair, papers.certificate, text)
    assert len(text) < 8 or text not in said


def test_the_chain_behind_a_certificate_does_not_confuse_its_key(papers):
    check_pair(papers.certificate + papers.ca, papers.key)
    assert "does not belong" in refusal(check_pair, papers.ca + papers.certificate, papers.key)


CERTIFICATE = Papers().certificate
