"""Write into the register of requests, and read it: each entry and each answer is recorded."""

import json
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from audit.record import record
from delivery.release.exceptions import WRITTEN_DAYS, in_force
from delivery.release.tables import Answer, EhiRequest
from portal import crypto
from portal.models import Practice, User


class NotInForce(Exception):
    """The exception named was not in force on the day of the answer."""


class BeforeReceipt(Exception):
    """Nobody answers before the request came in."""


@dataclass(frozen=True)
class Entered:
    """A request as it came in. `requester` and `asked` are kept sealed."""

    asker: str
    received_on: date
    requester: str
    asked: str
    patient: str = ""


@dataclass(frozen=True)
class Answered:
    """The answer. A refusal, also in part, names its exception and says which of its conditions are met."""

    answer: str
    on: date
    exception: str = ""
    conditions: str = ""


@dataclass(frozen=True)
class Row:
    """One request for the page. `late`: the last day for a written answer under infeasibility has passed."""

    request: EhiRequest
    requester: str
    asked: str
    conditions: str
    written_by: date
    late: bool


def enter(practice: Practice, what: Entered, by: User) -> EhiRequest:
    bidx = crypto.blind_index("patient", what.patient) if what.patient else ""
    with transaction.atomic():
        made = EhiRequest.objects.create(
            practice=practice,
            asker=what.asker,
            patient_bidx=bidx,
            received_on=what.received_on,
            entered_by=str(by.pk),
        )
        _seal(made, {"requester": what.requester, "asked": what.asked})
        _record("ehi.request", made, asker=what.asker)
    return made


def answer(one: EhiRequest, what: Answered) -> None:
    """Answer an open request, or correct its answer. Raises NotInForce, BeforeReceipt."""
    if what.on < one.received_on:
        raise BeforeReceipt
    refused = what.answer in (Answer.PARTLY, Answer.REFUSED)
    if refused and what.exception not in {each.section for each in in_force(what.on)}:
        raise NotInForce(what.exception)
    with transaction.atomic():
        one.answer, one.answered_on = what.answer, what.on
        one.exception = what.exception if refused else ""
        _seal(one, _words(one) | {"conditions": what.conditions if refused else ""})
        _record("ehi.answer", one, answer=what.answer, exception=one.exception)


def _seal(one: EhiRequest, words: dict[str, str]) -> None:
    one.sealed_words = crypto.seal(json.dumps(words).encode(), table="ehirequest", column="words", row=one.pk)
    one.save()


def _words(one: EhiRequest) -> dict[str, str]:
    """What is sealed of it; raises CannotOpen."""
    opened = crypto.unseal(one.sealed_words or b"", table="ehirequest", column="words", row=one.pk)
    words: dict[str, str] = json.loads(opened)
    return words


def _record(event: str, one: EhiRequest, **detail: str) -> None:
    record(
        event,
        practice=one.practice.code,
        subject_bidx=one.patient_bidx,
        object_type="ehi_request",
        object_id=str(one.pk),
        detail=detail,
    )


def rows(practice: Practice, today: date) -> list[Row]:
    """The register, open ones first, then the newest."""
    found = EhiRequest.objects.filter(practice=practice).select_related("practice").order_by("-answered_on", "-pk")
    return sorted((_row(one, today) for one in found), key=lambda row: row.request.answer != "")


def _row(one: EhiRequest, today: date) -> Row:
    try:
        words = _words(one)
    except crypto.CannotOpen:
        words = {"requester": "cannot be opened here", "asked": ""}
    last = written_by(one.received_on)
    return Row(
        one,
        words.get("requester", ""),
        words.get("asked", ""),
        words.get("conditions", ""),
        last,
        one.answer == "" and last < today,
    )


def written_by(received: date) -> date:
    """The last day for a written answer under infeasibility (45 CFR 171.204(b)); holidays are not known here."""
    day, left = received, WRITTEN_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day
