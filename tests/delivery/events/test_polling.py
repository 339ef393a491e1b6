"""Polling FHIR for visits: what becomes an event, what a look costs, what is kept of it. Row W10."""

import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from werkzeug import Response

from delivery.events import polling, sources
from delivery.events.encounters import happenings, provider, referred
from delivery.events.models import Arrival, Event, SourceState, VisitStage
from delivery.events.polling import poll_due
from delivery.models import WebhookMessage
from delivery.oauth import scopes
from portal import tokens
from portal.tokens import Issued
from tests.delivery.events import senders
from tests.delivery.events.senders import told
from tests.delivery.fhir import fhir_connection

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 19, 16, 0, tzinfo=UTC)


def encounter(id: str = "E5001", status: str = "arrived", **more) -> dict:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": status,
        "subject": {"reference": "Patient/P1001"},
        "participant": [{"individual": {"reference": "Practitioner/DR7"}}],
        **more,
    }


class Base:
    """A practice's FHIR base on a real socket, with a day's encounters by practitioner."""

    def __init__(self, server) -> None:
        self.by_practitioner: dict[str, list[dict]] = {}
        self.asked: list[dict] = []
        self.failing: Response | None = None
        server.expect_request(re.compile("/fhir/r4/LAKESI/Encounter")).respond_with_handler(self.answer)

    def answer(self, request):
        self.asked.append(request.args.to_dict())
        if self.failing:
            return self.failing
        found = self.by_practitioner.get(request.args["practitioner"], [])
        bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in found]}
        return Response(json.dumps(bundle), content_type="application/fhir+json")


@pytest.fixture
def base(httpserver):
    return Base(httpserver)


@pytest.fixture
def connection(cast, httpserver, base):
    made = fhir_connection(cast, httpserver.url_for("").rstrip("/"))
    tokens.connect(made, Issued("token", "", timezone.now() + timedelta(hours=1), ()))
    return made


@pytest.fixture
def source(cast, connection):
    made, secret = sources.create(cast.north, "poll", {"practitioners": "DR7 DR8"}, connection)
    assert secret == ""
    return made


def again() -> None:
    SourceState.objects.update(next_look_at=timezone.now())
    poll_due()


def test_W10_an_event_whose_webhook_never_comes_is_found_by_the_poll(cast, source, base, scribes_endpoint):
    senders.ecw(cast)  # a webhook is set up, and stays silent
    base.by_practitioner = {"DR7": [encounter()]}
    poll_due()
    event = Event.objects.get()
    assert (event.kind, event.way, event.outcome) == ("patient.checked_in", "poll", "started")
    assert WebhookMessage.objects.get().type == "capture.start"


def test_W10_one_that_came_by_webhook_is_not_started_again_by_the_poll(cast, source, base, scribes_endpoint):
    senders.ecw(cast).post(told("patient.checked_in"))
    base.by_practitioner = {"DR7": [encounter()]}
    poll_due()
    assert (Event.objects.count(), Arrival.objects.count(), WebhookMessage.objects.count()) == (1, 2, 1)
    assert Event.objects.get().way == "webhook"


def test_W10_a_look_is_due_every_few_minutes_and_no_sooner(source, base):
    poll_due()
    poll_due()
    assert len(base.asked) == 2  # one for each practitioner
    SourceState.objects.update(next_look_at=timezone.now())
    poll_due()
    assert len(base.asked) == 4
    due = SourceState.objects.get().next_look_at - timezone.now()
    assert timedelta(seconds=100) < due <= timedelta(minutes=2)


def test_each_practitioner_is_asked_for_from_the_last_looks_day_on(source, base):
    SourceState.objects.update(looked_at=timezone.now() - timedelta(days=1))
    poll_due()
    assert [asked["practitioner"] for asked in base.asked] == ["DR7", "DR8"]
    yesterday = (timezone.now() - timedelta(days=1)).astimezone().date()
    day = datetime.fromisoformat(base.asked[0]["date"].removeprefix("ge")).date()
    assert abs((day - yesterday).days) <= 1
    assert "_count" not in base.asked[0]


