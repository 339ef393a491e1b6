"""What a test of the suite concludes from the rows it finds: verdicts, gaps in the log, standings, and signed statements."""

import hashlib
import json

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.record import record
from delivery.certification import audited, report
from delivery.certification.desk import (
    Verdict,
    codes_of,
    headings_of,
    in_its_field,
    mapped_templates,
    not_here,
    wrong_with,
)
from delivery.certification.errors import MOODS, judged
from delivery.certification.errors import tests as failure_tests
from delivery.certification.evidence import Account, answer, encoded, events_of, keep, open_artefact
from delivery.certification.models import CertificationArtefact, CertificationResult, CertificationRun, RunState
from delivery.certification.notes import Numbering, sections
from delivery.certification.relay import Mood
from delivery.certification.standing import lacks, standing, where
from delivery.certification.subject import subject_of
from delivery.models import Attempt, Delivery
from delivery.states import State
from mapping.apply import apply
from mapping.note import Section
from mapping.queries import published_spec
from portal.crypto import CannotOpen
from portal.models import Environment, Location, Part, Route
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db


def make_run(location: Location, state: str = RunState.RUNNING, **changes) -> CertificationRun:
    return CertificationRun.objects.create(location=location, by="tests", state=state, **changes)


@pytest.fixture
def run(cast) -> CertificationRun:
    return make_run(cast.north)


@pytest.fixture
def account(run) -> Account:
    made = Account(run, "errors.time_out", "The receiver never answers")
    made.facts["struck"] = 1
    return made


class TestAFailureOfTheNetwork:
    def test_that_left_the_note_in_the_chart_once_is_passed(self, cast, account):
        found = [make_delivery(cast, State.VERIFIED)]
        assert judged(found, account) == Verdict(True, "In the chart, once, after 1 attempt.")

    def test_names_its_attempts_as_facts(self, cast, account):
        found = [make_delivery(cast, State.VERIFIED, tries=["no_answer", "accepted"])]
        assert judged(found, account).says.endswith("after 2 attempts.")
        assert account.facts["attempts"] == ["no_answer", "accepted"]

    def test_that_never_came_about_proves_nothing_though_all_is_well(self, cast, account):
        account.facts["struck"] = 0
        verdict = judged([make_delivery(cast, State.VERIFIED)], account)
        assert not verdict.passed
        assert "did not come about" in verdict.says

    def test_that_leaves_a_note_for_a_person_loses_none(self, cast, account):
        verdict = judged([make_delivery(cast, State.PARKED, reason_code="blind_receiver")], account)
        assert (verdict.passed, "waiting for a person" in verdict.says) == (True, True)

    @pytest.mark.parametrize("state", [State.UNKNOWN, State.ACCEPTED, State.MISFILED, State.REJECTED, State.HELD])
    def test_that_leaves_a_note_anywhere_else_is_failed_and_says_where(self, cast, account, state):
        verdict = judged([make_delivery(cast, state)], account)
        assert not verdict.passed
        assert f"note {state}" in verdict.says

    def test_is_failed_by_one_note_of_two(self, cast, account):
        found = [make_delivery(cast, State.PARKED), make_delivery(cast, State.UNKNOWN)]
        assert not judged(found, account).passed

    def test_of_every_kind_but_none_is_tried(self):
        assert {mood for mood, _ in MOODS.values()} == set(Mood) - {Mood.PASS}
        assert [test.name for test in failure_tests()] == list(MOODS)


class TestADelivery:
    @pytest.mark.parametrize("proof, proven", [("field", True), ("section", True), ("document", False), ("", False)])
    def test_is_proven_only_where_every_section_was_read_back(self, cast, proof, proven):
        delivery = make_delivery(cast, State.VERIFIED)
        delivery.proof = proof
        assert in_its_field(delivery) is proven

    @pytest.mark.parametrize("state", [state for state in State if state is not State.VERIFIED])
    def test_of_any_other_state_is_not(self, cast, state):
        delivery = make_delivery(cast, state)
        delivery.proof = "field"
        assert not in_its_field(delivery)

    def test_is_told_by_its_codes_and_never_by_its_text(self, cast):
        delivery = make_delivery(
            cast, State.MISFILED, reason_code="sections_differ", outcomes=["verified", "moved", "missing"]
        )
        said = wrong_with(delivery)
        assert said == "note misfiled (sections_differ): history_of_present_illness moved, physical_exam missing"

    def test_tells_of_six_sections_at_most(self, cast):
        delivery = make_delivery(cast, State.MISFILED)
        delivery.section_outcomes = [{"code": f"c{at}", "title": "", "outcome": "moved"} for at in range(9)]
        assert wrong_with(delivery).count("moved") == 6

    @pytest.mark.parametrize("state", [State.VERIFIED, State.ACCEPTED])
    def test_without_proof_says_so(self, cast, state):
        delivery = make_delivery(cast, state)
        delivery.proof = ""
        assert wrong_with(delivery).endswith("proof none")


