"""A run from its request to its end, by its rows: refusals, what breaks in it, what it may claim, and its words."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, OperationalError
from django.utils import timezone

from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery.certification import page, report, report_pdf, running, scribe
from delivery.certification.desk import ATTESTED, UNPROVABLE, NothingMapped, NotTaken, Test, Verdict
from delivery.certification.evidence import keep
from delivery.certification.models import CertificationResult, CertificationRun, RunState
from delivery.certification.plan import Plan
from delivery.certification.running import CannotCertify
from delivery.certification.subject import subject_of
from delivery.webhooks.models import ScribeEndpoint
from portal import keys
from portal.models import ApiKey, Environment, Location, Scribe
from tests.delivery.certification.desks import desk_at

pytestmark = pytest.mark.django_db


def a_test(verdict=None, error: Exception | None = None, name: str = "a.test", reads: bool = False) -> Test:
    def run(desk, account):
        if error:
            raise error
        return verdict

    return Test(name, name.title(), run, reads)


def result(run: CertificationRun, name: str, passed: bool = True, **columns) -> CertificationResult:
    given = {"position": 1, "title": "T", "says": "Said.", "seconds": 0.1} | columns
    artefact = keep(run, f"{name}.json", b"{}")
    return CertificationResult.objects.create(run=run, name=name, passed=passed, artefact=artefact, **given)


def ended() -> AuditEvent:
    return AuditEvent.objects.get(event="certification.end")


class TestARequest:
    def test_keeps_who_asked_the_plan_the_subject_and_the_names_of_its_tests(self, cast):
        with acting(Actor("user", "7", "dana")):
            run = running.request(cast.north, Plan(load_notes=3))
        assert (run.by, run.state, run.is_over) == ("dana", RunState.WAITING, False)
        assert Plan.read(run.settings).load_notes == 3
        assert run.subject == subject_of(cast.north)
        assert (run.planned[0], run.planned[-1]) == ("connections", "security.audit")
        assert AuditEvent.objects.get(event="certification.begin").detail == {"run": run.pk, "tests": len(run.planned)}

    @pytest.mark.parametrize(
        "change, words",
        [({"environment": Environment.PRODUCTION}, "production"), ({"locked_reason": "By a person"}, "locked")],
    )
    def test_is_refused_where_no_test_may_write_and_leaves_no_trace(self, cast, change, words):
        Location.objects.filter(pk=cast.north.pk).update(**change)
        cast.north.refresh_from_db()
        with pytest.raises(CannotCertify, match=words):
            running.request(cast.north, Plan())
        assert not CertificationRun.objects.exists()
        assert not AuditEvent.objects.filter(event="certification.begin").exists()

    def test_stands_in_the_way_of_a_second_at_its_location_alone(self, cast):
        running.request(cast.north, Plan())
        with pytest.raises(CannotCertify, match="under way"):
            running.request(cast.north, Plan())
        assert running.request(cast.south, Plan()).state == RunState.WAITING

    def test_gives_up_a_run_whose_runner_is_silent_for_too_long_and_no_sooner(self, cast):
        run = desk_at(cast.north).run
        for beat, state in ((timedelta(minutes=-1), RunState.RUNNING), (timedelta(minutes=1), RunState.BROKEN)):
            CertificationRun.objects.update(beat_at=timezone.now() - running.DEAD_AFTER - beat)
            running.give_up_dead(cast.north)
            run.refresh_from_db()
            assert run.state == state
        assert run.finished_at is not None
        assert ended().detail["outcome"] == "broken"

    def test_gives_up_no_run_of_another_location(self, cast):
        run = desk_at(cast.south).run
        CertificationRun.objects.update(beat_at=timezone.now() - timedelta(days=1))
        running.give_up_dead(cast.north)
        run.refresh_from_db()
        assert run.state == RunState.RUNNING

    @pytest.mark.parametrize("state", [RunState.PASSED, RunState.FAILED, RunState.BROKEN])
    def test_that_has_ended_is_not_broken_off_after_all(self, cast, state):
        run = CertificationRun.objects.create(location=cast.north, by="x", state=state)
        running.break_off(run)
        run.refresh_from_db()
        assert run.state == state
        assert not AuditEvent.objects.filter(event="certification.end").exists()


class TestATestOfIt:
    def made(self, cast, test: Test, stopped: bool = False):
        desk = desk_at(cast.north)
        return running.make(desk, test, 4, stopped)

    @pytest.mark.parametrize(
        "error, words",
        [
            (NotTaken(422), "The note was not taken in: the API answered 422."),
            (NothingMapped(), "no route for note sections, or no template with a mapping in force"),
            (KeyError("Lena Okafor"), "The test could not be made (KeyError)."),
        ],
    )
    def test_that_breaks_is_failed_with_words_and_without_what_it_held(self, cast, error, words):
        row = self.made(cast, a_test(error=error))
        assert (row.passed, row.applies) == (False, True)
        assert words in row.says
        assert "Lena" not in row.says

    def test_that_breaks_with_the_database_is_not_a_failed_one(self, cast):
        with pytest.raises(DatabaseError):
            self.made(cast, a_test(error=OperationalError("gone")))
        assert not CertificationResult.objects.exists()

    def test_is_not_made_once_the_connections_failed_and_says_so(self, cast):
        row = self.made(cast, a_test(Verdict(True, "Fine.")), stopped=True)
        assert (row.passed, row.says) == (False, "Not made: the connections have to work first.")

    def test_says_no_more_than_fits_and_its_account_has_it_whole(self, cast):
        row = self.made(cast, a_test(Verdict(False, "x" * 500)))
        assert len(row.says) == 300
        assert row.artefact.name == "a.test.json"

    def test_that_needs_a_reader_is_unprovable_without_one(self, cast):
        cast.north.reading_connection = None
        cast.north.save()
        row = self.made(cast, a_test(Verdict(True, "In its field."), reads=True))
        assert (row.proof, "field" in row.says) == (UNPROVABLE, False)

    @pytest.mark.parametrize("name, goes_on", [("connections", False), ("templates", True)])
    def test_stops_those_after_it_only_where_it_is_the_gate(self, cast, name, goes_on):
        desk, lines = desk_at(cast.north), []
        running.make_all(desk, [a_test(Verdict(False, "No."), name=name), a_test(Verdict(True, "Yes."))], lines.append)
        assert CertificationResult.objects.get(name="a.test").passed is goes_on
        desk.run.refresh_from_db()
        assert (desk.run.at_work, len(lines)) == ("a.test", 2)

    @pytest.mark.parametrize(
        "verdict, word",
        [
            (Verdict(True, "Yes."), "passed"),
            (Verdict(False, "No."), "FAILED"),
            (Verdict(True, "None here.", applies=False), "nothing to test"),
            (Verdict(True, "Signed.", proof=ATTESTED), "attested"),
            (Verdict(False, "No.", proof=UNPROVABLE), "FAILED"),
        ],
    )
    def test_is_said_in_the_word_it_deserves(self, cast, verdict, word):
        lines = []
        running.make_all(desk_at(cast.north), [a_test(verdict)], lines.append)
        assert lines[0].split(" a.test: ")[0].strip() == word


class TestItsEnd:
    def finished(self, cast, *passed: bool, complete: bool = True, subject=None) -> CertificationRun:
        run = desk_at(cast.north).run
        run.subject = subject_of(cast.north) if subject is None else subject
        run.save()
        for place, each in enumerate(passed):
            result(run, f"t{place}", each, position=place)
        running.finish(run, complete)
        run.refresh_from_db()
        return run

    def test_is_passed_where_every_test_did(self, cast):
        run = self.finished(cast, True, True)
        assert (run.state, run.at_work) == (RunState.PASSED, "")
        assert (ended().detail["failed"], ended().detail["report_sha256"]) == (0, run.report_sha256)
        assert report.is_genuine(CertificationRun.objects.select_related("location__practice").get(pk=run.pk))

    def test_is_failed_by_one_and_counts_them(self, cast):
        assert self.finished(cast, True, False, False).state == RunState.FAILED
        assert ended().detail["failed"] == 2

    def test_without_any_test_proves_nothing(self, cast):
        assert self.finished(cast).state == RunState.FAILED

    def test_of_some_tests_alone_proves_nothing(self, cast):
        assert self.finished(cast, True, complete=False).state == RunState.FAILED

    @pytest.mark.parametrize("key", ["templates", "ways"])
    def test_is_spoilt_by_what_was_taken_away_beneath_it_as_by_what_was_added(self, cast, key):
        more = subject_of(cast.north)
        more[key] = more[key] | {"X": next(iter(more[key].values()))} if key == "templates" else {"note": ["hl7", "x"]}
        assert self.finished(cast, True, subject=more).state == RunState.FAILED

    def test_a_worker_without_work_rests(self, cast):
        desk_at(cast.north)
        assert running.run_waiting() == 0, "a run that is under way is somebody else's"

    def test_a_run_is_taken_by_one_of_two_workers(self, cast):
        run = desk_at(cast.north).run
        assert running.carry_out(run, lambda: None) is None
        assert running.progress(run) == (0, 0)


class TestThePage:
    def rows(self, cast, state: str, **columns) -> dict:
        run = CertificationRun.objects.create(
            location=cast.north, by="x", state=state, planned=["one", "two", "three"], at_work="two", **columns
        )
        result(run, "one")
        context = page.context_of(cast.north)
        return context | {"words": [row.word for row in context["rows"]]}

    def test_counts_what_has_been_made_while_it_goes_on(self, cast):
        found = self.rows(cast, RunState.RUNNING)
        assert found["words"] == ["Passed", "At work", "To come"]
        assert (found["made"], found["goes_on"], found["tone"]) == (1, True, "wait")

    def test_does_not_count_as_made_what_a_broken_run_never_came_to(self, cast):
        found = self.rows(cast, RunState.BROKEN)
        assert found["words"][2] == "Not made"
        assert (found["made"], found["goes_on"], found["tone"]) == (1, False, "warn")

    def test_calls_nothing_genuine_that_was_never_signed(self, cast):
        assert not self.rows(cast, RunState.PASSED, subject=subject_of(cast.north))["genuine"]

    def test_shows_the_runs_before_the_newest_first_and_no_more_than_fit(self, cast):
        for number in range(page.KEPT_IN_VIEW + 5):
            CertificationRun.objects.create(location=cast.north, by=str(number), state=RunState.FAILED)
        found = page.context_of(cast.north)
        assert found["run"].by == "24"
        assert [run.by for run, _ in found["earlier"]] == [str(number) for number in range(23, 4, -1)]

    def test_shows_another_locations_runs_nowhere(self, cast):
        CertificationRun.objects.create(location=cast.south, by="x", state=RunState.FAILED)
        found = page.context_of(cast.north)
        assert (found["run"], found["rows"], found["tone"], found["made"]) == (None, [], "off", 0)


class TestThePdf:
    def facts(self, *tests: dict) -> str:
        claim = {"name": "t", "title": "T", "says": "S", "artefact": {"name": "t.json", "sha256": "0" * 64}}
        said = {"practice": "p", "location": "L", "environment": "sandbox", "run": 1, "by": "dana", "state": "passed"}
        said |= {"started_at": None, "finished_at": None, "subject": {"templates": {}, "ways": {}}, "artefacts": []}
        run = SimpleNamespace(signature="", report_sha256="")
        parts = report_pdf.story(said | {"tests": [claim | test for test in tests]}, run)
        return parts[1].getPlainText()

    def test_never_counts_a_signature_or_a_mere_acceptance_as_passed(self):
        good = {"passed": True, "applies": True}
        said = self.facts(good, good, good | {"proof": ATTESTED}, good | {"proof": UNPROVABLE})
        assert "Of 4 tests 2 passed, 1 attested, 1 not provable here." in said

    def test_counts_what_was_not_there_to_test_and_what_failed_by_their_names(self):
        said = self.facts({"passed": True, "applies": False}, {"passed": False, "applies": True})
        assert "1 nothing to test, 1 FAILED" in said

    def test_of_a_run_without_tests_says_that_none_was_made(self):
        assert "Of 0 tests none was made." in self.facts()

    def test_names_a_template_without_a_mapping_and_every_way_in_its_turn(self):
        of = {"template_version": 0, "template": "", "mapping_version": 0, "mapping": ""}
        lines = report_pdf.subject_lines({"templates": {"B": of, "A&B": of}, "ways": {"note": ["hl7", "fhir"]}})
        assert lines[0].startswith("Template A&amp;B, version 0")
        assert all("(none)" in line for line in lines[:2])
        assert lines[2] == "note: hl7, then fhir"


class TestTheSyntheticScribe:
    def test_has_a_key_for_its_location_alone_and_leaves_none(self, cast):
        arrived = scribe.arrive(cast.north)
        key = ApiKey.objects.get(scribe__name=scribe.NAME)
        assert list(key.locations.all()) == [cast.north]
        assert key.environment == Environment.SANDBOX
        assert ScribeEndpoint.objects.get().enabled
        arrived.leave()
        key.refresh_from_db()
        assert key.revoked_at is not None
        assert not ScribeEndpoint.objects.get().enabled

    def test_comes_again_as_the_same_one_with_another_key(self, cast):
        first = scribe.arrive(cast.north)
        first.leave()
        second = scribe.arrive(cast.south)
        second.leave()
        assert (first.scribe, first.endpoint) == (second.scribe, second.endpoint)
        assert first.bearer != second.bearer
        assert Scribe.objects.get(name=scribe.NAME).synthetic

    def test_keeps_its_key_out_of_what_is_printed_of_it(self, cast):
        arrived = scribe.arrive(cast.north)
        assert arrived.bearer not in repr(arrived)
        arrived.leave()

    def test_does_not_come_to_production(self, cast):
        cast.north.environment = Environment.PRODUCTION
        with pytest.raises(ValueError, match="sandbox only"):
            scribe.arrive(cast.north)
        assert not Scribe.objects.filter(name=scribe.NAME).exists()

    @pytest.mark.parametrize(
        "hosts, host", [(["*"], "localhost"), ([".example.org", "notes.example.org"], "notes.example.org")]
    )
    def test_speaks_to_a_host_that_the_portal_answers_to(self, settings, hosts, host):
        settings.ALLOWED_HOSTS = hosts
        with scribe.client() as client:
            assert client.base_url.host == host

    def test_posts_each_note_under_a_key_of_its_own_so_that_a_repeat_is_judged_by_its_version(self, cast):
        sent = []
        http = SimpleNamespace(post=lambda path, **rest: sent.append(rest["headers"]["Idempotency-Key"]))
        ours = Scribe.objects.create(practice=cast.practice, name="S")
        key, bearer = keys.create(ours, Environment.SANDBOX, locations=[cast.north])
        one = scribe.SyntheticScribe(http, ours, key, bearer, None, None)
        for _ in range(2):
            one.post({"source_note_id": "cert-1-1", "version": 1})
        assert sent == ["cert-1-1-1-1", "cert-1-1-1-2"]
