"""What recording costs a note: the measured transaction is intake's own, with its events or without any."""

import pytest
from django.utils.module_loading import import_string

from audit.management.commands.bench_audit import OWN
from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery import sql
from delivery.bench.audit_share import EIGHT, posting, prepared
from delivery.models import Delivery, Move, Note
from portal.models import ApiKey

OF_A_NOTE = ["note.ingest", "delivery.held"]


@pytest.fixture
def writers(db, monkeypatch):
    """Ready to write, in this process."""
    monkeypatch.setitem(vars(sql), "insert", sql.insert)
    made = prepared()
    with acting(Actor("worker", "bench")):
        yield made


@pytest.fixture
def deed(writers):
    return writers["note_taken_in"]()


def recorded() -> list[str]:
    return list(AuditEvent.objects.filter(object_type__in=["note", "delivery"]).values_list("event", flat=True))


def test_the_command_names_what_makes_it_ready():
    assert import_string(OWN) is prepared


def test_a_note_is_taken_in_with_its_two_events(deed):
    deed(True)
    assert Note.objects.count() == 1
    assert sorted(recorded()) == sorted(OF_A_NOTE)


def test_without_recording_all_but_the_events_is_written(deed):
    deed(False)
    assert Note.objects.count() == Delivery.objects.count() == Move.objects.count() == 1
    assert recorded() == []


def test_it_is_switched_from_one_transaction_to_the_next(deed):
    for with_it in (False, True, True, False, True):
        deed(with_it)
    assert Note.objects.count() == 5
    assert sorted(recorded()) == sorted(OF_A_NOTE * 3)


def test_eight_go_into_one_transaction_with_their_sixteen_events(writers):
    writers["eight_notes_taken_in"]()(True)
    assert Note.objects.count() == EIGHT
    assert sorted(recorded()) == sorted(OF_A_NOTE * EIGHT)


def test_a_note_that_is_refused_stops_the_measurement(deed):
    ApiKey.objects.update(scopes=["notes:read"])
    with pytest.raises(Exception, match="403"):
        deed(True)


def test_no_two_postings_are_the_same_note(deed):
    key = ApiKey.objects.select_related("scribe__practice").get()
    one, other = posting(key), posting(key)
    assert not one.names & other.names