def test_what_cannot_be_tested_is_no_failure_and_no_proof():
    verdict = not_here("There is no reader.")
    assert (verdict.passed, verdict.applies) == (True, False)


def test_only_templates_with_a_mapping_in_force_are_tested(cast):
    assert [template.code for template in mapped_templates(cast.north)] == ["FM-PROGRESS"]
    cast.north_mapping.state = "retired"
    cast.north_mapping.save()
    assert mapped_templates(cast.north) == []


def test_a_template_is_tested_with_each_section_of_its_mapping_once_in_the_order_of_the_fields(cast):
    codes = codes_of(cast.south_mapping.template)
    assert codes == [
        "chief_complaint",
        "physical_exam",
        "history_of_present_illness",
        "assessment",
        "plan",
        "assessment_and_plan",
    ]


def divided(cast, *headings):
    """South's mapping, with Assessment and Plan divided at these headings."""
    mapping = cast.south_mapping
    mapping.rules.filter(section_code="assessment_and_plan").delete()
    for place, heading in enumerate(headings, start=20):
        mapping.rules.create(
            section_code="assessment_and_plan", field_id="S.400", kind="split", position=place, settings={"heading": heading}
        )  # fmt: skip
    return mapping.template


@pytest.mark.parametrize("headings", [("Assessment", "Plan"), ("Plan",), ("Assessment", "", "Plan")])
def test_a_section_that_the_mapping_divides_is_written_with_its_headings_so_that_it_passes(cast, headings):
    template = divided(cast, *headings)
    spec = published_spec(template)
    written = sections(codes_of(template), Numbering(1).next(), headings=headings_of(template))
    found = apply(
        spec, [Section(place, row["code"], row["title"], row["text"]) for place, row in enumerate(written)], "hold"
    )
    assert found.problems == ()
    (value,) = [value.text for value in found.values if value.field_id == "S.400"]
    for heading in headings:
        assert f"of assessment_and_plan{', ' if heading else ''}{heading}." in value


def test_without_its_headings_a_divided_section_would_have_waited_for_a_person(cast):
    spec = published_spec(divided(cast, "Assessment", "Plan"))
    assert [
        one.code for one in apply(spec, [Section(0, "assessment_and_plan", "A/P", "No heading.")], "hold").problems
    ] == ["split_rest"]


class TestTheLog:
    def delivery(self, cast) -> Delivery:
        """With a move, a try and a look into the chart, and as yet no event."""
        return make_delivery(cast, State.VERIFIED)

    def gaps(self, delivery: Delivery) -> dict[str, bool]:
        """Per kind of access, whether one has no event."""
        return {
            what: any(events.get(str(key), 0) < count for key, count in rows.items())
            for what, rows, events in audited.accesses([delivery.pk])
        }

    def tell(self, event: str, delivery: Delivery, times: int = 1) -> None:
        for _ in range(times):
            record(event, practice="lakeside", location="NORTH", object_type="delivery", object_id=str(delivery.pk))

    def test_that_tells_nothing_has_a_gap_for_each_kind_of_access(self, cast):
        assert self.gaps(self.delivery(cast)) == {
            "State changes": True,
            "Messages sent": True,
            "Looks into the chart": True,
        }

    def test_that_tells_of_each_access_has_none(self, cast):
        delivery = self.delivery(cast)
        self.tell("delivery.intent", delivery, delivery.moves.count())
        self.tell("chart.read", delivery)
        assert set(self.gaps(delivery).values()) == {False}

    def test_that_tells_of_one_move_too_few_has_a_gap(self, cast):
        delivery = self.delivery(cast)
        self.tell("delivery.intent", delivery, delivery.moves.count() - 1)
        assert self.gaps(delivery)["State changes"]

    def test_of_another_delivery_closes_no_gap(self, cast):
        delivery, other = self.delivery(cast), self.delivery(cast)
        self.tell("chart.read", other)
        assert self.gaps(delivery)["Looks into the chart"]

    def test_is_listed_with_a_delivery_in_its_order(self, cast):
        delivery = self.delivery(cast)
        self.tell("delivery.intent", delivery)
        self.tell("chart.read", delivery)
        assert [row["event"] for row in events_of(delivery)] == ["delivery.intent", "chart.read"]


