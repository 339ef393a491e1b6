"""When eCW does otherwise than in the last good probe: found, compared, what is unsafe held, and over again."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery.alerts.conditions import conditions
from delivery.alerts.course import settings_of
from delivery.models import Delivery, Issue
from delivery.monitor.counting import note_standing
from delivery.monitor.grouping import write_issues
from delivery.states import State
from delivery.ways import changes
from delivery.ways.capabilities import probe_location
from delivery.ways.changes import FIELD, WAY, accept, deviates, effect_of, judge, rows_of
from delivery.ways.changes_page import context_of
from delivery.ways.models import CapabilityProbe, Deviation
from delivery.ways.unsafe import unsafe_by
from mapping.note import Contribution, FieldValue
from portal.models import Connection, Environment, Location, Route
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.cast import NORTH_FIELDS, make_template
from tests.delivery.fhir import fhir_connection, register, words
from tests.delivery.test_sending import post, run_lanes, state

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "eCW says so in its release notes"


def finding(key: str = "write", outcome: str = "yes", fact: str = "", connection: int = 0, **rest) -> dict:
    return {"connection": connection, "name": "line", "key": key, "label": key, "outcome": outcome, "says": "",
            "fact": fact} | rest  # fmt: skip


def run(location, *findings) -> CapabilityProbe:
    return CapabilityProbe.objects.create(location=location, by="Daily probe", findings=list(findings))


def judged(location, *findings) -> Deviation | None:
    """One more run, held against the good one before it."""
    with acting(Actor("worker", "w1", name="Daily probe")), changes.transaction.atomic():
        return judge(run(location, *findings))


# --- what deviates --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old, new, otherwise",
    [
        (finding(), finding(), False),
        (finding(outcome="yes"), finding(outcome="no"), True),
        (finding(outcome="no"), finding(outcome="yes"), False),  # better than before
        (finding(outcome="no"), finding(outcome="no"), False),
        (finding(outcome="yes"), finding(outcome="unknown"), False),  # it was not asked
        (finding(outcome="unknown"), finding(outcome="no"), False),
        (finding(fact="AA"), finding(fact="CA"), True),
        (finding(fact="AA"), finding(fact=""), False),  # a run of before, which kept no codes
        (finding("section:NF-01", fact="verified"), finding("section:NF-01", "no", "moved"), True),
        (finding("order", fact="as sent"), finding("order", "no", "NF-02 NF-01"), True),
        (finding("order", "no", "NF-02 NF-01"), finding("order", "no", "NF-03 NF-02"), False),
        (finding("answer_time", fact="0.100"), finding("answer_time", fact="1.900"), False),  # a slow moment
        (finding("answer_time", fact="0.100"), finding("answer_time", fact="2.200"), True),
        (finding("answer_time", fact="2.000"), finding("answer_time", fact="5.900"), False),
        (finding("appear_time", fact="2.000"), finding("appear_time", fact="6.100"), True),
        (finding("appear_time", fact="6.000"), finding("appear_time", fact="0.100"), False),
        (finding("repeat", fact=""), finding("repeat", "no"), True),
    ],
)
def test_what_was_there_and_is_not_or_is_otherwise_deviates(old, new, otherwise):
    assert deviates(old, new) == otherwise


@pytest.mark.parametrize(
    "row, effect",
    [
        (finding("write", "no"), (WAY, ())),
        (finding("scope:system/DocumentReference.write", "no"), (WAY, ())),
        (finding("scope:system/Patient.read", "no"), ("", ())),
        (finding("section:NF-04", "no", "missing"), (FIELD, ("NF-04",))),
        (finding("order", "no", "NF-02 NF-01"), (FIELD, ("NF-02", "NF-01"))),
        (finding("answer_time", fact="9"), ("", ())),
        (finding("answers", "no"), ("", ())),
        (finding("reads:Patient", "no"), ("", ())),
        (finding("read_back", "no"), ("", ())),
    ],
)
def test_only_what_makes_a_note_go_wrong_is_unsafe(row, effect):
    assert effect_of(row) == effect


def test_the_rows_stand_beside_each_other_in_words(cast):
    before = run(cast.north, finding(fact="AA"), finding("answer_time", fact="0.104"), finding("gone"))
    after = run(cast.north, finding(fact="AE"), finding("answer_time", fact="0.211"), finding("new"))
    rows = rows_of(before, after)
    assert [(row.key, row.was, row.now, row.changed) for row in rows] == [
        ("write", "yes, AA", "yes, AE", True),
        ("answer_time", "0.10 s", "0.21 s", False),
    ]
    assert rows[0].holds == "Notes by line wait"
    assert rows[1].holds == "Nothing waits"


# --- opened, kept, over ---------------------------------------------------------------------------------------------


def test_a_first_run_has_nothing_to_be_held_against(cast):
    assert judged(cast.north, finding()) is None


def test_a_good_run_after_a_good_one_opens_nothing(cast):
    run(cast.north, finding(fact="AA"))
    assert judged(cast.north, finding(fact="AA")) is None
    assert not Deviation.objects.exists()


def test_the_first_deviation_opens_one_with_an_issue_an_alert_and_an_event(cast):
    good = run(cast.north, finding(fact="AA"), finding("read"))
    made = judged(cast.north, finding(outcome="no", fact="application_error AE"), finding("read"))
    assert (made.base, [row["key"] for row in made.rows]) == (good, ["write"])
    issue = Issue.objects.get()
    assert (issue.location, issue.reason_code, issue.state) == (cast.north, WAY, "new")
    event = AuditEvent.objects.get(event="ecw.deviate")
    assert event.detail == {"base": good.pk, "probe": made.probe_id, "rows": ["write"]}
    found = conditions(cast.practice, settings_of(cast.practice), timezone.now())
    assert [(one.location.code, one.count) for one in found if one.kind == "ecw_changed"] == [("NORTH", 1)]


@pytest.mark.parametrize(
    "was, now",
    [
        (finding("write", fact="AA"), finding("write", fact="CA")),
        (finding("section:NF-01", fact="verified"), finding("section:NF-01", "no", "missing")),
        (finding("order", fact="as sent"), finding("order", "no", "NF-02 NF-01")),
        (finding("scope:system/Patient.read"), finding("scope:system/Patient.read", "no")),
        (finding("answer_time", fact="0.100"), finding("answer_time", fact="2.200")),
    ],
    ids=["status code", "field", "order", "scope", "latency"],
)
def test_the_first_deviation_of_each_kind_opens_an_issue_and_holds_both_runs(cast, was, now):
    good = run(cast.north, was, finding("read"))
    made = judged(cast.north, now, finding("read"))
    assert Issue.objects.get().state == "new"
    assert (made.base, made.rows[0]["key"]) == (good, now["key"])
    (changed,) = [row for row in rows_of(made.base, made.probe) if row.changed]
    assert changed.was != changed.now


@pytest.mark.parametrize(
    "row, code",
    [
        (finding("answer_time", fact="9.0"), "ecw_changed"),
        (finding("section:NF-01", "no", "moved"), "ecw_changed_field"),
        (finding("write", "no"), "ecw_changed_way"),
    ],
)
def test_the_issue_says_what_waits(cast, row, code):
    run(cast.north, finding(row["key"], fact="0.1" if "time" in row["key"] else "verified"))
    judged(cast.north, row)
    assert Issue.objects.get().reason_code == code


def test_the_next_day_the_same_deviation_is_the_same_and_held_against_the_same_base(cast):
    good = run(cast.north, finding(fact="AA"))
    first = judged(cast.north, finding(outcome="no"))
    second = judged(cast.north, finding(outcome="no"))
    assert (second.pk, second.base) == (first.pk, good)
    assert second.probe_id > first.probe_id
    assert AuditEvent.objects.filter(event="ecw.deviate").count() == 1
    assert Issue.objects.get().seen == 1


def test_what_changes_further_joins_it_and_what_recovers_leaves_it(cast):
    run(cast.north, finding(), finding("section:A"), finding("section:B"))
    judged(cast.north, finding(), finding("section:A", "no"), finding("section:B"))
    later = judged(cast.north, finding(), finding("section:A"), finding("section:B", "no"))
    assert [row["key"] for row in later.rows] == ["section:B"]


def test_a_good_run_ends_it(cast):
    run(cast.north, finding())
    judged(cast.north, finding(outcome="no"))
    assert judged(cast.north, finding()) is None
    row = Deviation.objects.get()
    assert (row.closed_by, row.accepted) == (changes.RECOVERED, False)
    assert AuditEvent.objects.filter(event="ecw.recover").count() == 1


def test_what_could_not_be_asked_has_not_recovered(cast):
    run(cast.north, finding(), finding("section:A"))
    judged(cast.north, finding(), finding("section:A", "no"))
    still = judged(cast.north, finding(outcome="no"), finding("section:A", "unknown"))
    assert {row["key"] for row in still.rows} == {"write", "section:A"}
    still = judged(cast.north, finding(), finding("section:A", "unknown"))
    assert [row["key"] for row in still.rows] == ["section:A"]


def test_a_connection_that_serves_no_more_keeps_nothing_open(cast):
    run(cast.north, finding(connection=1), finding(connection=2))
    judged(cast.north, finding(connection=1, outcome="no"), finding(connection=2))
    assert judged(cast.north, finding(connection=2)) is None


def test_accepted_it_is_the_base_of_the_runs_that_follow(cast):
    run(cast.north, finding(fact="AA"))
    made = judged(cast.north, finding(fact="CA"))
    with acting(Actor("user", "1", name="dana")):
        assert accept(made, cast.dana, WHY)
    row = Deviation.objects.get()
    assert (row.accepted, row.closed_by, row.reason) == (True, "dana", WHY)
    event = AuditEvent.objects.get(event="ecw.accept")
    assert (event.reason, event.actor_name) == (WHY, "dana")
    assert judged(cast.north, finding(fact="CA")) is None
    assert judged(cast.north, finding(fact="AA")) is not None, "back to what it was is a change too"


def test_two_who_accept_at_once_accept_once(cast):
    run(cast.north, finding())
    made = judged(cast.north, finding(outcome="no"))
    with acting(Actor("user", "1", name="dana")):
        assert accept(made, cast.dana, WHY)
        assert not accept(made, cast.omar, WHY)
    assert AuditEvent.objects.filter(event="ecw.accept").count() == 1


def test_locations_are_judged_each_by_its_own_runs(cast):
    run(cast.south, finding())
    assert judged(cast.north, finding(outcome="no")) is None


def test_its_issue_does_not_end_while_it_stands_however_quiet_it_is(cast):
    run(cast.north, finding())
    judged(cast.north, finding(outcome="no"))
    later = timezone.now() + timedelta(hours=3)
    with changes.transaction.atomic():
        write_issues([], {}, later)
    assert Issue.objects.get().state == "new"
    judged(cast.north, finding())
    with changes.transaction.atomic():
        write_issues([], {}, later)
    assert Issue.objects.get().state == "resolved"
    judged(cast.north, finding(outcome="no"))
    assert Issue.objects.get().state == "regressed"
    assert note_standing() >= 0


def test_without_its_event_no_run_is_kept(cast, monkeypatch):
    run(cast.north, finding())

    def refuse(*_args, **_kwargs):
        raise RuntimeError("the log is away")

    monkeypatch.setattr(changes, "record", refuse)
    with pytest.raises(RuntimeError):
        judged(cast.north, finding(outcome="no"))
    assert CapabilityProbe.objects.count() == 1
    assert not Deviation.objects.exists()


# --- what waits -----------------------------------------------------------------------------------------------------


def value(field_id: str, text: str = "x") -> FieldValue:
    return FieldValue(field_id, field_id, 1, text, (Contribution(0, "", "", text),))


def test_a_field_is_unsafe_by_the_connection_it_was_found_on_alone(cast):
    run(cast.north, finding("section:NF-02", connection=cast.hl7.pk))
    judged(cast.north, finding("section:NF-02", "no", connection=cast.hl7.pk))
    found = unsafe_by(cast.north, cast.hl7)
    assert (found.way, found.fields) == (False, {"NF-02"})
    assert not unsafe_by(cast.north, cast.reader).fields
    assert not unsafe_by(cast.south, cast.hl7).fields


def test_a_note_that_leaves_the_field_empty_is_safe(cast):
    run(cast.north, finding("section:NF-02", connection=cast.hl7.pk))
    judged(cast.north, finding("section:NF-02", "no", connection=cast.hl7.pk))
    found = unsafe_by(cast.north, cast.hl7)
    assert [one.field_id for one in found.problems([value("NF-01"), value("NF-02")])] == ["NF-02"]
    assert not found.problems([value("NF-01"), value("NF-02", "")])


@pytest.fixture
def twin(cast) -> Location:
    """A production location with NORTH's template: its certification is run at NORTH."""
    made = Location.objects.create(practice=cast.practice, code="LIVE", name="Live", environment=Environment.PRODUCTION)
    make_template(made, "FM-PROGRESS", "Family Medicine Progress Note", NORTH_FIELDS)
    line = Connection.objects.create(practice=cast.practice, name="eCW HL7", kind="hl7", environment="production")
    Route.objects.create(location=made, part="note", connection=line)
    return made


