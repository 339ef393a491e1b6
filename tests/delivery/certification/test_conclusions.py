"""What the functional, failure and load tests conclude, and what a run and its pages make of their verdicts."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from delivery.certification import errors, functional, load, settling, suite
from delivery.certification.between import CannotStandBetween
from delivery.certification.desk import NO_DELIVERY, UNPROVABLE, Verdict
from delivery.certification.relay import Mood
from delivery.connection_steps import FAILED, PASSED
from delivery.discovery import CannotDiscover
from delivery.models import Delivery, Heartbeat, Reading
from delivery.states import State
from mapping.importers.base import fingerprint
from mapping.models import CrosswalkDrug
from mapping.queries import field_specs
from portal.models import Location, Part, Route
from tests.delivery.certification.desks import account_of, came, desk_at, taken
from tests.delivery.rows import make_delivery

FINITE = st.floats(0, 3600, allow_nan=False)


def blind(location: Location) -> Location:
    Location.objects.filter(pk=location.pk).update(reading_connection=None)
    return Location.objects.select_related("practice").get(pk=location.pk)


@pytest.mark.django_db
class TestTheFunctionalTests:
    def test_are_one_for_each_template_and_kind_of_visit(self, cast):
        names = [test.name for test in functional.tests(cast.north)]
        assert names == [
            "connections", "templates", "functional.FM-PROGRESS.in_person", "functional.FM-PROGRESS.telehealth",
        ]  # fmt: skip

    def test_try_a_template_that_is_no_visits_default_in_person(self, cast):
        cast.north.templates.update(default_for=[])
        assert functional.tests(cast.north)[-1].name == "functional.FM-PROGRESS.in_person"

    def test_try_coded_parts_that_have_a_way_and_no_others(self, cast):
        Route.objects.create(location=cast.north, part=Part.ALLERGIES, connection=cast.reader)
        Route.objects.create(location=cast.south, part=Part.DIAGNOSES, connection=cast.reader)
        coded = [test.name for test in functional.tests(cast.north) if test.name.count(".") == 1]
        assert coded == ["functional.allergies"]

    def test_come_first_and_the_audit_last_and_each_has_a_name_of_its_own(self, cast):
        names = [test.name for test in suite.tests_of(cast.north)]
        assert (names[0], names[-1]) == (suite.GATE, "security.audit")
        assert len(set(names)) == len(names)

    def posted(self, cast, location, *deliveries):
        desk = desk_at(location, taken(*deliveries))
        account = account_of(desk)
        return functional.sections(desk, account, location.templates.get(), "telehealth"), desk, account

    def test_that_made_no_delivery_prove_no_field(self, cast):
        assert self.posted(cast, cast.north)[0] == Verdict(False, NO_DELIVERY)
        assert self.posted(cast, blind(cast.south))[0] == Verdict(False, NO_DELIVERY)

    def test_count_the_sections_that_were_read_back(self, cast):
        verdict, desk, account = self.posted(cast, cast.north, make_delivery(cast))
        assert verdict == Verdict(True, "6 sections, each in its field.")
        assert desk.scribe.posted[0]["visit_type"] == "telehealth"
        assert account.facts["sections"][0] == "chief_complaint"

    @pytest.mark.parametrize("state", [State.UNKNOWN, State.REJECTED, State.VERIFIED])
    def test_where_no_chart_is_read_are_failed_by_what_was_not_accepted(self, cast, state):
        verdict = self.posted(cast, blind(cast.north), make_delivery(cast, state))[0]
        assert (verdict.passed, verdict.proof) == (False, "")
        assert verdict.says.startswith(f"note {state}")


@pytest.mark.django_db
class TestTheTemplatesAtEcw:
    def held(self, cast, monkeypatch, found):
        def discover(location):
            if isinstance(found, Exception):
                raise found
            return [SimpleNamespace(code=code, fields=fields) for code, fields in found]

        monkeypatch.setattr(functional, "discover", discover)
        desk = desk_at(cast.north)
        account = account_of(desk)
        return functional.templates(desk, account), came(account)

    @pytest.fixture
    def fields(self, cast):
        """The fields of the template as imported, its fingerprint with them."""
        version = cast.north_mapping.template_version
        specs = field_specs(version.pk)
        type(version).objects.filter(pk=version.pk).update(fingerprint=fingerprint(specs))
        return specs

    def test_are_as_imported(self, cast, monkeypatch, fields):
        verdict, steps = self.held(cast, monkeypatch, [("FM-PROGRESS", fields), ("OTHER", ())])
        assert (verdict.passed, steps) == (True, ["as imported"])

    def test_in_another_order_differ(self, cast, monkeypatch, fields):
        verdict, _ = self.held(cast, monkeypatch, [("FM-PROGRESS", fields[1:])])
        assert verdict.says == "Not as imported: FM-PROGRESS differs. Import them again."

    def test_that_are_gone_are_missing_though_another_has_their_fields(self, cast, monkeypatch, fields):
        verdict, _ = self.held(cast, monkeypatch, [("fm-progress", fields)])
        assert "FM-PROGRESS missing" in verdict.says

    def test_without_any_version_are_not_as_imported(self, cast, monkeypatch, fields):
        cast.north.templates.create(code="BARE", name="Bare", default_for=[])
        verdict, _ = self.held(cast, monkeypatch, [("FM-PROGRESS", fields)])
        assert verdict.says == "Not as imported: BARE missing. Import them again."

    def test_that_are_not_listed_prove_nothing_and_fail_nothing(self, cast, monkeypatch):
        verdict, steps = self.held(cast, monkeypatch, CannotDiscover("It lists none."))
        assert (verdict.passed, verdict.applies, steps) == (True, False, ["It lists none."])


@pytest.mark.django_db
class TestConnectionsAndEntries:
    def test_a_missing_right_is_left_to_the_test_of_rights(self, cast, monkeypatch):
        steps = {
            cast.hl7.pk: [("name", PASSED, ""), ("network", FAILED, "connection_refused")],
            cast.reader.pk: [("scope", FAILED, "read_forbidden")],
        }
        row = lambda key, outcome, reason: SimpleNamespace(key=key, outcome=outcome, says="", reason_code=reason)  # noqa: E731
        monkeypatch.setattr(functional, "examine", lambda one: [row(*step) for step in steps[one.pk]])
        desk = desk_at(cast.north)
        account = account_of(desk)
        verdict = functional.connections(desk, account)
        assert verdict.says == f"Stopped: {cast.hl7.name} at Network (connection_refused)."
        assert "failed read_forbidden" in came(account)

    def entered(self, cast, part, *deliveries):
        desk = desk_at(cast.north, taken(*deliveries))
        return functional.entries(desk, account_of(desk), part), desk

    @pytest.mark.parametrize("part", ["diagnoses", "allergies", "immunizations", "observations"])
    def test_a_coded_part_is_sent_beside_a_whole_note(self, cast, part):
        mine = make_delivery(cast, State.ACCEPTED, part=part)
        verdict, desk = self.entered(cast, part, make_delivery(cast, State.REJECTED), mine)
        assert verdict.passed, "what becomes of the note itself is another test's"
        assert len(desk.scribe.posted[0][part]) == 1
        assert desk.scribe.posted[0]["sections"]

    @pytest.mark.parametrize("state", [State.UNKNOWN, State.REJECTED, State.HELD, State.PARKED])
    def test_an_entry_that_was_not_taken_fails(self, cast, state):
        verdict, _ = self.entered(cast, "allergies", make_delivery(cast, state, part="allergies"))
        assert (verdict.passed, verdict.says) == (False, f"allergies {state}")

    def test_an_entry_for_which_nothing_was_sent_fails(self, cast):
        assert self.entered(cast, "allergies", make_delivery(cast))[0].says == "No such part was sent."

    def test_a_drug_is_one_of_the_practices_own_crosswalk_and_never_guessed(self, cast):
        row = {"name": "Lisinopril 10 mg", "ecw_id": "1", "verified_at": timezone.now()}
        CrosswalkDrug.objects.create(practice=cast.elsewhere.practice, key="rx:1", rxcui="1", **row)
        CrosswalkDrug.objects.create(practice=cast.practice, key="none", **row)
        assert functional.sample_entry(cast.north, Part.MEDICATIONS) is None
        assert not self.entered(cast, "medications")[0].applies
        CrosswalkDrug.objects.create(practice=cast.practice, key="rx:2", rxcui="314076", **row)
        assert functional.sample_entry(cast.north, Part.MEDICATIONS)["rxcui"] == "314076"


@pytest.mark.django_db
class TestAFailureThatIsMadeToHappen:
    def test_where_no_relay_can_stand_is_no_failure_and_no_proof(self, cast, monkeypatch):
        def refuses(desk, sender):
            raise CannotStandBetween("A person has signed in.")

        monkeypatch.setattr(errors, "relay_before", refuses)
        desk = desk_at(cast.north)
        verdict = errors.failing(desk, account_of(desk), Mood.SILENT)
        assert (verdict.applies, verdict.says) == (False, "A person has signed in.")

    @pytest.mark.parametrize("mood, moods", [(Mood.CLOSED, ["closed", "pass"]), (Mood.GARBLED, ["garbled"])])
    def test_lasts_only_where_nobody_could_end_it(self, cast, mood, moods):
        seen = []
        relay = SimpleNamespace(be=lambda mood: seen.append(mood.value), struck=2)
        desk = desk_at(cast.north, taken(make_delivery(cast)))
        account = account_of(desk)
        assert len(errors.meet(desk, account, relay, mood)) == 1
        assert seen == moods
        assert account.facts == {"mood": mood.value, "struck": 2}

    def test_that_struck_and_left_no_delivery_has_lost_a_note(self, cast):
        desk = desk_at(cast.north)
        account = account_of(desk)
        account.facts["struck"] = 1
        assert errors.judged([], account) == Verdict(False, NO_DELIVERY)


@pytest.mark.django_db
class TestTheLoad:
    def judged(self, cast, found, **facts):
        desk = desk_at(found[0].location if found else cast.north)
        account = account_of(desk)
        account.facts = {"attempts": {"accepted": len(found)}, "reads_refused": 0, "proven_p95": 6.0} | facts
        return load.judged(desk, account, found)

    def test_within_its_limits_passes_with_its_figures(self, cast):
        verdict = self.judged(cast, [make_delivery(cast)])
        assert verdict == Verdict(True, "1 notes, 95 of 100 proven within 6.0 s, none left over.")

    @pytest.mark.parametrize("p95, passed", [(10.0, True), (10.001, False), (None, False)])
    def test_is_late_beyond_the_limit_and_not_at_it(self, cast, p95, passed):
        assert self.judged(cast, [make_delivery(cast)], proven_p95=p95).passed is passed

    def test_counts_those_that_came_later_than_the_limit(self, cast):
        slow = make_delivery(cast)
        slow.verified_at = slow.created_at + timedelta(seconds=11)
        assert "and 1 came later" in self.judged(cast, [make_delivery(cast), slow], proven_p95=10.9).says

    @pytest.mark.parametrize(
        "facts, words",
        [
            ({"reads_refused": 3}, "eCW's limit of calls is too small for this volume: 3 reads were refused."),
            ({"attempts": {"accepted": 4, "no_answer": 2}}, "not answered well: 2 no_answer."),
        ],
    )
    def test_on_time_but_not_clean_fails(self, cast, facts, words):
        verdict = self.judged(cast, [make_delivery(cast)], **facts)
        assert not verdict.passed
        assert words in verdict.says

    def test_with_one_note_not_proven_fails_whatever_its_figures(self, cast):
        verdict = self.judged(cast, [make_delivery(cast), make_delivery(cast, State.UNKNOWN)])
        assert verdict.says == "1 of 2 are not proven; the first: note unknown"

    def test_where_no_chart_is_read_is_measured_to_the_acceptance_and_never_called_proven(self, cast):
        blind(cast.north)
        found = Delivery.objects.select_related("location").get(pk=make_delivery(cast, State.ACCEPTED).pk)
        verdict = self.judged(cast, [found], proven_p95=4.0)
        assert (verdict.proof, load.proven_after(found)) == (UNPROVABLE, 4.0)
        assert "proven within" not in verdict.says

    def test_that_proved_nothing_has_no_figures_and_no_division_by_nothing(self):
        facts = load.measured([], [], 0.0, 0)
        assert (facts["accepted_a_second"], facts["proven_p95"], facts["proven_max"]) == (0.0, None, None)

    def test_counts_reads_that_the_limit_of_calls_refused_and_no_other(self, cast):
        delivery = make_delivery(cast)
        for reason in ("rate_limited", "dns", "rate_limited"):
            Reading.objects.create(delivery=delivery, connection=cast.reader, at=timezone.now(), reason_code=reason)
        assert load.measured([delivery], [0.1], 1.0, 0)["reads_refused"] == 2

    @given(st.lists(FINITE, min_size=1), FINITE)
    def test_a_percentile_lies_within_what_was_measured_and_never_falls(self, values, more):
        found = load.percentile(values)
        assert min(values) - 0.001 <= found <= max(values) + 0.001
        assert load.percentile([*values, max(values) + more]) >= found - 0.001


@pytest.mark.django_db
class TestWhenADeliveryIsOver:
    @pytest.mark.parametrize("state", list(State))
    def test_by_its_state(self, cast, state):
        delivery = make_delivery(cast, state)
        over = Delivery.objects.filter(settling.OVER, pk=delivery.pk).exists()
        assert over is (state not in (State.READY, State.SENDING, State.UNKNOWN))

    @pytest.mark.parametrize("proof, over", [("", False), ("app_data", True)])
    def test_not_while_another_look_into_the_chart_is_due(self, cast, proof, over):
        delivery = make_delivery(cast, State.ACCEPTED)
        Delivery.objects.filter(pk=delivery.pk).update(read_at=timezone.now(), proof=proof)
        assert Delivery.objects.filter(settling.OVER, pk=delivery.pk).exists() is over

    def test_in_doubt_only_where_nobody_can_look(self, cast):
        doubt = [make_delivery(cast, State.UNKNOWN, reason_code=code) for code in (settling.NO_READER, "no_answer")]
        assert list(Delivery.objects.filter(settling.OVER)) == doubt[:1]

    @pytest.mark.parametrize("seconds, lives", [(0, True), (29, True), (31, False)])
    def test_a_worker_lives_by_its_last_sign(self, db, seconds, lives):
        assert not settling.a_worker_lives()
        Heartbeat.objects.create(worker="w", beat_at=timezone.now(), started_at=timezone.now())
        Heartbeat.objects.update(beat_at=timezone.now() - timedelta(seconds=seconds))
        assert settling.a_worker_lives() is lives
