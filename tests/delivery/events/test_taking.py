"""What becomes of a visit in whatever order it is told; whose it is; and that nobody is named where it is not needed."""

import json
import logging
from datetime import timedelta
from itertools import permutations

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from delivery.events import sources
from delivery.events.kinds import CANCELLED, CHECKED_IN, CLOSED, OPENED, RANKS, Happening
from delivery.events.listening import taken
from delivery.events.models import Arrival, Event, SourceState, VisitStage
from delivery.events.taking import ignore, take
from delivery.models import WebhookMessage
from delivery.webhooks.sending import open_body
from portal.models import Location
from tests.delivery.events import senders
from tests.delivery.events.senders import told
from tests.delivery.events.test_adt import adt_message

pytestmark = pytest.mark.django_db
CONTENT = ("P1001", "E5001", "DR7", "Okafor")


def happened(kind: str = OPENED, encounter: str = "E5001", message: str = "", **more) -> Happening:
    given = {"patient_id": "P1001", "provider_id": "DR7", "at": timezone.now(), **more}
    return Happening(kind=kind, encounter_id=encounter, message=message or f"{encounter}:{kind}", **given)


def source_of(location: Location, **settings):
    return sources.create(location, "webhook", settings)[0]


# --- order -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations([CHECKED_IN, OPENED, CLOSED])))
def test_in_whatever_order_its_events_come_a_visit_ends_closed_and_asks_for_capture_once_at_most(
    cast, scribes_endpoint, order
):
    source = source_of(cast.north)
    for kind in order:
        take(source, happened(kind))
    assert VisitStage.objects.get().rank == RANKS[CLOSED]
    outcomes = {event.kind: event.outcome for event in Event.objects.all()}
    before = order[: order.index(CLOSED)]
    assert outcomes[CLOSED] == "recorded"
    assert [outcomes[kind] for kind in order if kind != CLOSED] == {0: ["late", "late"]}.get(
        len(before), ["started", "already"]
    )
    assert WebhookMessage.objects.count() == (1 if before else 0)


@pytest.mark.parametrize("first, second", [(CLOSED, CANCELLED), (CANCELLED, CLOSED)])
def test_a_visit_that_was_closed_or_cancelled_starts_no_capture_whichever_came_first(
    cast, scribes_endpoint, first, second
):
    source = source_of(cast.north)
    for kind in (first, second, OPENED, CHECKED_IN):
        take(source, happened(kind))
    assert VisitStage.objects.get().rank == RANKS[CLOSED] == RANKS[CANCELLED]
    outcomes = {event.kind: event.outcome for event in Event.objects.all()}
    assert (outcomes[OPENED], outcomes[CHECKED_IN]) == ("late", "late")
    assert not WebhookMessage.objects.exists()


def test_what_begins_capture_is_what_the_source_says_and_another_source_may_say_otherwise(cast, scribes_endpoint):
    only_opened, none = source_of(cast.north, starts_on=[OPENED]), source_of(cast.south, starts_on=[])
    for source in (only_opened, none):
        for kind in (CHECKED_IN, OPENED):
            take(source, happened(kind))
    found = Event.objects.values_list("location__code", "kind", "outcome")
    assert set(found) == {
        ("NORTH", CHECKED_IN, "recorded"),
        ("NORTH", OPENED, "started"),
        ("SOUTH", CHECKED_IN, "recorded"),
        ("SOUTH", OPENED, "recorded"),
    }


@pytest.mark.parametrize("minutes, outcome", [(59, "started"), (61, "too_old")])
def test_an_event_may_start_capture_for_as_long_as_the_source_says(cast, scribes_endpoint, minutes, outcome):
    at = timezone.now() - timedelta(minutes=minutes)
    assert take(source_of(cast.north, within_minutes=60), happened(at=at)).event.outcome == outcome


def test_a_fresh_event_starts_capture_where_the_first_came_too_late(cast, scribes_endpoint):
    source = source_of(cast.north)
    take(source, happened(CHECKED_IN, at=timezone.now() - timedelta(hours=13)))
    assert take(source, happened(OPENED)).event.outcome == "started"


def test_nothing_is_kept_of_an_event_whose_capture_could_not_be_asked_for(cast, scribes_endpoint, monkeypatch):
    """Its message is not known as come either: the sender's next try is the first."""

    def broken(*_):
        raise RuntimeError

    source = source_of(cast.north)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr("delivery.events.taking.start_capture", broken)
        take(source, happened())
    for rows in (Event.objects.all(), Arrival.objects.all(), AuditEvent.objects.filter(event="event.take")):
        assert not rows.exists()
    assert take(source, happened()).word == "new"


# --- repeats and places ------------------------------------------------------------------------------------------------


