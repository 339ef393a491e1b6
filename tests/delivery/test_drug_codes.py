"""eCW's refusals of drugs, 2024 to 2027, each the whole way: the note goes, the part is rejected, explained, repaired."""

import html

import pytest
from django.db import transaction
from django.urls import reverse

from delivery import actions
from delivery.failures import failure
from delivery.models import Delivery
from mapping.codes.drug_files import drug_row
from mapping.codes.drug_imports import keep
from portal.models import Part
from tests.delivery.fhir import words
from tests.delivery.test_entries import METFORMIN, app_data, everything_sent, fhir, sent  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
RIGHT = {"rxcui": "861007", "name": "Metformin", "ecw_id": "80061", "strength": "500 mg", "formulation": "tablet"}
# What of the practice's crosswalk is wrong, or which answer the simulated eCW is told to give; and where the repair is.
WRONG = {
    "2024": ({}, True, "workbench:waiting"),
    "2025": ({"ecw_id": "99999"}, False, "workbench:waiting"),
    "2026": ({}, True, "portal:connection"),
    "2027": ({"name": "Lisinopril", "ecw_id": "70771", "strength": "10 mg"}, False, "workbench:waiting"),
}


def crosswalk(cast, **changes) -> None:
    with transaction.atomic():
        keep(cast.practice, drug_row(RIGHT | changes), cast.dana, "corrected")


def refused(ecw, scribe, cast, code: str) -> dict[str, Delivery]:
    """A note with a drug, which eCW refuses with this code; the note's own delivery goes first, and whole."""
    changes, told, _ = WRONG[code]
    crosswalk(cast, **changes)
    found = sent(scribe, medications=[])
    assert found["note"].state == "accepted"
    if told:
        ecw.fault("fhir_code", code=code)
    return sent(scribe, source_note_id="with-a-drug", sections=[], medications=[METFORMIN])


@pytest.mark.parametrize("code", WRONG)
def test_each_code_rejects_the_medications_alone_with_a_reason_of_its_own(ecw, scribe, fhir, cast, code):  # noqa: F811
    found = refused(ecw, scribe, cast, code)
    drugs = found["medications"]
    assert (drugs.state, drugs.reason_code) == ("rejected", f"ecw_{code}")
    assert app_data(ecw) == []
    note = Delivery.objects.get(part=Part.NOTE, note__source_note_id="nt-000417")
    assert note.state == "accepted"


def test_the_four_explanations_differ_in_every_part():
    entries = [failure(f"ecw_{code}") for code in WRONG]
    for told in ("title", "happened", "todo"):
        assert len({getattr(entry, told) for entry in entries}) == 4, told
    assert all(code in entry.title for code, entry in zip(WRONG, entries, strict=True))


@pytest.mark.parametrize("code", WRONG)
def test_each_page_says_what_happened_and_leads_to_the_repair(ecw, scribe, fhir, cast, client, code):  # noqa: F811
    drugs = refused(ecw, scribe, cast, code)["medications"]
    client.force_login(cast.dana)
    page = client.get(reverse("delivery:delivery", args=[drugs.pk])).content.decode()
    assert failure(f"ecw_{code}").title in html.unescape(words(page))
    name = WRONG[code][2]
    assert f'href="{reverse(name, args=[fhir.pk] if name == "portal:connection" else [])}"' in page


@pytest.mark.parametrize("code", WRONG)
def test_once_it_is_put_right_and_sent_anew_ecw_takes_it(ecw, scribe, fhir, cast, code):  # noqa: F811
    drugs = refused(ecw, scribe, cast, code)["medications"]
    ecw.heal()
    crosswalk(cast)
    with transaction.atomic():
        (again,) = actions.replay([drugs.pk], "the crosswalk is corrected", same_identity=False)
    assert everything_sent()["medications"].pk == again.pk
    again.refresh_from_db()
    assert (again.state, again.proof) == ("accepted", "app_data")
    assert [entry["resourceType"] for entry in app_data(ecw)] == ["MedicationStatement"]
    drugs.refresh_from_db()
    assert drugs.state == "rejected", "what happened stays written"


def test_the_same_bytes_sent_again_without_a_repair_are_refused_again(ecw, scribe, fhir, cast):  # noqa: F811
    drugs = refused(ecw, scribe, cast, "2027")["medications"]
    with transaction.atomic():
        (again,) = actions.replay([drugs.pk], "hoping", same_identity=False)
    everything_sent()
    again.refresh_from_db()
    assert (again.state, again.reason_code) == ("rejected", "ecw_2027")