def test_production_that_rests_on_it_waits_by_the_same_kind_of_way(cast, twin):
    run(cast.north, finding("section:NF-02", connection=cast.hl7.pk), finding(connection=cast.hl7.pk))
    judged(cast.north, finding("section:NF-02", "no", connection=cast.hl7.pk), finding(connection=cast.hl7.pk))
    line = twin.routes.get().connection
    assert unsafe_by(twin, line).fields == {"NF-02"}
    other = Connection.objects.create(practice=cast.practice, name="Open", kind="openapi", environment="production")
    assert not unsafe_by(twin, other).fields


def test_production_that_rests_on_another_location_goes_on(cast, twin):
    run(cast.south, finding(connection=cast.hl7.pk))
    judged(cast.south, finding("write", "no", connection=cast.hl7.pk))
    assert not unsafe_by(twin, twin.routes.get().connection).way


# --- with the sandbox -----------------------------------------------------------------------------------------------


@pytest.fixture
def north(cast, ecw) -> Location:
    return Location.objects.select_related("practice", "reading_connection").get(pk=cast.north.pk)


def probe(north) -> Deviation | None:
    """The daily run of the worker."""
    with acting(Actor("worker", "w1", name="Daily probe")):
        probe_location(north)
    return Deviation.objects.filter(location=north, closed_at=None).first()


