"""The daily canary: a sandbox location that was probed once is probed again each day, by one worker, without people."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery import rounds
from delivery.ways import canary
from delivery.ways.capabilities import newest
from delivery.ways.models import CapabilityProbe, ProbeTurn
from portal.models import Environment, Location
from tests.delivery.fhir import words
from tests.delivery.test_capabilities import probed

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1, minutes=1)


@pytest.fixture
def north(cast):
    return Location.objects.select_related("practice", "reading_connection").get(pk=cast.north.pk)


def probed_before(location, ago=DAY, **finding) -> CapabilityProbe:
    """A probe of some time ago (its rows cannot be changed, so its time is made first)."""
    row = {"connection": 0, "name": "", "key": "write", "label": "Takes a note", "outcome": "yes", "says": ""} | finding
    made = CapabilityProbe(location=location, by="Dana", findings=[row])
    CapabilityProbe._meta.get_field("at").auto_now_add = False
    try:
        made.at = timezone.now() - ago
        made.save()
    finally:
        CapabilityProbe._meta.get_field("at").auto_now_add = True
    return made


def probes(location) -> list[str]:
    return list(CapabilityProbe.objects.filter(location=location).order_by("pk").values_list("by", flat=True))


def test_A26_what_vanished_overnight_stands_on_the_page_without_anybody_asking(ecw, north, cast, client):
    probed(north)
    ecw.fault("silent_drop", field_id="NF-04")
    later = timezone.now() + DAY
    [found] = canary.due(later)
    assert canary.claim(found, later)
    canary.probe(found)
    gone = [one.capability.key for one in newest(north)[1] if one.vanished]
    assert gone == ["section:NF-04"]
    client.force_login(cast.dana)
    said = words(client.get("/deliveries/ways/NORTH/").content.decode())
    assert "Vanished" in said
    assert "Daily probe" in said


class TestWhoIsDue:
    def test_a_location_that_nobody_ever_probed_is_left_alone(self, north):
        assert canary.due(timezone.now() + DAY) == []
        assert canary.canaries_due() == 0

    def test_one_probed_a_day_ago_is_due_and_one_of_an_hour_ago_is_not(self, north, cast):
        probed_before(north)
        probed_before(cast.south, timedelta(hours=1))
        assert canary.due(timezone.now()) == [north]

    def test_a_probe_by_a_person_today_is_enough(self, north):
        probed_before(north)
        probed_before(north, timedelta(hours=2))
        assert canary.due(timezone.now()) == []

    def test_production_is_never_probed_by_itself(self, north):
        probed_before(north)
        Location.objects.filter(pk=north.pk).update(environment=Environment.PRODUCTION)
        assert canary.due(timezone.now()) == []

    def test_the_one_that_waits_longest_comes_first(self, north, cast):
        probed_before(cast.south, DAY * 2)
        probed_before(north)
        assert canary.due(timezone.now()) == [cast.south, north]

    def test_it_can_be_switched_off_and_made_rarer(self, north, settings):
        probed_before(north)
        settings.CANARY_HOURS = 48
        assert canary.due(timezone.now()) == []
        settings.CANARY_HOURS = 0
        assert canary.canaries_due() == 0
        assert probes(north) == ["Dana"]


class TestOneWorker:
    def test_of_two_that_find_it_due_one_makes_the_probe(self, north):
        now = timezone.now()
        assert canary.claim(north, now)
        assert not canary.claim(north, now)
        assert ProbeTurn.objects.count() == 1

    def test_the_next_day_it_is_claimed_anew(self, north):
        now = timezone.now()
        assert canary.claim(north, now)
        assert canary.claim(north, now + DAY)

    def test_a_round_probes_one_location_and_says_that_there_may_be_more(self, north, cast, ecw):
        probed_before(north)
        assert canary.canaries_due() == 1
        assert canary.canaries_due() == 0
        assert probes(north) == ["Dana", "Daily probe"]
        actor = AuditEvent.objects.filter(event="location.probe").latest("pk")
        assert actor.actor_type == "worker"

    def test_one_that_cannot_be_probed_is_not_asked_again_before_tomorrow(self, north):
        probed_before(north)
        north.routes.all().delete()
        Location.objects.filter(pk=north.pk).update(reading_connection=None)
        assert canary.canaries_due() == 1
        assert canary.canaries_due() == 0
        assert probes(north) == ["Dana"]


def test_every_worker_looks_for_canaries():
    assert rounds.ROUNDS["canary"] is canary.canaries_due