def test_the_same_visit_number_at_two_locations_is_two_visits(cast, scribes_endpoint):
    """Each clinic counts for itself: what NORTH tells of its E5001 says nothing of SOUTH's."""
    take(source_of(cast.north), happened(CLOSED))
    assert take(source_of(cast.south), happened(OPENED)).event.outcome == "started"
    said = json.loads(open_body(WebhookMessage.objects.get()))["data"]
    assert said["location"] == "SOUTH"
    assert dict(VisitStage.objects.values_list("location__code", "rank")) == {"NORTH": 3, "SOUTH": 2}


def test_another_practices_location_of_the_same_code_asks_no_scribe_of_ours(cast, scribes_endpoint):
    event = take(source_of(cast.elsewhere), happened()).event
    assert (event.practice.code, event.outcome) == ("harbor", "no_scribe")
    assert AuditEvent.objects.get(event="event.take").practice == "harbor"
    assert not WebhookMessage.objects.exists()


def test_the_same_message_id_of_two_sources_is_two_messages(cast):
    one, other = source_of(cast.north), source_of(cast.south)
    words = [take(each, happened(message="evt-1")).word for each in (one, other, one)]
    assert words == ["new", "new", "repeated"]


def test_a_message_id_that_was_ignored_once_is_a_repeat_whatever_it_says_later(cast):
    source = source_of(cast.north)
    assert ignore(source, "evt-1").word == "ignored"
    assert ignore(source, "evt-1").word == take(source, happened(message="evt-1")).word == "repeated"


def test_one_location_cannot_post_by_the_address_of_another(cast):
    """A secret is its own source's: NORTH's opens nothing at SOUTH."""
    north, south = senders.ecw(cast), source_of(cast.south)
    north.address = f"/api/v1/events/{south.public_id}"
    assert north.post(told()).status_code == 401
    assert not Event.objects.exists()


def test_a_good_message_ends_the_trouble_that_a_bad_one_left(cast):
    sender = senders.ecw(cast)
    assert sender.post(told(encounter="")).status_code == 400
    assert SourceState.objects.get().trouble == "event_unreadable"
    assert sender.post(told()).status_code == 200
    assert (SourceState.objects.get().trouble, SourceState.objects.get().arrived_at is None) == ("", False)


def test_a_bad_message_may_come_again_under_its_id_once_it_is_mended(cast):
    sender = senders.ecw(cast)
    assert sender.post(told(encounter=""), id="evt-1").status_code == 400
    assert sender.post(told(), id="evt-1").json() == {"message": "new"}


@pytest.mark.parametrize("length, status", [("9" * 5000, 413), ("65537", 413), ("-1", 411), ("1e3", 411), ("", 411)])
def test_a_length_that_is_none_or_absurd_is_answered_before_anything_is_read(cast, length, status):
    sender = senders.ecw(cast)
    answer = sender.client.post(sender.address, b"{}", content_type="application/json", CONTENT_LENGTH=length)
    assert answer.status_code == status


# --- nobody is named ---------------------------------------------------------------------------------------------------


def test_no_patient_visit_or_secret_stands_in_the_log_the_audit_or_an_answer(cast, scribes_endpoint, caplog):
    with caplog.at_level(logging.DEBUG):
        sender = senders.ecw(cast)
        feed, _ = sources.create(cast.south, "mllp", {"port": 26610, "peers": "127.0.0.1/32"})
        answers = [
            sender.post(told()).content,
            sender.post(told(), signed="AAAA").content,
            sender.post(told(patient={"id": ["P1001"]})).content,
            taken(feed, adt_message(), "127.0.0.1"),
            taken(feed, adt_message(visit="E5001\x01"), "127.0.0.1"),
        ]
    audited = " ".join(str(vars(each)) for each in AuditEvent.objects.all())
    assert "event.take" in audited
    assert "event.refuse" in audited
    for content in (*CONTENT, sender.secret):
        assert content not in caplog.text
        assert content not in audited
        assert content.encode() not in b" ".join(answers)


def test_the_page_of_events_names_nobody_and_no_other_practices_events(cast, scribes_endpoint, client):
    take(source_of(cast.north), happened())
    theirs = take(source_of(cast.elsewhere), happened(encounter="E7")).event
    client.force_login(cast.dana)
    page = client.get(reverse("delivery:events")).content.decode()
    assert "Capture asked for" in page
    for content in (*CONTENT, theirs.encounter_bidx):
        assert content not in page


def test_the_name_of_no_row_holds_an_id_of_a_visit(cast):
    take(source_of(cast.north), happened())
    for model in (Event, Arrival, VisitStage, SourceState):
        assert not [each for each in CONTENT if each in str(model.objects.get())]