def why(delivery: int) -> tuple[str, str]:
    row = Delivery.objects.get(pk=delivery)
    return row.state, row.reason_code


SAFE = [{"code": "chief_complaint", "title": "CC", "text": "Cough."}]
FILLS = [{"code": "physical_exam", "title": "PE", "text": "Clear."}]


def test_B28_a_field_that_ecw_drops_since_an_update_is_found_compared_and_its_notes_wait(scribe, cast, ecw, north):
    assert probe(north) is None
    ecw.fault("silent_drop", field_id="NF-04")
    made = probe(north)
    assert [(row["key"], row["was"], row["now"]) for row in made.rows] == [
        ("section:NF-04", "yes, verified", "no, missing")
    ]
    waits, goes = post(scribe, 1, sections=FILLS), post(scribe, 2, sections=SAFE)
    run_lanes()
    assert why(waits) == (State.HELD, "ecw_changed_field")
    assert state(goes) == State.ACCEPTED
    assert Delivery.objects.get(pk=waits).problems[0]["field_id"] == "NF-04"
    ecw.heal()
    assert probe(north) is None
    run_lanes()
    assert state(waits) == State.ACCEPTED
    assert AuditEvent.objects.get(event="ecw.recover").detail["released"] == 1


def test_B28_a_person_accepts_it_and_what_waited_goes(scribe, cast, ecw, north, client):
    probe(north)
    ecw.fault("silent_drop", field_id="NF-04")
    made = probe(north)
    waits = post(scribe, 1, sections=FILLS)
    run_lanes()
    client.force_login(cast.dana)
    client.post(
        reverse("delivery:accept-change", args=["NORTH"]), {"deviation": made.pk, "probe": made.probe_id, "reason": WHY}
    )
    assert state(waits) == State.READY
    assert probe(north) is None, "the new behaviour is the base"