def test_after_a_long_rest_a_look_begins_two_days_back_at_most(source):
    source.state.looked_at = timezone.now() - timedelta(days=30)
    assert datetime.fromisoformat(polling.since(source)).date() >= (timezone.now() - timedelta(days=3)).date()


def test_a_visit_that_goes_on_is_told_of_once_a_step(source, base, scribes_endpoint):
    for status in ("arrived", "arrived", "in-progress", "in-progress", "finished"):
        base.by_practitioner = {"DR7": [encounter(status=status)]}
        again()
    assert [event.kind for event in Event.objects.order_by("received_at")] == [
        "patient.checked_in",
        "encounter.opened",
        "encounter.closed",
    ]
    assert VisitStage.objects.get().rank == 3
    assert WebhookMessage.objects.count() == 1


def test_the_limit_of_calls_is_shared_and_a_look_without_one_left_says_so(source, base, connection, monkeypatch):
    monkeypatch.setattr("delivery.rate.time", SimpleNamespace(time=lambda: 0.0))  # no minute ends in between
    type(connection).objects.filter(pk=connection.pk).update(settings=connection.settings | {"calls_per_minute": 1})
    poll_due()
    state = SourceState.objects.get()
    assert (len(base.asked), state.trouble, state.looked_at) == (1, "rate_limited", None)


@pytest.mark.parametrize("status, reason", [(403, "read_forbidden"), (500, "read_unavailable"), (429, "rate_limited")])
def test_what_goes_wrong_stands_on_the_source_until_a_look_is_whole_again(source, base, status, reason):
    base.failing = Response(status=status)
    poll_due()
    state = SourceState.objects.get()
    assert (state.trouble, state.looked_at) == (reason, None)
    base.failing = None
    again()
    state.refresh_from_db()
    assert (state.trouble, state.looked_at is not None) == ("", True)


def test_a_source_or_connection_that_is_off_is_not_asked(source, base, connection):
    sources.change(source, source.settings, connection, enabled=False)
    again()
    sources.change(source, source.settings, connection, enabled=True)
    type(connection).objects.filter(pk=connection.pk).update(enabled=False)
    again()
    assert base.asked == []


def test_the_connection_needs_the_right_to_read_encounters(source, connection):
    assert "system/Encounter.read" in scopes.needed(connection)


# --- reading an Encounter -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, kind",
    [
        ("arrived", "patient.checked_in"),
        ("triaged", "patient.checked_in"),
        ("in-progress", "encounter.opened"),
        ("onleave", "encounter.opened"),
        ("finished", "encounter.closed"),
        ("cancelled", "encounter.cancelled"),
    ],
)
def test_a_status_is_an_event(status, kind):
    ((one,), unread) = happenings([encounter(status=status)], NOW)
    assert (one.kind, one.encounter_id, one.patient_id, one.provider_id, unread) == (kind, "E5001", "P1001", "DR7", 0)


@pytest.mark.parametrize("status", ["planned", "entered-in-error", "unknown", "", None, ["arrived"]])
def test_any_other_status_is_none(status):
    assert happenings([encounter(status=status)], NOW) == ([], 0)


@pytest.mark.parametrize("id", [None, "", 5, "x" * 121])
def test_an_encounter_without_an_id_is_counted_and_not_guessed(id):
    assert happenings([encounter(id=id)], NOW) == ([], 1)


@pytest.mark.parametrize(
    "said, id",
    [
        ({"reference": "Patient/P1"}, "P1"),
        ({"reference": "https://ecw.example/fhir/Patient/P1"}, "P1"),
        ({"reference": "Group/P1"}, ""),
        ({"reference": "P1"}, ""),
        ({"reference": 5}, ""),
        ("Patient/P1", ""),
        (None, ""),
    ],
)
def test_a_reference_of_another_kind_is_no_patient(said, id):
    assert referred(said, "Patient") == id