class TestEvidence:
    def test_is_sealed_and_opens_for_its_own_row_only(self, run):
        first, second = keep(run, "a.message", b"MSH|first"), keep(run, "b.message", b"MSH|second")
        assert b"first" not in bytes(first.sealed_content)
        assert open_artefact(first) == b"MSH|first"
        assert first.sha256 == hashlib.sha256(b"MSH|first").hexdigest()
        second.sealed_content = first.sealed_content
        with pytest.raises(CannotOpen):
            open_artefact(second)

    def test_has_a_name_once_a_run(self, cast, run):
        keep(run, "audit.json", b"{}")
        with pytest.raises(IntegrityError), transaction.atomic():
            keep(run, "audit.json", b"{}")
        keep(make_run(cast.south), "audit.json", b"{}")

    def test_is_the_same_bytes_whatever_order_it_was_made_in(self):
        assert encoded({"b": 1, "a": "é"}) == encoded({"a": "é", "b": 1})
        assert "é".encode() in encoded({"a": "é"})

    def test_of_a_test_names_its_steps_facts_and_pieces(self, cast, account):
        account.step("Posted a note")
        account.step("Looked", "nothing there")
        account.rests_on([make_delivery(cast, State.VERIFIED)])
        told = json.loads(open_artefact(account.close("It failed.", passed=False)))
        assert (told["test"], told["passed"], told["says"]) == ("errors.time_out", False, "It failed.")
        assert [step["came"] for step in told["steps"]] == ["done", "nothing there"]
        (delivery,) = told["deliveries"]
        stored = dict(CertificationArtefact.objects.filter(run=account.run).values_list("name", "sha256"))
        assert all(stored[piece["name"]] == piece["sha256"] for piece in delivery["artefacts"])

    def test_of_a_try_without_an_end_says_so(self, cast):
        delivery = make_delivery(cast, State.SENDING)
        told = answer(Attempt.objects.get(delivery=delivery))
        assert (told["attempt"], told["outcome"], told["answer"]) == (1, "", [])


class TestAReport:
    @pytest.fixture
    def ended(self, cast, run) -> CertificationRun:
        artefact = keep(run, "errors.time_out.json", b"{}")
        CertificationResult.objects.create(
            run=run,
            position=1,
            name="errors.time_out",
            title="T",
            passed=True,
            says="Well.",
            seconds=1.5,
            artefact=artefact,
        )
        run.state, run.finished_at = RunState.PASSED, timezone.now()
        run.report_sha256, run.signature = report.signed(run)
        run.save()
        return CertificationRun.objects.select_related("location__practice").get(pk=run.pk)

    def test_claims_what_each_test_came_to_with_the_hash_of_its_artefact(self, ended):
        (claim,) = report.statement(ended)["tests"]
        assert (claim["name"], claim["passed"], claim["applies"], claim["seconds"]) == (
            "errors.time_out",
            True,
            True,
            1.5,
        )
        assert claim["artefact"]["sha256"] == hashlib.sha256(b"{}").hexdigest()

    def test_is_genuine_as_it_was_signed(self, ended):
        assert ended.signature
        assert report.is_genuine(ended)

    @pytest.mark.parametrize(
        "change",
        [
            {"state": RunState.FAILED},
            {"by": "somebody else"},
            {"subject": {"templates": {}}},
            {"settings": {"load_notes": 1}},
        ],
    )
    def test_is_not_once_anything_of_the_run_was_changed(self, ended, change):
        CertificationRun.objects.filter(pk=ended.pk).update(**change)
        assert not report.is_genuine(CertificationRun.objects.get(pk=ended.pk))

    def test_is_not_with_another_runs_signature(self, cast, ended):
        other = make_run(cast.south, RunState.PASSED)
        other.report_sha256, other.signature = ended.report_sha256, ended.signature
        assert not report.is_genuine(other)

    @pytest.mark.parametrize("signature", ["", "no note", "scribeport\nrun 1 passed\n"])
    def test_is_not_without_a_signature_that_holds(self, ended, signature):
        ended.signature = signature
        assert not report.is_genuine(ended)

    def test_says_whose_it_is_how_it_ended_and_its_hash(self, ended):
        assert report.lines(ended, "ab" * 32).splitlines() == [
            "scribeport/certification/lakeside/NORTH",
            f"run {ended.pk} passed",
            f"report sha256 {'ab' * 32}",
        ]


