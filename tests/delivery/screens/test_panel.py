"""The overview's numbers are those of the lists they lead to."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delivery import panels
from delivery.filters import RANGES
from delivery.models import Heartbeat
from delivery.states import State
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db


def card(cards, label: str):
    return next(card for card in cards if card.label == label)


@pytest.fixture
def busy(cast):
    now = timezone.now()
    for state in State:
        make_delivery(cast, state, received_at=now - timedelta(minutes=5))
    for state in (State.READY, State.PARKED, State.VERIFIED):
        make_delivery(cast, state, received_at=now - timedelta(days=3))
    make_delivery(cast, State.VERIFIED, location=cast.south)
    return panels.cards(cast.north, "24h")


def test_what_was_received_and_verified_is_counted_within_the_range(busy):
    assert card(busy, "Received").value == "11"
    assert card(busy, "Received").change == "11 more than a week ago"
    verified = card(busy, "Verified in chart")
    assert (verified.value, verified.unit, verified.note) == ("1", "9 %", "1 accepted, not read back")


def test_what_waits_or_needs_a_person_is_counted_whatever_its_age(busy):
    assert card(busy, "Waiting").value == "3"
    assert card(busy, "Waiting").note == "the oldest for 3 d 0 h"
    assert card(busy, "Needs attention").value == "6"
    assert card(busy, "Needs attention").tone == "act"


def test_with_nothing_there_nothing_is_claimed(cast):
    cards = panels.cards(cast.north, "24h")
    assert card(cards, "Verified in chart").unit == ""
    assert card(cards, "Scribe to verified").value == "–"
    assert card(cards, "Needs attention").tone == ""
    assert card(cards, "Workers alive").tone == "act"


@pytest.mark.parametrize("chosen", RANGES)
def test_each_card_leads_to_the_deliveries_it_counts(cast, client, busy, chosen):
    client.force_login(cast.dana)
    for one in panels.cards(cast.north, chosen):
        if one.label in ("Received", "Verified in chart", "Waiting", "Needs attention"):
            shown = client.get(one.url).content.decode()
            assert shown.count('data-label="Status"') == int(one.value), one.label


def test_P13_only_workers_with_a_fresh_sign_of_life_are_alive(cast):
    now = timezone.now()
    for name, seconds in (("w1", 1), ("w2", 30), ("deaf", 600)):
        Heartbeat.objects.create(worker=name, started_at=now, beat_at=now - timedelta(seconds=seconds))
    workers = card(panels.cards(cast.north, "24h"), "Workers alive")
    assert workers.value == "2"
    assert workers.note.startswith("last sign of life 1.")


def test_the_overview_shows_the_panel_for_the_chosen_range(cast, client, busy):
    client.force_login(cast.omar)
    shown = client.get("/?range=7d").content.decode()
    assert re.search(r'aria-current="true">7d', shown)
    assert "/deliveries/?location=NORTH&amp;state=verified&amp;range=7d" in shown
    assert "Workers alive" in shown
    assert 'aria-current="true">24h' in client.get("/?range=nonsense").content.decode()


def test_a_mapping_editor_sees_no_panel(cast, client, busy):
    client.force_login(cast.mel)
    assert "Workers alive" not in client.get("/").content.decode()


def test_the_panel_costs_at_most_eleven_queries_a_location(cast, client, busy):
    client.force_login(cast.omar)
    with CaptureQueriesContext(connection) as queries:
        client.get("/")
    panels_own = [one["sql"] for one in queries if "delivery_delivery" in one["sql"] or "delivery_heart" in one["sql"]]
    assert len(panels_own) <= 11
