"""The buttons on a delivery: there in the states that allow them, for the roles that may, with a reason that is kept."""

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery import deeds, lanes
from delivery.deeds import DEEDS
from delivery.models import Delivery, Move
from delivery.states import State, allowed
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
REASON = "the front desk looked into eCW"
BUTTONS = {
    State.HELD: {"release", "cancel"},
    State.READY: {"hold", "cancel"},
    State.SENDING: set(),
    State.ACCEPTED: {"verify"},
    State.VERIFIED: set(),
    State.MISFILED: {"verify", "replay"},
    State.REJECTED: {"replay"},
    State.UNKNOWN: {"verify"},
    State.PARKED: {"in-chart", "not-there", "cancel"},
    State.SUPERSEDED: set(),
    State.CANCELLED: {"replay"},
}
LEADS_TO = {
    "release": State.READY,
    "hold": State.HELD,
    "cancel": State.CANCELLED,
    "in-chart": State.ACCEPTED,
    "not-there": State.READY,
}


@pytest.fixture
def omar(cast, client):
    client.force_login(cast.omar)
    return client


def made(cast, state: State) -> Delivery:
    delivery = make_delivery(cast, state)
    delivery.lane = lanes.lane_for(cast.hl7.pk, 1, delivery.encounter_bidx)
    delivery.save(update_fields=["lane"])
    return delivery


def press(client, delivery, verb: str, reason: str = REASON) -> str:
    answer = client.post(f"/deliveries/{delivery.pk}/act/{verb}/", {"reason": reason}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("state", list(State))
def test_each_state_has_its_buttons_and_no_other(cast, omar, state):
    delivery = made(cast, state)
    shown = omar.get(f"/deliveries/{delivery.pk}/").content.decode()
    there = {deed.verb for deed in DEEDS if f'formaction="/deliveries/{delivery.pk}/act/{deed.verb}/"' in shown}
    assert there == BUTTONS[state]


def test_every_button_that_moves_makes_an_allowed_move():
    moving = [(deed, state) for deed in DEEDS if deed.verb in LEADS_TO for state in deed.states]
    assert moving
    assert all(allowed(state, LEADS_TO[deed.verb]) for deed, state in moving)


@pytest.mark.parametrize(("verb", "new"), LEADS_TO.items())
def test_a_pressed_button_moves_the_delivery_and_keeps_who_and_why(cast, omar, verb, new):
    state = next(iter(next(deed for deed in DEEDS if deed.verb == verb).states - {State.READY} or {State.READY}))
    delivery = made(cast, state)
    shown = press(omar, delivery, verb)
    delivery.refresh_from_db()
    assert delivery.state == new
    assert next(deed for deed in DEEDS if deed.verb == verb).done in shown
    move = Move.objects.filter(delivery=delivery).latest("id")
    assert (move.from_state, move.to_state, move.actor) == (state, new, "omar")
    event = AuditEvent.objects.filter(object_id=str(delivery.pk), actor_name="omar").latest("at")
    assert event.reason == REASON
    assert "omar" in omar.get(f"/deliveries/{delivery.pk}/").content.decode()


def test_looking_again_is_asked_for_and_recorded(cast, omar):
    delivery = made(cast, State.MISFILED)
    press(omar, delivery, "verify", "")
    delivery.refresh_from_db()
    assert delivery.read_at is not None
    assert delivery.read_at <= timezone.now()
    assert AuditEvent.objects.get(event="chart.ask").object_id == str(delivery.pk)


def test_a_location_that_cannot_be_read_offers_no_look(cast, omar):
    delivery = made(cast, State.UNKNOWN)
    cast.north.reading_connection = None
    cast.north.save()
    assert "Look into the chart now" not in omar.get(f"/deliveries/{delivery.pk}/").content.decode()
    assert "no longer possible" in press(omar, delivery, "verify")
    assert not AuditEvent.objects.filter(event="chart.ask").exists()


def test_sending_again_makes_a_new_delivery_and_leaves_the_old_one(cast, omar):
    delivery = made(cast, State.REJECTED)
    press(omar, delivery, "replay")
    delivery.refresh_from_db()
    new = Delivery.objects.get(replay_of=delivery)
    assert delivery.state == State.REJECTED
    assert new.state == State.READY
    assert new.control_id != delivery.control_id
    assert f"/deliveries/{new.pk}/" in omar.get(f"/deliveries/{delivery.pk}/").content.decode()


def test_sending_again_what_is_partly_charted_warns_of_the_copy(cast, omar):
    assert deeds.MISFILED_TWICE in omar.get(f"/deliveries/{made(cast, State.MISFILED).pk}/").content.decode()
    assert deeds.MISFILED_TWICE not in omar.get(f"/deliveries/{made(cast, State.REJECTED).pk}/").content.decode()


@pytest.mark.parametrize("reason", ["", "    ", "ok", "x" * 201])
def test_without_a_reason_nothing_is_decided(cast, omar, reason):
    delivery = made(cast, State.PARKED)
    assert "needs a reason" in press(omar, delivery, "in-chart", reason)
    delivery.refresh_from_db()
    assert delivery.state == State.PARKED


def test_a_release_needs_no_reason(cast, omar):
    delivery = made(cast, State.HELD)
    press(omar, delivery, "release", "")
    delivery.refresh_from_db()
    assert delivery.state == State.READY


def test_whoever_comes_too_late_is_told_what_the_delivery_is_now(cast, omar):
    delivery = made(cast, State.VERIFIED)
    shown = press(omar, delivery, "cancel")
    assert "no longer possible" in shown
    assert "Verified in the chart" in shown


def test_a_delivery_that_moved_between_the_look_and_the_press_is_left_alone(cast, omar, monkeypatch):
    delivery = made(cast, State.READY)

    def worker_is_faster(ids, reason):
        Delivery.objects.filter(pk=delivery.pk).update(state=State.SENDING)
        return bool(deeds.actions.hold(ids, reason))

    faster = [deeds.Deed(**{**deed.__dict__, "carry_out": worker_is_faster}) for deed in DEEDS if deed.verb == "hold"]
    monkeypatch.setattr(deeds, "DEEDS", tuple(faster))
    assert "Nothing was changed" in press(omar, delivery, "hold")
    delivery.refresh_from_db()
    assert delivery.state == State.SENDING


def test_those_who_may_only_look_have_no_buttons_and_no_way_around(cast, client):
    delivery = made(cast, State.PARKED)
    client.force_login(cast.ava)
    assert "formaction" not in client.get(f"/deliveries/{delivery.pk}/").content.decode()
    assert client.post(f"/deliveries/{delivery.pk}/act/cancel/", {"reason": REASON}).status_code == 403
    for person in (cast.sam,):
        client.force_login(person)
        assert client.post(f"/deliveries/{delivery.pk}/act/cancel/", {"reason": REASON}).status_code == 404
    client.force_login(cast.dana)
    assert client.get(f"/deliveries/{delivery.pk}/act/cancel/").status_code == 405
    delivery.refresh_from_db()
    assert delivery.state == State.PARKED
