"""Rules of retention without a sealed past: whose rule, which events a hold keeps, what may be asked, by whom."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from audit.context import Actor, acting
from audit.models import AuditEvent, LegalHold, PurgeRequest, RetentionPolicy, Tree
from audit.purging import NotDue, SamePerson, approve, ask, events_of, leaving, purge_due, withdraw
from audit.record import record
from audit.retention import Held, due, end_of, held, hold, holds_hash, holds_of, lift, set_years, standing_of, years_of
from portal.forms.retention import HoldForm, LiftForm, YearsForm

pytestmark = pytest.mark.django_db
PATIENT, OTHER = "a" * 32, "b" * 32
NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)


@pytest.fixture
def believed(monkeypatch):
    """As if the newest anchored checkpoint said so."""
    monkeypatch.setattr("audit.retention.believed", lambda: NOON)


def tree(month: str = "201501", practice: str = "lakeside", **columns) -> Tree:
    return Tree.objects.create(practice=practice, month=month, **{"size": 3, **columns})


def seen(subject: str = PATIENT, location: str = "NORTH", who: str = "7", practice: str = "lakeside") -> None:
    with acting(Actor("user", who, "x")):
        record("note.view", practice=practice, location=location, subject_bidx=subject)


def kept(practice: str = "lakeside") -> set[tuple[str, str, str]]:
    rows = AuditEvent.objects.filter(held(practice), practice=practice, event="note.view")
    return set(rows.values_list("subject_bidx", "location", "actor_id"))


# --- the rule ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("years", [6, 10, 18, 100])
def test_a_rule_is_set_for_one_practice_and_recorded_with_the_one_before(years):
    set_years("lakeside", years, "7")
    assert (years_of("lakeside"), years_of("harbor"), years_of("")) == (years, 10, 10)
    event = AuditEvent.objects.get(event="audit.retention.set")
    assert (event.practice, event.detail) == ("lakeside", {"years": years, "before": 10})


@pytest.mark.parametrize("years", [-1, 0, 5, 101, 32000])
def test_a_rule_that_the_database_refuses_is_not_recorded(years):
    with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
        set_years("lakeside", years, "7")
    assert not AuditEvent.objects.filter(event="audit.retention.set").exists()
    assert years_of("lakeside") == 10


def test_every_rule_there_was_stays():
    for years in (12, 6, 12):
        set_years("lakeside", years, "7")
    assert list(RetentionPolicy.objects.order_by("pk").values_list("years", flat=True)) == [12, 6, 12]
    assert years_of("lakeside") == 12


@pytest.mark.parametrize(
    "month, goes",
    [("201603", True), ("201604", True), ("201605", False), ("201606", False), ("202605", False), ("200001", True)],
)
def test_a_month_goes_when_its_last_day_is_older_than_the_rule(believed, month, goes):
    tree(month)
    assert [one.month for one in due("lakeside")] == [month] * goes


@pytest.mark.parametrize("month, end", [("201512", (2016, 1)), ("201601", (2016, 2)), ("201611", (2016, 12))])
def test_a_month_ends_where_the_next_begins(month, end):
    assert end_of(Tree(month=month)) == datetime(*end, 1, tzinfo=UTC)


def test_an_empty_month_and_anothers_month_are_not_due_and_the_oldest_comes_first(believed):
    tree("201401", size=0)
    tree("201301", practice="harbor")
    later, earlier = tree("201502"), tree("201412")
    assert due("lakeside") == [earlier, later]


# --- holds ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def views():
    """Four views: two patients, two places, two people."""
    seen(PATIENT, "NORTH", "7")
    seen(PATIENT, "SOUTH", "8")
    seen(OTHER, "NORTH", "8")
    seen(OTHER, "SOUTH", "7")
    seen(PATIENT, "NORTH", "7", practice="harbor")


@pytest.mark.parametrize(
    "what, keeps",
    [
        (Held("patient", PATIENT), {(PATIENT, "NORTH", "7"), (PATIENT, "SOUTH", "8")}),
        (Held("location", "SOUTH"), {(PATIENT, "SOUTH", "8"), (OTHER, "SOUTH", "7")}),
        (Held("person", "8"), {(PATIENT, "SOUTH", "8"), (OTHER, "NORTH", "8")}),
        (Held("patient", "c" * 32), set()),
        (Held("period", "", NOON - timedelta(days=9000), NOON - timedelta(days=8999)), set()),
    ],
)
def test_a_hold_keeps_what_it_names_and_nothing_else(views, what, keeps):
    hold("lakeside", what, "Court", "7")
    assert kept() == keeps
    assert kept("harbor") == set()


def test_two_holds_keep_what_either_names(views):
    hold("lakeside", Held("patient", OTHER), "Court", "7")
    hold("lakeside", Held("person", "8"), "Inquiry", "7")
    assert kept() == {(OTHER, "NORTH", "8"), (OTHER, "SOUTH", "7"), (PATIENT, "SOUTH", "8")}


def test_a_person_held_is_not_a_worker_of_the_same_number(views):
    with acting(Actor("worker", "8")):
        record("note.view", practice="lakeside", location="NORTH", subject_bidx="d" * 32)
    hold("lakeside", Held("person", "8"), "Inquiry", "7")
    assert "d" * 32 not in {subject for subject, _, _ in kept()}


@pytest.mark.parametrize("before, after, keeps", [(1, 1, True), (1, 0, False), (0, 1, True)])
def test_a_period_holds_its_first_moment_and_not_its_end(before, after, keeps):
    seen()
    at = AuditEvent.objects.get(event="note.view").at
    hold("lakeside", Held("period", "", at - timedelta(hours=before), at + timedelta(hours=after)), "Court", "7")
    assert bool(kept()) is keeps


def test_without_a_hold_nothing_is_held():
    seen()
    assert kept() == set()
    assert holds_hash("lakeside") == ""
    assert list(holds_of("lakeside")) == []


@pytest.mark.parametrize(
    "what, subject",
    [(Held("patient", PATIENT), PATIENT), (Held("location", "NORTH"), ""), (Held("person", "8"), "")],
)
def test_a_hold_and_its_lift_are_recorded_and_a_patients_by_blind_index(what, subject):
    one = hold("lakeside", what, "Court order 12", "7")
    lift(one, "Settled", "8")
    set_, lifted = AuditEvent.objects.filter(event__startswith="audit.hold.").order_by("at")
    for event, name, reason in ((set_, "audit.hold.set", "Court order 12"), (lifted, "audit.hold.lift", "Settled")):
        assert (event.event, event.reason, event.object_id) == (name, reason, str(one.pk))
        assert (event.subject_bidx, event.practice, event.detail) == (subject, "lakeside", {"kind": what.kind})


def test_a_second_lift_is_refused_and_not_recorded():
    one = hold("lakeside", Held("location", "NORTH"), "Court", "7")
    lift(one, "Settled", "7")
    with pytest.raises(IntegrityError), transaction.atomic():
        lift(one, "Again", "8")
    assert AuditEvent.objects.filter(event="audit.hold.lift").count() == 1


def test_the_hash_of_the_holds_is_the_practices_own():
    hold("harbor", Held("location", "NORTH"), "Court", "7")
    assert holds_hash("lakeside") == ""
    hold("lakeside", Held("location", "NORTH"), "Court", "7")
    assert len(holds_hash("lakeside")) == 64
    assert holds_hash("lakeside") != holds_hash("harbor"), "each names its own rows"


# --- asking and deciding ----------------------------------------------------------------------------------------------


def test_a_month_that_may_go_is_asked_for_once(believed):
    one = ask(tree(), "Ten years are over", "7")
    assert (one.asked_by, one.approved_by, one.withdrawn_at) == ("7", "", None)
    with pytest.raises(NotDue):
        ask(one.tree, "Again", "8")
    event = AuditEvent.objects.get(event="audit.purge.ask")
    assert (event.object_type, event.object_id, event.reason) == ("audit_tree", "201501", "Ten years are over")


@pytest.mark.parametrize("month", ["201605", "202605"])
def test_one_that_may_not_is_not_asked_for(believed, month):
    with pytest.raises(NotDue):
        ask(tree(month), "x", "7")
    assert not PurgeRequest.objects.exists()


def test_before_anything_is_anchored_no_month_is_asked_for():
    with pytest.raises(NotDue):
        ask(tree(), "x", "7")


def test_the_database_itself_takes_one_request_a_month_and_two_people(believed):
    one = ask(tree(), "x", "7")
    with pytest.raises(IntegrityError), transaction.atomic():
        PurgeRequest.objects.create(tree=one.tree, reason="x", asked_by="8", asked_at=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        PurgeRequest.objects.filter(pk=one.pk).update(approved_by="7")


def test_whoever_asked_approves_nothing_and_it_is_not_recorded(believed):
    one = ask(tree(), "x", "7")
    with pytest.raises(SamePerson):
        approve(one, "7")
    assert not AuditEvent.objects.filter(event="audit.purge.approve").exists()
    approve(one, "8")
    one.refresh_from_db()
    assert (one.approved_by, one.approved_at is not None) == ("8", True)


@pytest.mark.parametrize("deed", ["approve", "withdraw"])
def test_what_was_withdrawn_is_decided_no_more(believed, deed):
    one = ask(tree(), "x", "7")
    withdraw(one)
    with pytest.raises(NotDue):
        approve(one, "8") if deed == "approve" else withdraw(one)
    assert not AuditEvent.objects.filter(event="audit.purge.approve").exists()
    assert AuditEvent.objects.filter(event="audit.purge.withdraw").count() == 1


def test_it_may_be_asked_for_anew_after_it_was_withdrawn(believed):
    one = ask(tree(), "x", "7")
    withdraw(one)
    again = ask(one.tree, "y", "8")
    assert again.pk != one.pk
    approve(again, "7")


def test_approved_it_can_still_be_taken_back_before_it_is_signed(believed):
    one = ask(tree(), "x", "7")
    approve(one, "8")
    withdraw(one)
    assert purge_due() == 0
    assert standing_of("lakeside").purged == ()


def test_a_request_that_nobody_approved_is_not_carried_out(believed):
    ask(tree(), "x", "7")
    assert purge_due() == 0
    assert standing_of("lakeside").purged == ()


def test_one_approved_that_a_longer_rule_keeps_is_not_signed(believed):
    one = ask(tree(), "x", "7")
    approve(one, "8")
    set_years("lakeside", 50, "7")
    assert purge_due() == 0
    assert standing_of("lakeside").requests == (one,)


def test_a_tree_without_leaves_has_no_events_to_let_go():
    seen()
    one = tree()
    assert not events_of(one).exists()
    assert not leaving(one).exists()


def test_the_page_shows_ones_own_practice_only(believed):
    mine, other = tree(), tree(practice="harbor")
    ask(other, "x", "7")
    hold("harbor", Held("location", "NORTH"), "Court", "7")
    set_years("harbor", 50, "7")
    shown = standing_of("lakeside")
    assert (shown.years, shown.due, shown.requests, shown.holds) == (10, (mine,), (), ())
    assert shown.oldest is None


def test_a_month_asked_for_is_no_longer_offered(believed):
    one = ask(tree(), "x", "7")
    shown = standing_of("lakeside")
    assert (shown.due, shown.requests) == ((), (one,))
    withdraw(one)
    assert standing_of("lakeside").due == (one.tree,)


# --- the forms --------------------------------------------------------------------------------------------------------

PEOPLE, PLACES = [("7", "Dana")], [("NORTH", "North")]


def form(**given) -> HoldForm:
    data = {f"hold-{name}": value for name, value in {"reason": "Court", **given}.items()}
    return HoldForm(PEOPLE, PLACES, "America/New_York", data)


@pytest.mark.parametrize(
    "given, what",
    [
        ({"kind": "person", "person": "7"}, Held("person", "7")),
        ({"kind": "location", "location": "NORTH"}, Held("location", "NORTH")),
        ({"kind": "location", "location": "NORTH", "person": "7", "patient": "P1"}, Held("location", "NORTH")),
    ],
)
def test_a_form_holds_what_its_kind_says_and_nothing_beside_it(given, what):
    one = form(**given)
    assert one.is_valid(), one.errors
    assert one.held() == what


@pytest.mark.parametrize(
    "since, until, hours",
    [("2026-03-08", "2026-03-08", 23), ("2026-11-01", "2026-11-01", 25), ("2026-01-05", "2026-01-06", 48)],
)
def test_a_period_is_of_whole_days_where_the_practice_is(since, until, hours):
    one = form(kind="period", since=since, until=until)
    assert one.is_valid()
    what = one.held()
    assert (what.until.astimezone(UTC) - what.since.astimezone(UTC)).total_seconds() == hours * 3600


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": ""},
        {"kind": "person", "location": "NORTH"},
        {"kind": "patient", "patient": "   "},
        {"kind": "patient", "patient": "x" * 81},
        {"kind": "location", "location": "north"},
        {"kind": "period", "until": "2026-01-01"},
        {"kind": "period", "since": "2026-13-01", "until": "2026-12-01"},
        {"kind": "person", "person": "7", "reason": ""},
        {"kind": "person", "person": "7", "reason": "x" * 201},
    ],
)
def test_what_is_no_hold_is_refused(given):
    assert not form(**given).is_valid()


@pytest.mark.parametrize(
    "years, valid", [("6", True), ("100", True), ("5", False), ("101", False), ("6.5", False), ("", False)]
)
def test_years_have_their_bounds(years, valid):
    assert YearsForm({"years": years}).is_valid() is valid


@pytest.mark.parametrize(
    "reason, valid", [("Settled", True), ("", False), ("  ", False), ("x" * 200, True), ("x" * 201, False)]
)
def test_a_reason_is_asked_for_and_has_a_length(reason, valid):
    assert LiftForm({"reason": reason}).is_valid() is valid


def test_holds_have_no_other_kinds_than_the_form_offers():
    assert {value for value, _ in form().fields["kind"].choices} == {
        value for value, _ in LegalHold._meta.get_field("kind").choices
    }
