"""What must be signed before a note goes to production."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audit.models import AuditEvent
from portal import agreements
from portal.agreements import Terms
from portal.models import Scribe


@pytest.fixture
def production(cast):
    cast.north.environment = "production"
    cast.north.save()
    return cast.north


def sign(cast, kind, **more):
    terms = Terms(kind, "Vendor", **{"signed_on": date(2026, 1, 1), **more})
    return agreements.record_agreement(cast.practice, terms, cast.scribe if kind == "baa_scribe" else None)


def test_the_sandbox_needs_none_and_asks_nothing(cast, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert agreements.missing(cast.north, cast.scribe) == []


def test_production_lacks_both_at_first(cast, production):
    assert agreements.missing(production, cast.scribe) == [
        "No business associate agreement with Murmur Scribe is in force.",
        "No business associate agreement with eClinicalWorks is in force.",
    ]


def test_both_agreements_open_production_with_one_query(cast, production, django_assert_num_queries):
    sign(cast, "baa_scribe")
    assert len(agreements.missing(production, cast.scribe)) == 1
    sign(cast, "baa_ecw")
    with django_assert_num_queries(1):
        assert agreements.missing(production, cast.scribe) == []


def test_an_agreement_with_another_scribe_does_not_count(cast, production):
    sign(cast, "baa_ecw")
    sign(cast, "baa_scribe")
    other = Scribe.objects.create(practice=cast.practice, name="Whisper")
    assert agreements.missing(production, other) == ["No business associate agreement with Whisper is in force."]


def test_another_practices_agreement_does_not_count(cast, production):
    sign(cast, "baa_scribe")
    agreements.record_agreement(cast.elsewhere.practice, Terms("baa_ecw", "eClinicalWorks", date(2026, 1, 1)))
    assert len(agreements.missing(production, cast.scribe)) == 1


@pytest.mark.parametrize(
    "signed, expires, in_force",
    [(0, None, True), (1, None, False), (-9, 0, True), (-9, -1, False), (-9, 9, True)],
)
def test_the_first_and_the_last_day_count(cast, production, signed, expires, in_force):
    sign(cast, "baa_scribe")
    today = agreements.today_at(production)
    ends = None if expires is None else today + timedelta(days=expires)
    sign(cast, "baa_ecw", signed_on=today + timedelta(days=signed), expires_on=ends)
    assert (agreements.missing(production, cast.scribe) == []) == in_force


def test_the_day_is_the_locations_own(cast, production):
    production.time_zone = "Pacific/Kiritimati"
    east = agreements.today_at(production)
    production.time_zone = "Pacific/Pago_Pago"
    assert (east - agreements.today_at(production)).days in (1, 2)


def test_an_agreement_with_a_scribe_names_one_of_this_practice(cast):
    foreign = Scribe.objects.create(practice=cast.elsewhere.practice, name="Whisper")
    for kind, scribe in [("baa_scribe", None), ("baa_ecw", cast.scribe), ("baa_scribe", foreign)]:
        with pytest.raises(ValueError):
            agreements.record_agreement(cast.practice, Terms(kind, "x", date(2026, 1, 1)), scribe)


def test_recording_is_recorded(cast):
    sign(cast, "baa_ecw")
    assert AuditEvent.objects.get(event="agreement.record").detail == {"kind": "baa_ecw", "party": "Vendor"}


def test_the_fingerprint_is_that_of_the_document():
    import hashlib

    content = b"%PDF-1.7 signed" * 100_000
    assert agreements.sha256_of(SimpleUploadedFile("baa.pdf", content)) == hashlib.sha256(content).hexdigest()