class TestWhatALocationHasProven:
    def passed(self, location: Location, **changes) -> CertificationRun:
        given = {"subject": subject_of(location), "finished_at": timezone.now(), **changes}
        return make_run(location, RunState.PASSED, **given)

    def test_is_nothing_before_a_run_has_passed(self, cast):
        make_run(cast.north, RunState.FAILED, subject=subject_of(cast.north))
        found = standing(cast.north)
        assert (found.run, found.why, found.run_at) == (None, "No run has passed yet", "NORTH")

    def test_is_its_own_passed_run(self, cast):
        made = self.passed(cast.north)
        assert standing(cast.north).run == made
        assert lacks(cast.north) == []

    def test_is_the_newest_of_several(self, cast):
        self.passed(cast.north)
        newest = self.passed(cast.north)
        assert standing(cast.north).run == newest

    def test_ends_with_a_change_of_the_way_and_says_so(self, cast):
        self.passed(cast.north)
        Route.objects.filter(location=cast.north).update(connection=cast.reader)
        assert standing(cast.north).why.endswith("go by another way")

    def test_is_not_what_another_practice_has_proven(self, cast):
        self.passed(cast.elsewhere, subject=subject_of(cast.north))
        assert standing(cast.north).run is None

    def test_is_named_by_what_comes_nearest(self, cast):
        far = subject_of(cast.north) | {"ways": {Part.NOTE: ["fhir"]}, "unmapped": "something else"}
        self.passed(cast.north, subject=far)
        self.passed(cast.north, subject=far | {"ways": subject_of(cast.north)["ways"]})
        assert standing(cast.north).why == "What becomes of unmapped sections has changed since"

    def test_is_to_be_run_where_most_of_the_same_templates_are(self, cast):
        real = Location.objects.create(
            practice=cast.practice, code="REAL", name="Real", environment=Environment.PRODUCTION
        )
        template = cast.south_mapping.template
        template.pk, template.location = None, real
        template.save()
        assert where(real) == "SOUTH"
        (lack,) = lacks(real)
        assert lack.endswith("run certification at SOUTH.")

    def test_needs_a_sandbox_location_first_where_there_is_none(self, cast):
        Location.objects.filter(practice=cast.elsewhere.practice).update(environment=Environment.PRODUCTION)
        cast.elsewhere.refresh_from_db()
        (lack,) = lacks(cast.elsewhere)
        assert "make a sandbox location" in lack


class TestRunsOfALocation:
    def test_are_one_at_a_time(self, cast, run):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_run(cast.north, RunState.WAITING)
        make_run(cast.south, RunState.WAITING)

    @pytest.mark.parametrize("state", [RunState.PASSED, RunState.FAILED, RunState.BROKEN])
    def test_that_are_over_stand_in_nobodys_way(self, cast, state):
        assert make_run(cast.north, state).is_over
        assert not make_run(cast.north, RunState.WAITING).is_over

    def test_leave_a_result_that_nobody_changes(self, run):
        artefact = keep(run, "x.json", b"{}")
        made = {"position": 1, "name": "x", "title": "X", "passed": False, "says": "No.", "seconds": 0.1}
        result = CertificationResult.objects.create(run=run, artefact=artefact, **made)
        with pytest.raises(Exception, match=r"insert-only|append-only|changed|refused"), transaction.atomic():
            CertificationResult.objects.filter(pk=result.pk).update(passed=True)
        with pytest.raises(IntegrityError), transaction.atomic():
            CertificationResult.objects.create(run=run, artefact=artefact, **made)
