"""A clinic's week with its troubles, for the tests that look at screens: what a director opens the monitor for."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audit.record import record
from delivery.models import Delivery
from delivery.monitor.counting import catch_up
from delivery.monitor.tables import Issue, Standing
from delivery.states import State
from tests.cast import Cast
from tests.delivery.rows import SECTIONS, make_delivery

LEE, RAY = ("DR7", "Ann Lee"), ("DR9", "Bo Ray")
NAMES = [("Lena", "Okafor"), ("Milo", "Hart"), ("Ines", "Duarte"), ("Theo", "Lindqvist"), ("Ruth", "Adeyemi")]
SECTION_TROUBLE = ["verified", "altered", "missing"]


def patient(number: int) -> dict[str, str]:
    given, family = NAMES[number % len(NAMES)]
    return {
        "id": f"MRN-{40017 + 31 * number}",
        "given": given,
        "family": family,
        "birth_date": "1981-07-19",
        "sex": "F",
    }


def a_busy_day(cast: Cast) -> dict[str, list[Delivery]]:
    """Today's deliveries by the story they tell, and a week ago to compare with."""
    now = timezone.now()
    made: dict[str, list[Delivery]] = {}

    def make(story: str, number: int, state: State, hours: float, **more: object) -> None:
        at = now - timedelta(hours=hours, minutes=3 * number)
        more.setdefault("location", cast.south if number % 3 == 0 else cast.north)
        one = make_delivery(
            cast,
            state,
            received_at=at,
            patient=patient(number),
            encounter=f"E{6000 + number}",
            provider=LEE if number % 2 else RAY,
            **more,
        )
        made.setdefault(story, []).append(one)

    for number in range(24):
        make("fine", number, State.VERIFIED, number % 12 + 0.2)
    for number in range(6):
        make("no answer", 30 + number, State.UNKNOWN, 3.1, reason_code="no_answer", location=cast.north)
    for number in range(4):
        make("unmapped", 40 + number, State.HELD, 5.5, reason_code="unmapped_section", location=cast.south)
    make(
        "differs",
        50,
        State.MISFILED,
        1.2,
        reason_code="sections_differ",
        outcomes=SECTION_TROUBLE,
        in_chart=[SECTIONS[0][2], "Dry cough, worse at dawn.\nNo fever.", ""],
        location=cast.north,
    )
    for number in range(2):
        make("retrying", 60 + number, State.READY, 0.3, reason_code="connection_refused", tries=["unavailable"] * 3)
    make("rejected", 70, State.REJECTED, 2.2, reason_code="ae", location=cast.north)
    make("parked", 80, State.PARKED, 4.4, reason_code="blind_receiver", location=cast.north)
    make_it_known(now)
    Delivery.objects.filter(state="ready").update(not_before=now + timedelta(minutes=4))
    for number in range(18):
        make("a week ago", 90 + number, State.VERIFIED, 168.2 + number % 12)
    remember(cast, now)
    return made


def make_it_known(now) -> None:
    """What the worker has counted so far, and what a person did about it."""
    catch_up()
    Issue.objects.filter(reason_code="unmapped_section").update(state="acknowledged")
    Issue.objects.filter(reason_code="ae").update(state="regressed", last_seen=now - timedelta(minutes=20))
    for issue in Issue.objects.all():
        hour = int(now.timestamp()) // 3600
        hours = {str(hour - back): (7 * back + issue.pk) % 5 for back in range(0, 22, issue.pk % 3 + 1)}
        Issue.objects.filter(pk=issue.pk).update(hours=hours)


def remember(cast: Cast, now) -> None:
    """What the worker noted over the day: a wait that grew while a connection was stopped."""
    for step in range(144):
        at = now - timedelta(minutes=10 * step)
        waited = 60 * max(0, 90 - abs(step - 20) * 9)
        Standing.objects.create(location=cast.north, at=at, waiting=waited // 60, oldest_seconds=waited, attention=3)
    for state in ("open", "closed"):
        with transaction.atomic():
            record(
                "connection.breaker",
                practice="lakeside",
                object_type="connection",
                object_id=str(cast.hl7.pk),
                detail={"connection": cast.hl7.pk, "state": state, "reason_code": "connection_refused"},
            )