def test_B28_an_update_that_reorders_the_template_is_found(cast, ecw, north):
    probe(north)
    reordered = [NORTH_FIELDS[1], NORTH_FIELDS[0], *NORTH_FIELDS[2:]]
    ecw.teach("NORTH", "FM-PROGRESS", reordered)
    made = probe(north)
    assert {row["key"] for row in made.rows} & {"order", "section:NF-01", "section:NF-02"}
    assert {row["effect"] for row in made.rows} == {FIELD}


def test_B28_a_refusal_stops_the_way_and_is_told_with_its_code(scribe, cast, ecw, north):
    probe(north)
    ecw.fault("ae")
    made = probe(north)
    row = next(row for row in made.rows if row["key"] == "write")
    assert row["was"] == "yes, AA"
    assert "AE" in row["now"]
    ecw.heal()
    waits = post(scribe, 1)
    run_lanes()
    assert why(waits) == (State.HELD, "ecw_changed_way")
    assert probe(north) is None
    assert state(waits) == State.READY


def test_B28_a_lost_right_to_write_stops_the_way_and_one_to_read_is_told(cast, ecw, north):
    connection = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}")
    register(ecw.process, connection)
    north.refresh_from_db()
    probe(north)
    register(ecw.process, connection, scopes=["system/DocumentReference.write", "system/DocumentReference.read"])
    made = probe(north)
    effects = {row["key"]: row["effect"] for row in made.rows}
    assert effects["scope:system/Binary.read"] == ""
    assert WAY not in effects.values()


