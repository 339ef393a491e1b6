"""What the pilot's tests share: a pilot at NORTH, notes of several providers, and numbers that hold."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from delivery.models import Delivery, Move
from delivery.pilot.cohort import share_of
from delivery.pilot.steps import Plan, begin
from delivery.pilot.tables import Feedback, Pilot
from delivery.states import State
from portal.models import Location
from tests.delivery.conftest import a_note
from tests.delivery.rows import make_delivery

EASY = {"review": False, "least_notes": 2, "least_feedback": 0, "least_good": 0}


def plan(*providers: str, percents: tuple[int, ...] = (50,), **settings: object) -> Plan:
    return Plan(providers or ("DR7",), percents, {**EASY, **settings})


def a_pilot(location: Location, *providers: str, **rest: object) -> Pilot:
    return begin(location, plan(*providers, **rest))


def post(scribe, number: int = 1, provider: str = "DR7", encounter: str = "", **changes) -> Delivery:
    """One note of a provider, as its scribe posts it; its note part's delivery."""
    who = {"id": provider, "family": "Lee", "given": "Ann"}
    sent = a_note(source_note_id=f"n{number}", encounter={"id": encounter or f"E{number}"}, provider=who, **changes)
    answer = scribe.post(sent)
    assert answer.status_code == 201, answer.content
    return Delivery.objects.get(pk=answer.json()["deliveries"][0]["id"])


def stands(delivery: Delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.state, delivery.reason_code


def provider_with(location: Location, least: int, most: int, but: tuple[str, ...] = ()) -> str:
    """Some provider's id whose stable number lies between the two."""
    ids = (f"P{number}" for number in range(10_000))
    return next(one for one in ids if least <= share_of(location.pk, one) <= most and one not in but)


def went(cast, state: State | str = State.VERIFIED, *, seconds: float = 30, provider: str = "DR7", **rest) -> Delivery:
    """A note that went now and was read back after so many seconds; what was found of it was found now."""
    made = make_delivery(cast, state, provider=(provider, "Ann Lee"), apart=0, **rest)
    if state == State.VERIFIED:
        first = made.moves.filter(to_state=State.READY).order_by("id").values_list("at", flat=True)[0]
        Delivery.objects.filter(pk=made.pk).update(verified_at=first + timedelta(seconds=seconds))
    return made


def through(delivery: Delivery, *states: State, at: datetime) -> None:
    """Takes a delivery on its way from where it stands, one move after the other; read back at last."""
    for state in states:
        before = Delivery.objects.get(pk=delivery.pk).state
        Delivery.objects.filter(pk=delivery.pk).update(state=state, verified_at=at if state == State.VERIFIED else None)
        Move.objects.create(delivery=delivery, from_state=before, to_state=state, at=at, actor="worker w1")


def misfile(delivery: Delivery) -> None:
    """What was verified is found elsewhere later on."""
    Delivery.objects.filter(pk=delivery.pk).update(state=State.MISFILED)
    Move.objects.create(
        delivery=delivery, from_state=State.VERIFIED, to_state=State.MISFILED, at=timezone.now(), actor="worker w1"
    )


def say(delivery: Delivery, by, *answers: bool, at: datetime | None = None) -> Feedback:
    accuracy, form, fit = answers or (True, True, True)
    return Feedback.objects.create(
        note=delivery.note, by=by, at=at or timezone.now(), accuracy=accuracy, format=form, template_fit=fit
    )


def age(pilot: Pilot, by: timedelta) -> Pilot:
    """As if its window had begun so long ago."""
    Pilot.objects.filter(pk=pilot.pk).update(since=timezone.now() - by)
    pilot.refresh_from_db()
    return pilot
