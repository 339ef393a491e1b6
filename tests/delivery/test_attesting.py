"""Attested proof: a person compares a note with the chart and signs; never for what can be read, never as verified."""

import pytest
from django.db import transaction

from audit.insert_only import InsertOnlyError
from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery.attesting import attest
from delivery.deeds import deeds_for
from delivery.models import Delivery, Wire
from delivery.sentence import sentence
from delivery.states import State
from delivery.ways.models import Attestation
from delivery.ways.page import proof_of, ways_here
from mapping.models import MappingVersion
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def unreadable(cast):
    """An accepted note of a location that nothing can read back."""
    cast.north.reading_connection = None
    cast.north.save()
    made = make_delivery(cast, State.ACCEPTED)
    Delivery.objects.filter(pk=made.pk).update(proof="none")
    return Delivery.objects.select_related("location", "connection").get(pk=made.pk)


def sign(delivery):
    with acting(Actor("user", "7", "Dana")), transaction.atomic():
        return attest([delivery.pk], "compared all three sections")


def test_is_signed_with_name_date_sample_and_mapping(unreadable, cast):
    [made] = sign(unreadable)
    assert (made.by, made.delivery, made.mapping_version) == ("Dana", unreadable, cast.north_mapping)
    assert made.wire_sha256 == unreadable.wire.sha256
    event = AuditEvent.objects.get(event="delivery.attest")
    assert (event.reason, event.detail["delivery_id"]) == ("compared all three sections", unreadable.pk)


def test_stays_accepted_and_says_that_nothing_was_read_back(unreadable):
    sign(unreadable)
    unreadable.refresh_from_db()
    assert (unreadable.state, unreadable.proof) == (State.ACCEPTED, "attested")
    assert "signed for it; not read back" in sentence(unreadable)


def test_can_be_signed_once(unreadable):
    sign(unreadable)
    assert sign(unreadable) == []
    with pytest.raises(InsertOnlyError):
        Attestation.objects.update(by="somebody else")


class TestWithoutItsMessage:
    """A note whose bytes are gone (kept no longer, or restored without them): nobody can say what was compared."""

    def test_is_not_signed_for_and_nothing_fails(self, unreadable):
        Wire.objects.filter(delivery=unreadable).delete()
        assert sign(unreadable) == []
        unreadable.refresh_from_db()
        assert unreadable.proof == "none"
        assert not AuditEvent.objects.filter(event="delivery.attest").exists()

    def test_keeps_no_other_from_being_signed_for(self, unreadable, cast):
        other = make_delivery(cast, State.ACCEPTED)
        Delivery.objects.filter(pk=other.pk).update(proof="none")
        Wire.objects.filter(delivery=unreadable).delete()
        with acting(Actor("user", "7", "Dana")), transaction.atomic():
            signed = attest([unreadable.pk, other.pk], "compared all three sections")
        assert [made.delivery_id for made in signed] == [other.pk]


@pytest.mark.parametrize("state", [state for state in State if state is not State.ACCEPTED])
def test_nothing_but_an_accepted_note_can_be_signed_for(cast, state):
    made = make_delivery(cast, state)
    Delivery.objects.filter(pk=made.pk).update(proof="none")
    assert sign(made) == []


def test_what_a_reader_can_settle_is_not_signed_for(cast):
    made = make_delivery(cast, State.ACCEPTED)
    assert sign(made) == []
    assert "attest" not in [deed.verb for deed in deeds_for(made)]


def test_the_button_is_there_and_needs_a_reason(client, unreadable, cast):
    client.force_login(cast.dana)
    page = f"/deliveries/{unreadable.pk}/"
    assert "I compared it in the chart" in client.get(page).content.decode()
    client.post(f"{page}act/attest/", {"reason": ""})
    assert not Attestation.objects.exists()
    client.post(f"{page}act/attest/", {"reason": "compared with the visit"})
    assert Attestation.objects.get().by


class TestTheWay:
    def test_is_shown_as_accepted_only_then_as_attested(self, unreadable, cast):
        assert proof_of(cast.north, cast.hl7).word == "Accepted only"
        sign(unreadable)
        proof = proof_of(cast.north, cast.hl7)
        assert (proof.word, proof.tone, proof.sample) == ("Attested", "warn", unreadable.pk)
        assert "Not read back" in proof.says

    def test_is_outdated_once_another_mapping_is_in_force(self, unreadable, cast):
        sign(unreadable)
        MappingVersion.objects.filter(pk=cast.north_mapping.pk).update(state="retired")
        MappingVersion.objects.create(
            template=cast.north_mapping.template,
            template_version=cast.north_mapping.template_version,
            number=2,
            state="published",
        )
        assert proof_of(cast.north, cast.hl7).word == "Attested, outdated"

    def test_is_proved_where_a_note_was_read_back(self, cast):
        make_delivery(cast, State.VERIFIED)
        proof = proof_of(cast.north, cast.hl7)
        assert (proof.word, proof.tone) == ("Proved", "ok")
        assert proof.at is not None

    def test_is_proved_by_the_newest_that_says_when_whichever_database_sorts(self, cast):
        """A row without its time (a restore, an older release) sorts first on PostgreSQL and last on SQLite."""
        dated, undated = make_delivery(cast, State.VERIFIED), make_delivery(cast, State.VERIFIED)
        Delivery.objects.filter(pk=undated.pk).update(verified_at=None)
        dated.refresh_from_db()
        assert dated.verified_at is not None
        assert proof_of(cast.north, cast.hl7).at == dated.verified_at

    def test_is_proved_where_the_only_one_does_not_say_when(self, cast):
        made = make_delivery(cast, State.VERIFIED)
        Delivery.objects.filter(pk=made.pk).update(verified_at=None)
        proof = proof_of(cast.north, cast.hl7)
        assert (proof.word, proof.at) == ("Proved", None)

    def test_is_assumed_where_it_could_be_read_back_and_was_not_yet(self, cast):
        assert proof_of(cast.north, cast.hl7).word == "Assumed"

    def test_stands_in_its_place_among_the_five(self, cast):
        here = {one.way.key: one.uses for one in ways_here(cast.north)}
        assert list(here) == ["hl7", "clinical-notes", "fhir-document", "openapi", "ccda"]
        assert [use.places for use in here["hl7"]] == [("Note sections: first",)]
        assert [(use.reads, use.proof) for use in here["openapi"]] == [(True, None)]