def test_B28_a_receiver_that_is_away_is_told_and_holds_nothing(scribe, cast, ecw, north):
    probe(north)
    port = cast.hl7.settings["port"]
    cast.hl7.refresh_from_db()
    good = dict(cast.hl7.settings)
    Connection.objects.filter(pk=cast.hl7.pk).update(settings=good | {"port": 1})
    made = probe(north)
    assert [row["key"] for row in made.rows] == ["answers"]
    assert {row["effect"] for row in made.rows} == {""}
    Connection.objects.filter(pk=cast.hl7.pk).update(settings=good)
    delivery = post(scribe, 1)
    run_lanes()
    assert state(delivery) == State.ACCEPTED, port


def test_frozen_bytes_that_fill_the_field_wait_too(scribe, cast, ecw, north):
    """Rendered before the change, they would go as they are."""
    probe(north)
    delivery = post(scribe, 1, sections=FILLS)
    ecw.fault("no_file_no_ack", count=1)
    run_lanes()
    assert state(delivery) == State.UNKNOWN
    Delivery.objects.filter(pk=delivery).update(state=State.READY, not_before=timezone.now())
    ecw.heal()
    ecw.fault("silent_drop", field_id="NF-04")
    probe(north)
    filed = len(ecw.filings())
    run_lanes()
    assert why(delivery) == (State.HELD, "ecw_changed_field")
    assert len(ecw.filings()) == filed


def test_released_by_a_person_it_is_held_again_before_a_byte_leaves(scribe, cast, ecw, north, client):
    probe(north)
    ecw.fault("silent_drop", field_id="NF-04")
    probe(north)
    delivery = post(scribe, 1, sections=FILLS)
    run_lanes()
    client.force_login(cast.dana)
    client.post(reverse("delivery:act", args=[delivery, "release"]), {"reason": "In a hurry"})
    run_lanes()
    assert why(delivery) == (State.HELD, "ecw_changed_field")


# --- the page -------------------------------------------------------------------------------------------------------


def seen(client, code: str = "NORTH", **query) -> str:
    return words(client.get(reverse("delivery:changes", args=[code]), query).content.decode())


@pytest.fixture
def dana(client, cast):
    client.force_login(cast.dana)
    return client


@pytest.fixture
def deviation(cast) -> Deviation:
    run(cast.north, finding(fact="AA"), finding("section:NF-02", fact="verified"), finding("read"))
    made = judged(cast.north, finding(fact="AA"), finding("section:NF-02", "no", "moved"), finding("read"))
    assert made is not None
    return made


def test_before_the_first_run_the_page_says_how_to_begin(dana, cast):
    assert "No run yet" in seen(dana)


def test_the_last_good_run_and_the_present_one_stand_beside_each_other_changed_rows_first(dana, deviation):
    said = seen(dana)
    assert "eCW does otherwise since" in said
    assert "section:NF-02 line yes, verified no, moved Changed Notes that fill NF-02 by line wait" in said
    assert said.index("section:NF-02") < said.index("write line yes, AA yes, AA no")


