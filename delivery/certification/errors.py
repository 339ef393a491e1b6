"""Failure tests (B20): the network fails in every way, and no note is lost or charted twice."""

from functools import partial

from delivery.certification.attested import NOT_PROVABLE
from delivery.certification.between import CannotStandBetween, relay_before
from delivery.certification.desk import NO_DELIVERY, UNPROVABLE, Desk, Test, Verdict, in_its_field, not_here, wrong_with
from delivery.certification.evidence import Account
from delivery.certification.relay import Mood, Relay
from delivery.certification.settling import NO_READER
from delivery.models import Attempt, Delivery
from delivery.states import State

MOODS = {
    "errors.time_out": (Mood.SILENT, "The receiver takes a note and never answers"),
    "errors.cut_before": (Mood.CUT_BEFORE, "The line breaks before a note arrives"),
    "errors.cut_after": (Mood.CUT_AFTER, "The line breaks after a note arrived"),
    "errors.malformed": (Mood.GARBLED, "The receiver's answer is out of shape"),
    "errors.down": (Mood.CLOSED, "The receiver cannot be reached for a while"),
}
DOWN_SECONDS = 1.0


def tests() -> list[Test]:
    return [
        Test(name, f"{title}: no note is lost", partial(failing, mood=mood)) for name, (mood, title) in MOODS.items()
    ]


def failing(desk: Desk, account: Account, mood: Mood) -> Verdict:
    """One note that meets the failure: it must end in the chart, once, or wait in sight of a person."""
    sender = desk.sender()
    account.step(f"Put a relay before {sender.name}", mood.value)
    try:
        with relay_before(desk, sender) as relay:
            found = meet(desk, account, relay, mood)
    except CannotStandBetween as reason:
        return not_here(str(reason))
    account.rests_on(found)
    return judged(found, account)


def meet(desk: Desk, account: Account, relay: Relay, mood: Mood) -> list[Delivery]:
    """Post while the relay is in its mood; one that is down comes up again after a while."""
    relay.be(mood)
    ids = desk.post(desk.note(desk.visit(), desk.first_template()))
    if mood is Mood.CLOSED:
        desk.until(lambda: relay.struck > 0, DOWN_SECONDS * 10)
        relay.be(Mood.PASS)
        account.step("The receiver can be reached again")
    found = desk.settled(ids)
    account.facts |= {"mood": mood.value, "struck": relay.struck}
    return found


def judged(found: list[Delivery], account: Account) -> Verdict:
    tries = list(Attempt.objects.filter(delivery__in=found).order_by("pk").values_list("outcome", "reason_code"))
    account.facts["attempts"] = [" ".join(filter(None, each)) for each in tries]
    if not account.facts["struck"]:
        return Verdict(False, "The failure did not come about: the note never passed by the relay.")
    if not found:
        return Verdict(False, NO_DELIVERY)
    wrong = [row for row in found if not in_its_field(row)]
    waiting = [row for row in wrong if row.state == State.PARKED or row.reason_code == NO_READER]
    if wrong and len(waiting) == len(wrong):
        return Verdict(True, "In doubt, and waiting for a person: this receiver cannot be asked. Nothing is lost.")
    if wrong:
        return Verdict(False, "; ".join(map(wrong_with, wrong))[:300])
    times = f"after {len(tries)} attempt{'' if len(tries) == 1 else 's'}"
    if any(row.state == State.ACCEPTED for row in found):
        return Verdict(True, f"Accepted {times}. {NOT_PROVABLE}", proof=UNPROVABLE)
    return Verdict(True, f"In the chart, once, {times}.")
