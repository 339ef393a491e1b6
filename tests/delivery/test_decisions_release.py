"""One decision on a drug: exactly the waiting deliveries of that practice and code go, and what is left says what is left."""

from dataclasses import replace

import pytest
from django.urls import reverse

from delivery import workbench
from delivery.entry_rows import entry_rows
from delivery.models import Delivery
from mapping.codes.drug_files import drug_row
from mapping.codes.drug_imports import keep
from mapping.models import CrosswalkDrug
from tests.delivery.rows import make_delivery
from tests.delivery.test_workbench import AMBIGUOUS, KNOWN, OTHER, UNKNOWN, decide, post, route  # noqa: F401

pytestmark = pytest.mark.django_db


def states() -> dict[str, tuple[str, str]]:
    rows = Delivery.objects.filter(part="medications").select_related("note")
    return {row.note.source_note_id: (row.state, row.reason_code) for row in rows}


def test_a_decision_on_one_code_leaves_the_notes_that_wait_for_another_untouched(cast, scribe, client):
    held = post(scribe, "a", UNKNOWN)
    for name, medication in (("b", OTHER), ("c", AMBIGUOUS), ("d", {"text": "lisinopril 10 mg daily"})):
        post(scribe, name, medication)
    before = states()
    client.force_login(cast.dana)
    assert decide(client, held).status_code == 302
    after = states()
    assert after.pop("a")[0] == "ready"
    before.pop("a")
    assert after == before


def test_a_decision_releases_no_note_of_another_practice_with_the_same_code(cast, scribe, client):
    held = post(scribe, "a", UNKNOWN)
    theirs = make_delivery(
        cast, "held", part="medications", reason_code="drug_unknown", location=cast.elsewhere, medications=[UNKNOWN]
    )
    client.force_login(cast.dana)
    assert decide(client, held).status_code == 302
    theirs.refresh_from_db()
    assert (theirs.state, theirs.reason_code) == ("held", "drug_unknown")
    assert [one.notes for one in workbench.queue(theirs.practice)] == [1]
    assert CrosswalkDrug.objects.filter(practice=theirs.practice).count() == 0


def test_another_practices_drugs_are_neither_candidates_nor_answers(cast, scribe):
    keep(cast.elsewhere.practice, drug_row({**UNKNOWN, "name": UNKNOWN["text"], "ecw_id": "9"}), cast.dana, "x")
    held = post(scribe, "a", UNKNOWN)
    assert (held.state, held.reason_code) == ("held", "drug_unknown")
    unknown = workbench.unknown_at(cast.practice, held.pk, 0)
    assert workbench.candidates(cast.practice, unknown) == []


def test_another_practices_place_cannot_be_decided_on(cast, client):
    theirs = make_delivery(
        cast, "held", part="medications", reason_code="drug_unknown", location=cast.elsewhere, medications=[UNKNOWN]
    )
    client.force_login(cast.dana)
    assert decide(client, theirs).status_code == 404
    assert CrosswalkDrug.objects.count() == 1, "Metformin of the set-up alone"


def test_what_goes_on_waiting_says_the_reason_that_is_left(cast, scribe, client):
    both = post(scribe, "a", UNKNOWN, AMBIGUOUS)
    bare = post(scribe, "b", UNKNOWN, {"text": "an ointment"})
    client.force_login(cast.dana)
    assert decide(client, both).status_code == 302
    assert states() == {"a": ("held", "drug_ndc_ambiguous"), "b": ("held", "drug_without_code")}
    bare.refresh_from_db()
    assert [problem["pointer"] for problem in bare.problems] == ["/medications/1"]


def test_a_note_with_another_rxnorm_code_beside_the_ndc_is_not_promised_and_does_not_go(cast, scribe, client):
    held = post(scribe, "a", {**UNKNOWN, "rxcui": "314076"})
    post(scribe, "b", {**UNKNOWN, "rxcui": "999999"})
    client.force_login(cast.dana)
    page = client.get(reverse("workbench:decide", args=[held.pk, 0])).content.decode()
    assert "This releases 1 delivery." in page
    assert decide(client, held).status_code == 302
    assert states()["a"][0] == "ready"
    assert states()["b"] == ("held", "drug_codes_disagree")


