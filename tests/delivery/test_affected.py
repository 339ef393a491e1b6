"""The sections that are wrong with a delivery stand on its row: written with every reading and every hold, and taken away."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from delivery.affected import UNCODED, WRONG, by_outcomes, by_problems, codes, text
from delivery.filters import SECTION
from delivery.models import Delivery
from delivery.states import State
from delivery.words import SECTION_OUTCOMES
from mapping.note import Problem
from tests.delivery.test_sending import post, run_lanes
from tests.delivery.test_verification import read_now, settle_and_read

HERE = Path(__file__).resolve().parents[2] / "delivery"


def row(code: str, outcome: str) -> dict[str, str]:
    return {"code": code, "outcome": outcome}


def test_wrong_are_the_outcomes_that_the_screens_show_as_needing_a_person():
    assert {name for name, words in SECTION_OUTCOMES.items() if words.tone == "act"} == WRONG


@pytest.mark.parametrize("outcome", sorted({*SECTION_OUTCOMES, "", "never heard of"}))
def test_a_section_is_named_exactly_where_its_outcome_is_wrong(outcome):
    rows = [row("hpi", "verified"), row("plan", outcome)]
    assert by_outcomes(rows) == {"section_outcomes": rows, "affected": ",plan," if outcome in WRONG else ""}


def test_each_section_stands_once_in_the_notes_order_and_one_without_a_code_has_a_word():
    rows = [row("plan", "moved"), row("", "missing"), row("hpi", "cut"), row("plan", "altered"), row("", "missing")]
    found = by_outcomes(rows)["affected"]
    assert found == f",plan,{UNCODED},hpi,"
    assert codes(found) == ("plan", UNCODED, "hpi")
    assert codes("") == ()
    assert text(()) == ""


def test_no_code_is_part_of_another_where_it_is_looked_for():
    assert ",plan," not in text(["plan_of_care", "the_plan"])


def test_what_a_person_can_narrow_by_is_what_a_code_may_be():
    for code in ("hpi", "history_of_present_illness", "a1", UNCODED):
        assert SECTION.fullmatch(code)
    for code in ("", "HPI", "a,b", "a%", "1a", "a b", "_", "x" * 61):
        assert not SECTION.fullmatch(code)


@pytest.mark.parametrize(
    "problem, expected",
    [
        (Problem("unmapped_section", "…", "/sections/3", "hpi", "HPI"), ",hpi,"),
        (Problem("unmapped_section", "…", "/sections/3", "", "Horoscope"), f",{UNCODED},"),
        (Problem("drifted", "…", "/rules/4", "plan"), ",plan,"),
        (Problem("no_route", "…"), ""),
        (Problem("unknown_patient", "…", "/patient/id"), ""),
        (Problem("field_gone", "…", "/fields/NF-9"), ""),
    ],
)
def test_a_problem_affects_the_section_it_names(problem, expected):
    rows = [asdict(problem)]
    assert by_problems(rows) == {"problems": rows, "affected": expected}


def test_no_problem_is_no_section():
    assert by_problems([]) == {"problems": [], "affected": ""}


def test_outcomes_and_problems_are_written_nowhere_without_the_sections_they_concern():
    bare = re.compile(r"""(?<![\w.])(section_outcomes|problems)=(?!self)|["'](section_outcomes|problems)["']:""")
    kept = {"affected.py"}  # and what writes to other tables, or reads
    rows = {
        "bench/crowd.py",
        "api.py",
        "answers.py",
        "certification/evidence.py",
        "serializers.py",
        "suggested_codes.py",
    }
    others = {"rehearsal.py", "preview.py", "would_hold.py", "models.py", "migrations"}
    found = {}
    for path in HERE.rglob("*.py"):
        name = str(path.relative_to(HERE))
        if name in kept | rows | others or name.startswith(("migrations", "views", "channels", "failures")):
            continue
        if lines := [line.strip() for line in path.read_text().splitlines() if bare.search(line)]:
            found[name] = lines
    assert found == {}


@pytest.mark.django_db(transaction=True)
class TestTheCourse:
    """The real one: posted, sent over MLLP, read back from the simulated eCW."""

    def row(self, pk: int) -> Delivery:
        return Delivery.objects.get(pk=pk)

    def test_a_verified_note_has_its_template_its_latency_and_no_wrong_section(self, scribe, ecw):
        pk = post(scribe)
        before = self.row(pk)
        assert (before.template_id, before.took_seconds) == (before.note_version.template_id, None)
        assert before.template_id is not None
        run_lanes()
        read_now()
        after = self.row(pk)
        assert after.state == State.VERIFIED
        assert after.took_seconds == int((after.verified_at - after.created_at).total_seconds())
        assert (after.affected, after.mapping_version_id is not None) == ("", True)

    def test_a_dropped_section_is_named_by_the_reading(self, scribe, ecw):
        pk = post(scribe)
        ecw.fault("silent_drop", field_id="NF-02", count=1)
        run_lanes()
        read_now()
        settle_and_read()
        found = self.row(pk)
        assert found.state == State.MISFILED
        wrong = [one["code"] for one in found.section_outcomes if one["outcome"] == "missing"]
        assert codes(found.affected) == tuple(wrong)
        assert len(wrong) == 1

    def test_a_note_held_at_the_door_names_its_section(self, scribe):
        pk = post(scribe, sections=[{"title": "Horoscope", "text": "The stars are well."}])
        assert self.row(pk).affected == f",{UNCODED},"
