"""The load test (B19): the expected volume at once, how long each note takes, and what is left over."""

import time
from collections import Counter
from statistics import quantiles
from typing import Any

from delivery.certification.attested import NOT_PROVABLE
from delivery.certification.desk import UNPROVABLE, Desk, Test, Verdict, in_its_field, mapped_templates, wrong_with
from delivery.certification.evidence import Account, encoded, keep
from delivery.models import Attempt, Delivery, Reading


def tests() -> list[Test]:
    return [Test("load", "The expected volume: no time-out, no backlog, proven in time", load)]


def load(desk: Desk, account: Account) -> Verdict:
    """Post them one after the other as fast as they are taken; then wait until the last one is proven."""
    templates, ids, waits = mapped_templates(desk.location), [], []
    began = time.monotonic()
    for number in range(desk.plan.load_notes):
        at = time.monotonic()
        ids += desk.post(desk.note(desk.visit(), templates[number % len(templates)]))
        waits.append(time.monotonic() - at)
    posted = time.monotonic() - began
    backlog = Delivery.objects.filter(pk__in=ids, accepted_at=None).count()
    account.step(f"Posted {len(ids)} notes in {posted:.2f} s", f"{backlog} not delivered yet")
    found = desk.settled(ids)
    account.step("All have come to an end", f"{time.monotonic() - began:.2f} s after the first")
    account.facts |= measured(found, waits, posted, backlog)
    rows = [{"control_id": row.control_id, "state": row.state, "seconds": proven_after(row)} for row in found]
    account.facts["notes"] = keep(desk.run, "load.notes.json", encoded(rows)).name
    return judged(desk, account, found)


def measured(found: list[Delivery], waits: list[float], posted: float, backlog: int) -> dict[str, Any]:
    """The figures of the report; seconds."""
    proven = [each for each in map(proven_after, found) if each is not None]
    tries = Counter(Attempt.objects.filter(delivery__in=found).values_list("outcome", flat=True))
    return {
        "notes": len(found),
        "accepted_a_second": round(len(found) / posted, 1) if posted else 0.0,
        "accept_p95": percentile(waits),
        "proven_p95": percentile(proven),
        "proven_max": round(max(proven), 3) if proven else None,
        "backlog_when_posted": backlog,
        "attempts": dict(tries),
        "reads_refused": Reading.objects.filter(delivery__in=found, reason_code="rate_limited").count(),
    }


def proven_after(delivery: Delivery) -> float | None:
    """Seconds from the API's answer to the proof; where nothing can be read, to the receiver's acceptance."""
    reads = delivery.location.reading_connection_id is not None
    at = delivery.verified_at if reads else delivery.accepted_at
    return round((at - delivery.created_at).total_seconds(), 3) if at else None


def percentile(values: list[float], of: int = 95) -> float | None:
    if len(values) < 2:
        return round(values[0], 3) if values else None
    return round(quantiles(values, n=100, method="inclusive")[of - 1], 3)


def judged(desk: Desk, account: Account, found: list[Delivery]) -> Verdict:
    facts, limit = account.facts, desk.plan.verified_within
    unproven = [row for row in found if not in_its_field(row)]
    bad = {name: count for name, count in facts["attempts"].items() if name != "accepted"}
    late = sum((proven_after(row) or 0) > limit for row in found)
    if unproven:
        first = wrong_with(unproven[0])
        return Verdict(False, f"{len(unproven)} of {len(found)} are not proven; the first: {first}"[:300])
    if facts["reads_refused"]:
        words = "eCW's limit of calls is too small for this volume"
        return Verdict(False, f"{words}: {facts['reads_refused']} reads were refused.")
    if bad:
        return Verdict(False, f"Attempts that were not answered well: {', '.join(f'{v} {k}' for k, v in bad.items())}.")
    if facts["proven_p95"] is None or facts["proven_p95"] > limit:
        words = f"95 of 100 were proven within {facts['proven_p95']} s; the limit is {limit:g} s"
        return Verdict(False, f"{words}, and {late} came later than that.")
    if desk.location.reading_connection_id is None:
        words = f"{len(found)} notes, 95 of 100 accepted within {facts['proven_p95']} s. {NOT_PROVABLE}"
        return Verdict(True, words, proof=UNPROVABLE)
    return Verdict(True, f"{len(found)} notes, 95 of 100 proven within {facts['proven_p95']} s, none left over.")