def test_the_two_codes_that_disagree_are_decided_as_a_pair_and_the_ndc_stays_as_it_was(cast, scribe, client):
    keep(cast.practice, drug_row({**UNKNOWN, "rxcui": "314076", "name": "L", "ecw_id": "70"}), cast.dana, "x")
    held = post(scribe, "a", {**UNKNOWN, "rxcui": "999999"})
    client.force_login(cast.dana)
    assert decide(client, held, ecw_id="71").status_code == 302
    assert states()["a"][0] == "ready"
    assert CrosswalkDrug.objects.get(key="ndc:00093111301").ecw_id == "70"
    assert CrosswalkDrug.objects.get(key="ndc:00093111301 rxcui:999999").ecw_id == "71"


@pytest.mark.parametrize("reading", ["", "0093111301", "00093-1113-02", "99999-9999-99"])
def test_a_reading_that_the_code_cannot_have_is_refused_and_nothing_is_kept(cast, scribe, client, reading):
    held = post(scribe, "a", AMBIGUOUS)
    client.force_login(cast.dana)
    assert decide(client, held, reading=reading).status_code == 422
    assert (states()["a"], CrosswalkDrug.objects.count()) == (("held", "drug_ndc_ambiguous"), 1)


@pytest.mark.parametrize("said", [{"ecw_id": " "}, {"name": ""}, {"drug": ""}, {"drug": "999999"}])
def test_a_decision_without_a_drug_keeps_and_releases_nothing(cast, scribe, client, said):
    held = post(scribe, "a", UNKNOWN)
    client.force_login(cast.dana)
    assert decide(client, held, **said).status_code == 422
    assert (states()["a"], CrosswalkDrug.objects.count()) == (("held", "drug_unknown"), 1)


def test_who_may_only_look_decides_nothing(cast, scribe, client):
    held = post(scribe, "a", UNKNOWN)
    client.force_login(cast.ava)
    assert decide(client, held).status_code in (403, 404)
    assert (states()["a"], CrosswalkDrug.objects.count()) == (("held", "drug_unknown"), 1)


def test_a_decision_on_an_ambiguous_ndc_settles_neither_reading_for_others(cast, scribe, client):
    held = post(scribe, "a", AMBIGUOUS)
    client.force_login(cast.dana)
    assert decide(client, held, reading="00931-1130-01").status_code == 302
    assert post(scribe, "b", {"text": "x", "ndc": "00931-1130-01"}).reason_code == "drug_unknown"
    assert post(scribe, "c", {"text": "x", "rxcui": "0093111301"}).reason_code == "drug_code_form"


def test_a_drug_kept_by_hand_meanwhile_is_not_written_over(cast, scribe):
    held = post(scribe, "a", UNKNOWN)
    unknown = workbench.unknown_at(cast.practice, held.pk, 0)
    row = drug_row({**UNKNOWN, "name": "Lisinopril", "ecw_id": "77"})
    keep(cast.practice, row, cast.omar, "by hand")
    with pytest.raises(workbench.DecidedMeanwhile):
        workbench.decide(cast.practice, unknown, replace(row, ecw_id="78"), cast.dana)
    assert CrosswalkDrug.objects.get(key=row.key).ecw_id == "77"


def test_the_page_of_the_entries_spells_the_names_of_codes_as_they_are_spelt(cast, scribe):
    rows = entry_rows(post(scribe, "a", KNOWN, UNKNOWN, AMBIGUOUS, {"text": "an ointment"}))
    assert [(row.right, row.trouble, row.index) for row in rows] == [
        ("eCW 80", "", None),
        ("", "Is not in the crosswalk yet", 1),
        ("", "Has an NDC with three readings: ten digits without hyphens", 2),
        ("", "Has neither an NDC nor an RxNorm code", None),
    ]
