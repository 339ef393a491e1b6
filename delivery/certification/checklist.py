"""eCW's own check-list where it is about one message: another patient's visit, and the same note again."""

from contextlib import closing

from delivery.certification.desk import Desk, Test, Verdict, unproven
from delivery.certification.evidence import Account
from delivery.certification.notes import FAMILY, PROVIDER, Visit
from delivery.channels.base import ChannelError, Patient, Refused, Unavailable
from delivery.channels.base import Visit as ChartVisit
from delivery.opening import open_channel, open_reader
from delivery.probe import outgoing


def tests() -> list[Test]:
    return [
        Test(
            "checklist.wrong_patient", "eCW's check-list: a note for another patient's visit is refused", wrong_patient
        ),
        Test(
            "checklist.same_again",
            "eCW's check-list: the same note posted again is charted once",
            same_again,
            reads=True,
        ),
    ]


def chart_visit(visit: Visit, patient: str, facility: str) -> ChartVisit:
    known = Patient(patient, FAMILY, f"Synthetic {visit.number}", "1970-01-01", "U")
    return ChartVisit(visit.encounter, known, None, PROVIDER["id"], "", FAMILY, "Provider", facility)


def wrong_patient(desk: Desk, account: Account) -> Verdict:
    """A visit with a note of its own patient; then a note that names somebody else for the same visit.

    Sent past the queue: our own checks would hold it, and eCW's are what is tested.
    """
    visit = desk.visit()
    first = desk.settled(desk.post(desk.note(visit, desk.first_template())))
    account.rests_on(first)
    if lacking := unproven(first):
        return Verdict(False, f"The visit's own note: {'; '.join(lacking)}"[:300])
    wrong = outgoing(desk.location, chart_visit(visit, f"{visit.patient}-OTHER", desk.location.facility))
    account.facts["control_id"] = wrong.control_id
    channel = open_channel(desk.sender())
    with closing(channel):
        try:
            channel.open()
            channel.send(channel.render(wrong), wrong.control_id)
        except Refused as refused:
            account.step("A note of another patient for this visit", f"refused ({refused.reason_code} {refused.code})")
            return not_charted(desk, account, visit, wrong.control_id)
        except ChannelError as error:
            account.step("A note of another patient for this visit", error.reason_code)
            return Verdict(False, f"No clear refusal came ({error.reason_code}).")
    account.step("A note of another patient for this visit", "accepted")
    return Verdict(False, "eCW accepted a note of another patient for this visit.")


def not_charted(desk: Desk, account: Account, visit: Visit, control_id: str) -> Verdict:
    """Refused is not enough: the chart is looked into as well, where it can be."""
    reader = desk.location.reading_connection
    if reader is None:
        return Verdict(True, "Refused; there is no reader to look into the chart.")
    try:
        with closing(open_reader(reader)) as opened:
            chart = opened.read(chart_visit(visit, visit.patient, desk.location.facility))
    except (Unavailable, ValueError) as error:
        return Verdict(False, f"The chart could not be read ({getattr(error, 'reason_code', 'settings')}).")
    charted = any(filing.control_id == control_id for filing in chart.filings)
    account.step("Looked into the chart", "it stands there" if charted else "not there")
    return Verdict(not charted, "Refused, and charted all the same." if charted else "Refused, and not in the chart.")


def same_again(desk: Desk, account: Account) -> Verdict:
    """The scribe posts the same version twice, as one does that lost the answer."""
    body = desk.note(desk.visit(), desk.first_template())
    ids = desk.post(body)
    answer = desk.scribe.post(body)
    account.step("Posted the same version again", f"HTTP {answer.status_code}")
    again = [row["id"] for row in answer.json().get("deliveries", [])]
    found = desk.settled(ids)
    account.rests_on(found)
    wrong = unproven(found)
    if again != ids:
        return Verdict(False, "The same version was taken in a second time.")
    return Verdict(not wrong, "; ".join(wrong)[:300] if wrong else "One delivery, charted once.")