def test_the_first_practitioner_is_the_provider():
    rows = [{"individual": {"reference": "RelatedPerson/1"}}, 5, {"individual": {"reference": "Practitioner/DR8"}}]
    assert provider(encounter(participant=rows)) == "DR8"
    assert provider(encounter(participant=None)) == ""


@pytest.mark.parametrize(
    "status, more, at",
    [
        ("in-progress", {"period": {"start": "2026-03-19T10:15:00-05:00"}}, datetime(2026, 3, 19, 15, 15, tzinfo=UTC)),
        ("finished", {"period": {"start": "2026-03-19T10:15:00-05:00", "end": "2026-03-19T15:45:00Z"}},
         datetime(2026, 3, 19, 15, 45, tzinfo=UTC)),
        ("arrived", {"meta": {"lastUpdated": "2026-03-19T15:00:00Z"}}, datetime(2026, 3, 19, 15, 0, tzinfo=UTC)),
        ("arrived", {"period": {"start": "2026-03-19T15:00:00Z"}}, NOW),
        ("in-progress", {"period": {"start": "soon"}}, NOW),
        ("in-progress", {"period": {"start": "2026-03-20T15:00:00Z"}}, NOW),
        ("in-progress", {"period": 5, "meta": 5}, NOW),
    ],
)  # fmt: skip
def test_it_happened_when_the_encounter_says_and_never_in_the_future(status, more, at):
    ((one,), _) = happenings([encounter(status=status, **more)], NOW)
    assert one.at == at


class TestTheLocationOfAVisit:
    """A practitioner of two locations: each location's poll takes its own visits."""

    def at(self, *ids: str, status: str = "active") -> dict:
        rows = [{"location": {"reference": f"Location/{each}"}, "status": status} for each in ids]
        return {"location": rows}

    def taken(self, source, base, locations: str, *encounters: dict) -> int:
        source.settings = {**source.settings, "locations": locations}
        source.save()
        base.by_practitioner = {"DR7": list(encounters)}
        again()
        return Event.objects.count()

    def test_is_asked_for_where_locations_are_named(self, source, base):
        north, south = encounter("E1", **self.at("loc.north")), encounter("E2", **self.at("loc.south"))
        assert self.taken(source, base, "loc.north", north, south) == 1

    def test_is_not_asked_for_where_none_is_named(self, source, base):
        assert self.taken(source, base, "", encounter("E1", **self.at("x")), encounter("E2")) == 2

    def test_that_stands_nowhere_is_nobodys_and_no_trouble(self, source, base):
        assert self.taken(source, base, "loc.north", encounter("E1"), encounter("E2", location="?")) == 0
        assert SourceState.objects.get(source=source).trouble == ""

    def test_may_be_one_of_several_ids_of_the_same_place(self, source, base):
        found = [encounter(f"E{place}", **self.at(place)) for place in ("room.1", "room.2", "room.3")]
        assert self.taken(source, base, "room.1 room.3", *found) == 2

    def test_that_is_only_planned_there_does_not_count(self, source, base):
        assert self.taken(source, base, "loc.north", encounter("E1", **self.at("loc.north", status="planned"))) == 0

    def test_counts_after_the_patient_has_left_it(self, source, base):
        over = encounter("E1", "finished", **self.at("loc.north", status="completed"))
        assert self.taken(source, base, "loc.north", over) == 1

    @pytest.mark.parametrize(
        "wrong", [{"location": [{}]}, {"location": [7]}, {"location": [{"location": "x"}]}, {"location": {}}]
    )
    def test_that_cannot_be_read_ends_no_look(self, source, base, wrong):
        right = encounter("E2", **self.at("loc.north"))
        assert self.taken(source, base, "loc.north", encounter("E1", **wrong), right) == 1
