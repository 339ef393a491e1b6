"""Functional tests (B17): every template as it is at eCW, every section in its field, every coded part taken."""

from functools import partial

from delivery.certification import attested
from delivery.certification.desk import (
    Desk,
    Test,
    Verdict,
    codes_of,
    mapped_templates,
    not_here,
    unproven,
    wrong_with,
)
from delivery.certification.evidence import Account
from delivery.connection_steps import FAILED, STEPS, examine
from delivery.discovery import CannotDiscover, discover
from delivery.entries import CODED
from delivery.failures import failure
from delivery.states import State
from delivery.ways.capabilities import used_at
from mapping.importers.base import fingerprint
from mapping.models import CrosswalkDrug, Template
from mapping.queries import newest_version
from portal.models import Location, Part, Route

VISITS = {"in_person": "visits in person", "telehealth": "telehealth visits"}


def tests(location: Location) -> list[Test]:
    """For each template one test for each kind of visit it is filled for; then the coded parts that have a route."""
    found = [
        Test("connections", "Every connection of the location passes its test", connections),
        Test("templates", "The templates at eCW are those that were imported", templates),
    ]
    for template in mapped_templates(location):
        for kind in template.default_for or ["in_person"]:
            name, title = (
                f"functional.{template.code}.{kind}",
                f"{template.name}: every section in its field, {VISITS[kind]}",
            )
            found.append(Test(name[:120], title[:200], partial(sections, template=template, kind=kind), reads=True))
    routed = set(Route.objects.filter(location=location, part__in=CODED).values_list("part", flat=True))
    return found + [
        Test(f"functional.{part}", f"{Part(part).label} are taken", partial(entries, part=part))
        for part in CODED
        if part in routed
    ]


def connections(desk: Desk, account: Account) -> Verdict:
    """Each connection's own test, step by step, to its end. Rights that are missing are security.scopes' to name."""
    failed = []
    for connection in used_at(desk.location):
        steps = examine(connection)
        for one in steps:
            account.step(f"{connection.name}: {STEPS[one.key]}", f"{one.outcome} {one.says or one.reason_code}".strip())
        failed += [
            f"{connection.name} at {STEPS[one.key]} ({one.reason_code})"
            for one in steps
            if one.outcome == FAILED and one.key != "scope"
        ]
    return Verdict(not failed, f"Stopped: {'; '.join(failed)}." if failed else "Every step passed.")


def templates(desk: Desk, account: Account) -> Verdict:
    """Ask eCW for its templates and hold each against the newest imported version, field by field and in order."""
    try:
        found = {one.code: fingerprint(one.fields) for one in discover(desk.location)}
    except CannotDiscover as reason:
        account.step("Asked eCW for its templates", str(reason))
        return not_here("eCW does not list its templates here; the functional tests alone show whether they are right.")
    wrong = []
    for template in Template.objects.filter(location=desk.location).order_by("code"):
        newest = newest_version(template)
        mine = newest.fingerprint if newest else ""
        came = (
            "as imported"
            if found.get(template.code) == mine
            else "missing"
            if template.code not in found
            else "differs"
        )
        account.step(f"Template {template.code}", came)
        wrong += [] if came == "as imported" else [f"{template.code} {came}"]
    says = "Every template is at eCW as it was imported."
    return Verdict(not wrong, f"Not as imported: {', '.join(wrong)}. Import them again." if wrong else says)


def sections(desk: Desk, account: Account, template: Template, kind: str) -> Verdict:
    """One note with every section the mapping takes: each must be read back in its field."""
    wanted = codes_of(template)
    ids = desk.post(desk.note(desk.visit(), template, visit_type=kind))
    account.step(f"Posted a note with {len(wanted)} sections", "accepted")
    found = desk.settled(ids)
    account.rests_on(found)
    account.facts["sections"] = wanted
    if desk.location.reading_connection is None:
        return attested.sections(desk, template, found)
    wrong = unproven(found)
    account.step("Read the chart back", "; ".join(wrong) or "every section in its field")
    says = f"{len(wanted)} sections, each in its field."
    return Verdict(not wrong, "; ".join(wrong)[:300] if wrong else says)


def entries(desk: Desk, account: Account, part: str) -> Verdict:
    """One entry of a coded part, taken by eCW; whether it can be read back is said, not asked for."""
    entry = sample_entry(desk.location, part)
    if entry is None:
        return not_here("No drug is in the practice's crosswalk yet, so there is none to send.")
    ids = desk.post({**desk.note(desk.visit(), desk.first_template()), part: [entry]})
    found = [row for row in desk.settled(ids) if row.part == part]
    account.rests_on(found)
    wrong = [wrong_with(row) for row in found if row.state not in (State.ACCEPTED, State.VERIFIED)]
    if wrong or not found:
        return Verdict(False, ("; ".join(wrong) or "No such part was sent.")[:300])
    words = failure(found[0].reason_code).title if found[0].reason_code else "no word of doubt"
    return Verdict(
        True, f"Taken: {found[0].state}, proof {found[0].proof or 'none'}, {words[0].lower()}{words[1:]}."[:300]
    )


def sample_entry(location: Location, part: str) -> dict[str, object] | None:
    """A synthetic entry as a scribe posts it; None where the practice has nothing to send it with."""
    if part == Part.MEDICATIONS:
        drug = CrosswalkDrug.objects.filter(practice=location.practice_id).exclude(rxcui="", ndc_written="").first()
        return {"text": drug.name, "rxcui": drug.rxcui, "ndc": drug.ndc_written} if drug else None
    samples: dict[Part, dict[str, object]] = {
        Part.DIAGNOSES: {"system": "icd-10-cm", "code": "Z00.00", "text": "Synthetic certification entry"},
        Part.ALLERGIES: {"text": "Synthetic certification allergen"},
        Part.IMMUNIZATIONS: {"cvx": "140", "date": "2026-01-05", "text": "Synthetic certification vaccine"},
        Part.OBSERVATIONS: {"loinc": "8867-4", "value": 71, "unit": "/min"},
    }
    return samples[Part(part)]
