"""What eCW does otherwise, by hand: rows side by side, effects, whom it holds where, and stale pages."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery.models import Delivery
from delivery.states import State
from delivery.ways import changes
from delivery.ways.changes import (
    FIELD,
    NO,
    UNKNOWN,
    WAY,
    YES,
    accept,
    deviates,
    effect_of,
    judge,
    let_go,
    resting_on,
    rows_of,
)
from delivery.ways.changes_page import RUNS, context_of, probed_at, waiting_at
from delivery.ways.models import CapabilityProbe, Deviation
from delivery.ways.unsafe import Unsafe, unsafe_by
from mapping.note import Contribution, FieldValue
from portal.models import Connection, Environment, Location, Route
from tests.cast import NORTH_FIELDS, make_template
from tests.delivery.fhir import words
from tests.delivery.rows import make_delivery

WHY = "eCW says so in its release notes"
OUTCOMES = st.sampled_from([YES, NO, UNKNOWN])
FACTS = st.sampled_from(["", "AA", "AE", "verified", "missing"])


def finding(key: str = "write", outcome: str = "yes", fact: str = "", connection: int = 0) -> dict:
    return {"connection": connection, "name": "line", "key": key, "label": key, "outcome": outcome, "says": "",
            "fact": fact}  # fmt: skip


def run(location, *findings) -> CapabilityProbe:
    return CapabilityProbe.objects.create(location=location, by="Daily probe", findings=list(findings))


def judged(location, *findings) -> Deviation | None:
    with acting(Actor("worker", "w1", name="Daily probe")), changes.transaction.atomic():
        return judge(run(location, *findings))


def production(cast, code: str, template: str = "FM-PROGRESS") -> Location:
    """A production location with a template of this code, by an HL7 line of its own."""
    made = Location.objects.create(practice=cast.practice, code=code, name=code, environment=Environment.PRODUCTION)
    make_template(made, template, template, NORTH_FIELDS)
    line = Connection.objects.create(
        practice=cast.practice, name=f"Line {code}", kind="hl7", environment=Environment.PRODUCTION
    )
    Route.objects.create(location=made, part="note", connection=line)
    return made


def held(cast, code: str, **rest) -> Delivery:
    made = make_delivery(cast, State.HELD, reason_code=code, **rest)
    lane = cast.hl7.lanes.create(index=0) if not cast.hl7.lanes.exists() else cast.hl7.lanes.get()
    Delivery.objects.filter(pk=made.pk).update(lane=lane)
    return made


class TestDeviates:
    @given(OUTCOMES, FACTS)
    def test_nothing_deviates_from_itself(self, outcome, fact):
        assert not deviates(finding("section:A", outcome, fact), finding("section:A", outcome, fact))

    @given(OUTCOMES, OUTCOMES, FACTS, FACTS)
    def test_what_was_not_asked_in_either_run_deviates_in_none(self, old, new, was, now):
        if UNKNOWN in (old, new):
            assert not deviates(finding("write", old, was), finding("write", new, now))

    @given(st.floats(0, 100), st.floats(0, 100))
    def test_slower_both_ways_round_is_not_possible(self, one, other):
        first, second = (finding("answer_time", fact=f"{each:.3f}") for each in (one, other))
        assert not (deviates(first, second) and deviates(second, first))

    @pytest.mark.parametrize(
        "was, now, slow",
        [("0.000", "2.000", False), ("0.000", "2.001", True), ("1.000", "3.000", False), ("1.000", "3.001", True),
         ("4.000", "12.000", False), ("4.000", "12.001", True), ("", "99.000", False), ("1.000", "", False)],
    )  # fmt: skip
    def test_slow_is_beyond_three_times_and_two_seconds_more_and_not_on_the_border(self, was, now, slow):
        assert deviates(finding("appear_time", fact=was), finding("appear_time", fact=now)) == slow

    @pytest.mark.parametrize("key", ["section:A", "repeat", "read", "order", "populate"])
    def test_another_fact_with_the_same_outcome_is_told_of_writing_alone(self, key):
        assert not deviates(finding(key, fact="a"), finding(key, fact="b"))

    def test_a_run_of_before_facts_were_kept_deviates_by_its_outcome(self):
        bare = {key: value for key, value in finding().items() if key != "fact"}
        assert not deviates(bare, finding(fact="AA"))
        assert deviates(bare, finding(outcome="no"))

    @pytest.mark.parametrize(
        "key",
        ["scope:system/Patient.read", "scope:system/Binary.write.read", "scope:", "writes", "sections", "ordering"],
    )
    def test_what_only_looks_like_the_right_to_write_or_a_section_holds_nothing(self, key):
        assert effect_of(finding(key, "no", "x")) == ("", ())

    def test_an_order_whose_fields_are_not_named_holds_no_field(self):
        assert effect_of(finding("order", "no", "")) == (FIELD, ())

    def test_a_field_id_may_hold_a_colon(self):
        assert effect_of(finding("section:NF:04", "no")) == (FIELD, ("NF:04",))


@pytest.mark.django_db
class TestRows:
    def test_the_same_key_of_two_connections_is_two_rows(self, cast):
        before = run(cast.north, finding(connection=1), finding(connection=2))
        after = run(cast.north, finding(connection=1), finding(connection=2, outcome="no"))
        assert [(row.connection, row.changed) for row in rows_of(before, after)] == [(1, False), (2, True)]

    def test_a_row_knows_the_kind_of_its_connection_and_none_of_one_that_is_gone(self, cast):
        findings = [finding(connection=cast.hl7.pk), finding(connection=999_999)]
        rows = rows_of(run(cast.north, *findings), run(cast.north, *findings))
        assert [row.kind for row in rows] == ["hl7", ""]

    @pytest.mark.parametrize(
        "new, says",
        [
            (finding("write", "no"), "Notes by line wait"),
            (finding("section:A", "no"), "Notes that fill A by line wait"),
            (finding("order", "no", "A B"), "Notes that fill A, B by line wait"),
            (finding("read", "no"), "Nothing waits"),
        ],
    )
    def test_each_says_what_waits_for_it(self, cast, new, says):
        (row,) = rows_of(run(cast.north, finding(new["key"])), run(cast.north, new))
        assert row.holds == says

    def test_what_did_not_change_makes_nothing_unsafe_even_if_it_is_bad(self, cast):
        bad = finding("write", "no")
        (row,) = rows_of(run(cast.north, bad), run(cast.north, bad))
        assert (row.changed, row.effect) == (False, "")


@pytest.mark.django_db
class TestAcceptedFromAStalePage:
    def test_what_a_later_run_found_more_is_not_accepted_with_it(self, cast):
        """Looked at: one section. Meanwhile the right to write went as well."""
        run(cast.north, finding(), finding("section:A"))
        seen = judged(cast.north, finding(), finding("section:A", "no"))
        judged(cast.north, finding(outcome="no"), finding("section:A", "no"))
        assert not accept(seen, cast.dana, WHY)
        assert Deviation.objects.get().closed_at is None
        assert not AuditEvent.objects.filter(event="ecw.accept").exists()

    def test_nor_by_the_page_which_says_so_and_keeps_what_waits(self, cast, client):
        run(cast.north, finding(), finding("section:A"))
        seen = judged(cast.north, finding(), finding("section:A", "no"))
        waits = held(cast, WAY)
        posted = {"deviation": seen.pk, "probe": seen.probe_id, "reason": WHY}
        judged(cast.north, finding(outcome="no"), finding("section:A", "no"))
        client.force_login(cast.dana)
        answer = client.post(reverse("delivery:accept-change", args=["NORTH"]), posted, follow=True)
        assert "probed again meanwhile" in words(answer.content.decode())
        waits.refresh_from_db()
        assert waits.state == State.HELD

    @pytest.mark.parametrize("probe", ["", "x", "0", "9" * 5000])
    def test_a_form_that_does_not_say_which_run_it_showed_accepts_nothing(self, cast, client, probe):
        run(cast.north, finding())
        seen = judged(cast.north, finding(outcome="no"))
        client.force_login(cast.dana)
        posted = {"deviation": seen.pk, "probe": probe, "reason": WHY}
        client.post(reverse("delivery:accept-change", args=["NORTH"]), posted)
        assert Deviation.objects.get().closed_at is None

    def test_one_that_is_over_and_one_that_has_come_since_are_two(self, cast):
        run(cast.north, finding())
        first = judged(cast.north, finding(outcome="no"))
        judged(cast.north, finding())
        second = judged(cast.north, finding(outcome="no"))
        assert first.pk != second.pk
        assert not accept(first, cast.dana, WHY)
        assert accept(second, cast.dana, WHY)


@pytest.mark.django_db
class TestWhomItHolds:
    def test_a_sandbox_location_is_not_held_by_what_stands_at_another(self, cast):
        run(cast.north, finding(connection=cast.hl7.pk))
        judged(cast.north, finding(outcome="no", connection=cast.hl7.pk))
        assert unsafe_by(cast.north, cast.hl7).way
        assert unsafe_by(cast.south, cast.hl7) == Unsafe()

    def test_production_is_held_by_its_own_and_by_that_of_the_sandbox_together(self, cast):
        live = production(cast, "LIVE")
        line = live.routes.get().connection
        run(cast.north, finding("section:NF-01", connection=cast.hl7.pk))
        judged(cast.north, finding("section:NF-01", "no", connection=cast.hl7.pk))
        run(live, finding("section:NF-02", connection=line.pk))
        judged(live, finding("section:NF-02", "no", connection=line.pk))
        assert unsafe_by(live, line) == Unsafe(False, frozenset({"NF-01", "NF-02"}))

    def test_its_own_row_of_another_connection_of_the_same_kind_holds_nothing(self, cast):
        live = production(cast, "LIVE")
        line = live.routes.get().connection
        other = Connection.objects.create(
            practice=cast.practice, name="B", kind="hl7", environment=Environment.PRODUCTION
        )
        run(live, finding(connection=line.pk))
        judged(live, finding(outcome="no", connection=line.pk))
        assert (unsafe_by(live, line).way, unsafe_by(live, other).way) == (True, False)

    def test_once_over_it_holds_nobody(self, cast):
        run(cast.north, finding(connection=cast.hl7.pk))
        judged(cast.north, finding(outcome="no", connection=cast.hl7.pk))
        judged(cast.north, finding(connection=cast.hl7.pk))
        assert unsafe_by(cast.north, cast.hl7) == Unsafe()

    def test_what_is_only_told_makes_no_note_wait(self, cast):
        run(cast.north, finding("answer_time", fact="0.1", connection=cast.hl7.pk))
        assert judged(cast.north, finding("answer_time", fact="9.0", connection=cast.hl7.pk))
        assert unsafe_by(cast.north, cast.hl7) == Unsafe()

    def test_a_stranger_practices_location_of_the_same_code_knows_nothing_of_it(self, cast):
        run(cast.north, finding(connection=cast.hl7.pk))
        judged(cast.north, finding(outcome="no", connection=cast.hl7.pk))
        assert unsafe_by(cast.elsewhere, cast.hl7) == Unsafe()

    def test_those_who_rest_on_a_location_are_named_and_itself_first(self, cast):
        live = production(cast, "LIVE")
        production(cast, "OTHER", "SM-VISIT")
        assert resting_on(cast.north) == [cast.north, live]
        assert resting_on(live) == [live]

    def test_a_problem_is_told_for_each_field_that_is_filled_and_names_it(self):
        def value(field_id: str, text: str) -> FieldValue:
            return FieldValue(field_id, f"Label {field_id}", 1, text, (Contribution(0, "", "", text),))

        found = Unsafe(False, frozenset({"A", "B", "C"}))
        problems = found.problems([value("A", "x"), value("B", ""), value("C", "y"), value("D", "z")])
        assert [(one.code, one.field_id) for one in problems] == [(FIELD, "A"), (FIELD, "C")]
        assert "Label A" in problems[0].message
        assert "x" not in problems[0].message.replace("otherwise", "").split()

    def test_a_way_that_is_unsafe_is_no_problem_of_a_field(self):
        assert Unsafe(way=True).problems([FieldValue("A", "A", 1, "x", ())]) == ()


@pytest.mark.django_db
class TestLettingGo:
    def test_what_waited_here_and_where_it_is_rested_on_goes_and_nothing_else(self, cast):
        live = production(cast, "LIVE")
        here, there = held(cast, FIELD), held(cast, WAY, location=live)
        south, other = held(cast, WAY, location=cast.south), held(cast, "unmapped_section")
        assert waiting_at(cast.north) == 2
        with changes.transaction.atomic():
            assert let_go(cast.north) == 2
        found = [Delivery.objects.get(pk=one.pk).state for one in (here, there, south, other)]
        assert found == [State.READY, State.READY, State.HELD, State.HELD]
        assert waiting_at(cast.north) == 0

    def test_the_event_says_how_many_went(self, cast):
        run(cast.north, finding())
        made = judged(cast.north, finding(outcome="no"))
        held(cast, WAY)
        accept(made, cast.dana, WHY)
        assert AuditEvent.objects.get(event="ecw.accept").detail["released"] == 1

    def test_an_event_names_a_dozen_rows_at_most_and_none_at_length(self, cast):
        keys = [f"section:{'F' * 100}{number}" for number in range(20)]
        run(cast.north, *(finding(key) for key in keys))
        judged(cast.north, *(finding(key, "no") for key in keys))
        rows = AuditEvent.objects.get(event="ecw.deviate").detail["rows"]
        assert (len(rows), max(map(len, rows))) == (12, 60)


@pytest.mark.django_db
class TestThePagesReads:
    def test_without_a_run_there_is_nothing_to_show(self, cast):
        found = context_of(cast.north)
        assert (found["now"], found["base"], found["rows"], found["runs"]) == (None, None, [], [])

    def test_the_first_run_alone_has_nothing_beside_it(self, cast):
        first = run(cast.north, finding())
        found = context_of(cast.north)
        assert (found["now"], found["base"], found["rows"]) == (first, None, [])

    @pytest.mark.parametrize("asked", ["x", "0", "-1", "9" * 5000, "٣", ""])
    def test_a_run_that_there_is_not_shows_the_newest(self, cast, asked):
        run(cast.north, finding())
        last = run(cast.north, finding())
        found = context_of(cast.north, asked)
        assert (found["now"], found["chosen"]) == (last, None)

    def test_another_locations_run_is_not_shown_by_its_number(self, cast):
        theirs, mine = run(cast.south, finding()), run(cast.north, finding())
        assert context_of(cast.north, str(theirs.pk))["now"] == mine

    def test_a_chosen_run_is_shown_beside_the_one_before_though_a_deviation_stands(self, cast):
        first, second = run(cast.north, finding()), run(cast.north, finding())
        made = judged(cast.north, finding(outcome="no"))
        found = context_of(cast.north, str(second.pk))
        assert (found["base"], found["now"], found["standing"]) == (first, second, made)
        assert [row.changed for row in found["rows"]] == [False]

    def test_runs_are_listed_the_newest_first_with_how_many_rows_changed_and_no_further_than_a_page(self, cast):
        for number in range(RUNS + 3):
            run(cast.north, finding(outcome="no" if number == RUNS + 2 else "yes"))
        found = context_of(cast.north)["runs"]
        assert (len(found), found[0].changed, found[0].chosen) == (RUNS, 1, True)
        assert {one.changed for one in found[1:]} == {0}

    def test_what_could_not_be_asked_again_is_shown_as_it_was_found(self, cast):
        run(cast.north, finding(), finding("section:A"))
        judged(cast.north, finding(), finding("section:A", "no"))
        judged(cast.north, finding(), finding("section:A", "unknown"))
        shown = context_of(cast.north)["rows"]
        assert [(row.key, row.now, row.changed) for row in shown] == [
            ("section:A", "no", True),
            ("write", "yes", False),
        ]

    def test_production_probed_by_itself_shows_its_own_runs(self, cast):
        live = production(cast, "LIVE")
        assert probed_at(live) == cast.north
        run(live, finding())
        assert probed_at(live) == live

    def test_a_sandbox_location_shows_its_own_runs_though_another_has_some(self, cast):
        run(cast.north, finding())
        assert probed_at(cast.south) == cast.south


@pytest.mark.django_db
def test_a_run_is_held_against_the_one_before_it_and_not_against_an_older_one(cast):
    """Accepted is what stood in the last run; one of a week before is nobody's base any more."""
    run(cast.north, finding(fact="AA"))
    made = judged(cast.north, finding(fact="CA"))
    accept(made, cast.dana, WHY)
    assert judged(cast.north, finding(fact="CA")) is None
    last = CapabilityProbe.objects.latest("pk")
    again = judged(cast.north, finding(fact="AE"))
    assert again.base == last
    assert again.opened_at > timezone.now() - timedelta(minutes=1)