def test_a_director_accepts_with_a_reason_and_nobody_without(dana, cast, deviation):
    address = reverse("delivery:accept-change", args=["NORTH"])
    answer = dana.post(address, {"deviation": deviation.pk, "reason": "no"}, follow=True)
    assert "Say in a few words" in words(answer.content.decode())
    assert Deviation.objects.get().closed_at is None
    answer = dana.post(address, {"deviation": deviation.pk, "probe": deviation.probe_id, "reason": WHY}, follow=True)
    said = words(answer.content.decode())
    assert "Accepted: later runs are held against this one" in said
    assert f"Accepted by dana section:NF-02: yes, verified, then no, moved {WHY}" in said
    answer = dana.post(address, {"deviation": deviation.pk, "probe": deviation.probe_id, "reason": WHY}, follow=True)
    assert "it is over already" in words(answer.content.decode())


@pytest.mark.parametrize("pk", ["0", "x", "", "9" * 30])
def test_another_deviation_is_none(dana, deviation, pk):
    answer = dana.post(reverse("delivery:accept-change", args=["NORTH"]), {"deviation": pk, "reason": WHY})
    assert answer.status_code == 404


def test_one_of_another_location_is_none_here(dana, cast, deviation):
    answer = dana.post(
        reverse("delivery:accept-change", args=["SOUTH"]),
        {"deviation": deviation.pk, "probe": deviation.probe_id, "reason": WHY},
    )
    assert answer.status_code == 404
    assert Deviation.objects.get().closed_at is None


@pytest.mark.parametrize("who", ["omar", "ava"])
def test_others_compare_and_accept_nothing(client, cast, deviation, who):
    client.force_login(getattr(cast, who))
    assert "Accept as the new base" not in seen(client)
    answer = client.post(
        reverse("delivery:accept-change", args=["NORTH"]),
        {"deviation": deviation.pk, "probe": deviation.probe_id, "reason": WHY},
    )
    assert answer.status_code == 403


def test_each_run_can_be_looked_at_beside_the_one_before_it(dana, cast, deviation):
    first = CapabilityProbe.objects.earliest("pk")
    assert "There is no run before it" in seen(dana, run=first.pk)
    assert "Before" in seen(dana, run=deviation.probe_id)
    assert "Last good" in seen(dana, run="nonsense")


def test_a_production_location_shows_the_runs_it_rests_on(dana, cast, twin, deviation):
    said = seen(dana, "LIVE")
    assert "these are the runs of North Clinic" in said
    assert "section:NF-02" in said


def test_when_it_is_over_the_page_says_so(dana, cast, deviation):
    judged(cast.north, finding(fact="AA"), finding("section:NF-02", fact="verified"), finding("read"))
    said = seen(dana)
    assert "is as good as the last" in said
    assert "The next good run section:NF-02" in said


def test_the_issue_and_the_ways_lead_to_the_comparison(dana, cast, deviation):
    page = dana.get(reverse("delivery:issue", args=[Issue.objects.get().pk])).content.decode()
    assert reverse("delivery:changes", args=["NORTH"]) in page
    assert (
        reverse("delivery:changes", args=["NORTH"])
        in dana.get(reverse("delivery:ways", args=["NORTH"])).content.decode()
    )
    assert "eCW has changed" in dana.get(reverse("portal:location", args=["NORTH"])).content.decode()


def test_a_run_of_before_this_kept_facts_can_still_be_compared(cast):
    old = {"connection": 0, "name": "line", "key": "write", "label": "w", "outcome": "yes", "says": ""}
    CapabilityProbe.objects.create(location=cast.north, by="Dana", findings=[old])
    assert judged(cast.north, finding(fact="AA")) is None
    assert [row.was for row in context_of(cast.north)["rows"]] == ["yes"]


@pytest.mark.browser
def test_the_page_fits_and_can_be_read(page, sign_in, cast, deviation):
    sign_in(cast.dana)
    page.goto(reverse("delivery:changes", args=["NORTH"]))
    for width, scheme in ((1440, "light"), (390, "dark")):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        assert_fits(page)
        assert_accessible(page)
        photograph(page, f"changes-{scheme}-{width}")
