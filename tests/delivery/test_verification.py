"""Reading back: what proves a delivery, what condemns it, and how doubt is settled."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from delivery import actions, verification
from delivery.models import Attempt, ConnectionState, Delivery, Reading
from delivery.sentence import sentence
from delivery.states import State
from delivery.verification import DOUBT_SECONDS, claim_reads, look_for, read_due
from mapping.models import Rule
from portal import crypto
from tests.delivery.conftest import NOTE, a_note
from tests.delivery.test_sending import post, read_profile, run_lanes, state

pytestmark = pytest.mark.django_db(transaction=True)


def read_now():
    """Look at once, whatever time was set for it."""
    Delivery.objects.filter(read_at__isnull=False).update(read_at=timezone.now())
    return read_due()


def settle_and_read():
    """A settled look: the acceptance lies far enough back."""
    Delivery.objects.filter(accepted_at__isnull=False).update(accepted_at=timezone.now() - timedelta(minutes=5))
    return read_now()


def outcomes(delivery_id):
    return {row["code"]: row["outcome"] for row in Delivery.objects.get(pk=delivery_id).section_outcomes}


def test_every_section_in_its_field_is_verified(scribe, ecw):
    delivery = post(scribe)
    run_lanes()
    read_now()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.proof, row.read_at) == (State.VERIFIED, "field", None)
    assert set(outcomes(delivery).values()) == {"verified"}
    assert Reading.objects.get().answer == "there"


def test_each_look_into_the_chart_is_recorded(scribe, ecw):
    post(scribe)
    run_lanes()
    read_now()
    events = AuditEvent.objects.filter(event__in=["chart.read", "delivery.verified"])
    assert sorted(event.event for event in events) == ["chart.read", "delivery.verified"]
    assert len({event.correlation_id for event in AuditEvent.objects.filter(object_type="delivery")}) == 1


def test_A19_a_silently_dropped_section_is_misfiled_and_named(scribe, ecw):
    delivery = post(scribe)
    ecw.fault("silent_drop", field_id="NF-02", count=1)
    run_lanes()
    read_now()
    assert state(delivery) == State.ACCEPTED, "one look may come too early"
    settle_and_read()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.reason_code) == (State.MISFILED, "sections_differ")
    assert outcomes(delivery)["history_of_present_illness"] == "missing"
    assert outcomes(delivery)["chief_complaint"] == "verified"
    assert AuditEvent.objects.get(event="delivery.misfiled").detail["sections"] == ["history_of_present_illness"]


@pytest.mark.parametrize(
    "fault, how, outcome",
    [
        ("move_field", {"from": "NF-02", "to": "NF-03"}, "moved"),
        ("truncate", {"field_id": "NF-02", "length": 5}, "altered"),
        ("duplicate_filing", {}, "duplicated"),
    ],
)
def test_what_the_receiver_did_to_a_section_is_named(scribe, ecw, fault, how, outcome):
    delivery = post(scribe)
    ecw.fault(fault, count=1, **how)
    run_lanes()
    read_now()
    settle_and_read()
    assert state(delivery) == State.MISFILED
    assert outcomes(delivery)["history_of_present_illness"] == outcome


def test_a_misfiled_note_that_was_repaired_becomes_verified_when_read_again(scribe, ecw):
    delivery = post(scribe)
    ecw.fault("read_stale", seconds=30)
    run_lanes()
    for _ in range(7):
        settle_and_read()
    assert (state(delivery), Delivery.objects.get().reason_code) == (State.MISFILED, "not_in_chart")
    ecw.heal()
    assert actions.verify_now([delivery]) == 1
    read_now()
    assert state(delivery) == State.VERIFIED


def test_a_reader_that_is_down_proves_nothing(scribe, ecw):
    delivery = post(scribe)
    run_lanes()
    ecw.fault("read_http_500")
    for _ in range(8):
        settle_and_read()
    row = Delivery.objects.get(pk=delivery)
    assert row.state == State.ACCEPTED
    assert row.reason_code
    assert set(Reading.objects.values_list("answer", flat=True)) == {"cannot_say"}
    ecw.heal()
    settle_and_read()
    assert state(delivery) == State.VERIFIED


def test_without_a_reader_accepted_stays_accepted_and_says_why(scribe, ecw, cast):
    cast.north.reading_connection = None
    cast.north.save()
    delivery = post(scribe)
    run_lanes()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.proof, row.read_at) == (State.ACCEPTED, "none", None)
    assert read_due() == 0


def unknown(scribe, ecw, cast, fault, profile):
    read_profile(cast, profile)
    cast.hl7.settings |= {"ack_seconds": 5}
    cast.hl7.save()
    delivery = post(scribe)
    ecw.fault(fault, count=1)
    run_lanes()
    assert state(delivery) == State.UNKNOWN
    return delivery


def doubted_long_ago():
    Delivery.objects.filter(state=State.UNKNOWN).update(updated_at=timezone.now() - timedelta(minutes=5))


def sent_long_ago():
    Attempt.objects.update(finished_at=timezone.now() - timedelta(minutes=5))


def test_doubt_ends_when_the_chart_holds_the_control_id(scribe, ecw, cast):
    delivery = unknown(scribe, ecw, cast, "cut_after_file", "readback")
    read_now()
    assert state(delivery) == State.ACCEPTED
    read_now()
    assert state(delivery) == State.VERIFIED
    assert len(ecw.filings()) == 1


def test_two_settled_negatives_send_the_same_bytes_again(scribe, ecw, cast):
    delivery = unknown(scribe, ecw, cast, "cut_before_file", "readback")
    doubted_long_ago()
    read_now()
    assert state(delivery) == State.UNKNOWN, "one negative is not enough"
    read_now()
    assert state(delivery) == State.READY
    before = Delivery.objects.get(pk=delivery).control_id
    run_lanes()
    sent_long_ago()
    read_now()
    assert state(delivery) == State.VERIFIED
    assert [filing["control_id"] for filing in ecw.filings()] == [before]
    shas = set(Delivery.objects.get(pk=delivery).attempt_rows.values_list("wire_sha256", flat=True))
    assert len(shas) == 1


def test_the_first_look_into_a_doubt_waits_for_the_settle_time(scribe, ecw, cast, settings):
    settings.SETTLE_SECONDS = 30
    delivery = unknown(scribe, ecw, cast, "cut_before_file", "readback")
    assert read_due() == 0
    assert Delivery.objects.get(pk=delivery).read_at > timezone.now() + timedelta(seconds=20)


def test_a_look_before_the_settle_time_proves_nothing_however_often_a_person_asks(scribe, ecw, cast, settings):
    settings.DOUBT_SETTLE_SECONDS = 30
    delivery = unknown(scribe, ecw, cast, "cut_before_file", "readback")
    for _ in range(3):
        actions.verify_now([delivery])
        read_due()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.negatives) == (State.UNKNOWN, 0)
    assert row.read_at > timezone.now() + timedelta(seconds=20)
    Delivery.objects.update(updated_at=timezone.now() - timedelta(seconds=45))
    for _ in range(3):
        actions.verify_now([delivery])
        read_due()
    assert Delivery.objects.get(pk=delivery).negatives == 1, "the second a settle time after the first"


def test_a_look_from_before_the_last_attempt_settles_nothing(scribe, ecw, cast, monkeypatch):
    """A worker frozen between asking and writing down wakes after the note was sent again, and again unanswered."""
    delivery = unknown(scribe, ecw, cast, "cut_before_file", "readback")
    doubted_long_ago()
    Delivery.objects.update(negatives=1)

    def frozen(due):
        looks = look_for(due)
        monkeypatch.setattr(verification, "look_for", look_for)
        assert read_now() == 1, "another worker asks too, and acts"
        ecw.fault("cut_after_file", count=1)
        run_lanes()
        assert (state(delivery), len(ecw.filings())) == (State.UNKNOWN, 1)
        return looks

    monkeypatch.setattr(verification, "look_for", frozen)
    read_now()
    run_lanes()
    read_now()
    sent_long_ago()
    read_now()
    assert (state(delivery), len(ecw.filings())) == (State.VERIFIED, 1)


def test_a_reading_whose_worker_died_is_taken_up_within_the_lease(scribe, ecw, settings):
    settings.LEASE_SECONDS = 3.0
    post(scribe)
    run_lanes()
    claim_reads()
    assert Delivery.objects.get().read_at < timezone.now() + timedelta(seconds=3.1)


@pytest.mark.parametrize("profile", ["", "blind"])
def test_doubt_about_a_blind_receiver_waits_for_a_person(scribe, ecw, cast, profile):
    delivery = unknown(scribe, ecw, cast, "cut_before_file", profile)
    read_now()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.reason_code) == (State.PARKED, "blind_receiver")
    run_lanes()
    assert ecw.filings() == []


def test_a_receiver_that_ignores_repeats_gets_the_same_bytes_again(scribe, ecw, cast):
    delivery = unknown(scribe, ecw, cast, "cut_before_file", "dedupe")
    read_now()
    assert state(delivery) == State.READY


def test_a_reader_that_cannot_say_parks_the_doubt_in_the_end(scribe, ecw, cast):
    delivery = unknown(scribe, ecw, cast, "cut_after_file", "readback")
    ecw.fault("read_http_500")
    read_now()
    assert state(delivery) == State.UNKNOWN
    Delivery.objects.update(updated_at=timezone.now() - timedelta(seconds=DOUBT_SECONDS + 1))
    read_now()
    assert state(delivery) == State.PARKED


def test_two_workers_do_not_ask_the_same_question(scribe, ecw):
    post(scribe)
    run_lanes()
    assert len(claim_reads()) == 1
    assert claim_reads() == []


def test_notes_of_one_encounter_are_read_in_one_call(scribe, ecw, cast):
    cast.reader.settings |= {"calls_per_minute": 1}
    cast.reader.save()
    read_profile(cast, "readback")
    for number, section in enumerate(NOTE["sections"]):  # each a field of its own
        post(scribe, number, encounter="E-same", sections=[section])
        run_lanes()
    assert read_now() == 3
    assert Delivery.objects.filter(state=State.VERIFIED).count() == 3


def test_over_the_rate_limit_a_reading_waits(scribe, ecw, cast):
    cast.reader.settings |= {"calls_per_minute": 1}
    cast.reader.save()
    read_profile(cast, "readback")
    for number in range(3):
        post(scribe, number)
    run_lanes()
    read_now()
    assert Delivery.objects.filter(state=State.VERIFIED).count() == 1
    assert Delivery.objects.filter(state=State.ACCEPTED, reason_code="rate_limited").count() == 2


def test_a_probe_finds_the_profile_of_the_sandbox(ecw, cast):
    from delivery.probe import probe

    finding = probe(cast.hl7, cast.north)
    assert (finding.profile, finding.filings, finding.said_not_there) == ("readback", 2, True)
    kept = ConnectionState.objects.get(connection=cast.hl7)
    assert kept.profile == "readback"
    assert kept.reader_proven_at


def test_a_probe_without_a_reader_is_blind(ecw, cast):
    from delivery.probe import probe

    cast.north.reading_connection = None
    cast.north.save()
    assert probe(cast.hl7, cast.north).profile == "blind"


def test_a_production_connection_is_not_probed_without_a_named_test_patient(ecw, cast):
    from delivery.probe import CannotProbe, probe

    cast.hl7.environment = "production"
    with pytest.raises(CannotProbe, match="test patient"):
        probe(cast.hl7, cast.north)
    assert ecw.filings() == []


def test_odd_texts_arrive_with_identical_characters(scribe, ecw):
    texts = [
        "• bullet “curly” ‘quotes’ — dash",
        "thin\u202fspace zero\u200bwidth line\u2028sep next\x85line",
        "pipe | caret ^ amp & tilde ~ back \\ slash \\.br\\ \\F\\",
        "emoji 👩🏽‍⚕️ right-to-left שלום مرحبا",
        "x" * 11_000,
        "tab\tand\n\n\nblank lines \n trailing ",
    ]
    codes = [
        "chief_complaint",
        "history_of_present_illness",
        "review_of_systems",
        "physical_exam",
        "assessment",
        "plan",
    ]
    texts[0], texts[4] = texts[0], texts[4]
    note = a_note(source_note_id="odd", encounter={"id": "E|^&~\\1"})
    note["sections"] = [{"code": code, "text": text} for code, text in zip(codes, texts, strict=True)]
    delivery = scribe.post(note).json()["deliveries"][0]["id"]
    run_lanes()
    read_now()
    assert state(delivery) == State.VERIFIED, outcomes(delivery)


def test_what_a_person_found_where_nothing_can_be_read_is_not_looked_for_for_ever(scribe, ecw, cast):
    from delivery import actions

    cast.north.reading_connection = None
    cast.north.save()
    delivery = unknown(scribe, ecw, cast, "cut_after_file", "blind")
    read_now()
    assert state(delivery) == State.PARKED
    with transaction.atomic():
        actions.decide_sent([delivery], "seen in the chart")
    read_now()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.proof, row.read_at) == (State.ACCEPTED, "none", None)


def test_a_note_withdrawn_after_it_was_charted_says_so_on_its_delivery(scribe, ecw):
    delivery = post(scribe)
    run_lanes()
    read_now()
    note = Delivery.objects.get(pk=delivery).note_id
    answer = scribe.retract(str(note)).json()["deliveries"][0]
    assert (answer["state"], answer["reason"]["code"]) == (State.VERIFIED, "retract_requested")
    assert "withdraw" in answer["reason"]["message"]


def test_notes_read_together_are_each_judged_by_their_own_chart(scribe, ecw, cast):
    read_profile(cast, "readback")
    ecw.fault("silent_drop", field_id="NF-02", count=1)
    ids = [post(scribe, number) for number in range(6)]
    run_lanes()
    settle_and_read()
    settle_and_read()
    states = [state(each) for each in ids]
    assert sorted(states) == [State.MISFILED] + [State.VERIFIED] * 5
    wrong = ids[states.index(State.MISFILED)]
    assert outcomes(wrong)["history_of_present_illness"] == "missing"
    assert all(set(outcomes(each).values()) == {"verified"} for each in ids if each != wrong)
    assert AuditEvent.objects.filter(event="chart.read").count() == Reading.objects.count() == 7


def test_reading_thirty_charts_costs_the_database_hardly_more_than_reading_three(scribe, ecw, cast):
    read_profile(cast, "readback")
    counts = []
    for size in (3, 30):
        for number in range(size):
            post(scribe, size * 100 + number)
        run_lanes()
        with CaptureQueriesContext(connection) as asked:
            assert read_now() == size
        counts.append(len(asked))
    assert counts[1] <= counts[0] + 4
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.VERIFIED}


def test_a_second_reading_is_sealed_under_its_own_number(scribe, ecw, cast):
    delivery = post(scribe)
    ecw.fault("silent_drop", field_id="NF-02", count=1)
    run_lanes()
    read_now()
    settle_and_read()
    for number, row in enumerate(Reading.objects.order_by("pk"), start=1):
        opened = crypto.unseal(row.sealed_sections, table="reading", column="sections", row=f"{delivery}:{number}")
        assert b"chief_complaint" in opened
    assert Reading.objects.count() == 2


def cut_the_history(cast):
    """A rule of the mapping in force that cuts a section short."""
    rules = Rule.objects.filter(mapping=cast.north_mapping, section_code="history_of_present_illness")
    assert rules.update(settings={"limit": 20, "limit_action": "truncate"}) == 1


def test_a_section_cut_by_its_rule_stands_as_sent_and_is_never_called_verified(scribe, ecw, cast):
    cut_the_history(cast)
    delivery = post(scribe)
    run_lanes()
    settle_and_read()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.reason_code, row.proof, row.read_at) == (State.ACCEPTED, "cut_by_rule", "field", None)
    found = outcomes(delivery)
    assert found.pop("history_of_present_illness") == "cut"
    assert set(found.values()) == {"verified"}
    assert "cut by the mapping's rule." in sentence(row)
    assert read_now() == 0, "asking again would show nothing else"


def test_a_cut_section_that_is_missing_in_the_chart_is_missing_and_not_cut(scribe, ecw, cast):
    cut_the_history(cast)
    delivery = post(scribe)
    ecw.fault("silent_drop", field_id="NF-02", count=1)
    run_lanes()
    read_now()
    settle_and_read()
    assert state(delivery) == State.MISFILED
    assert outcomes(delivery)["history_of_present_illness"] == "missing"


def test_a_cut_note_that_was_sent_twice_is_looked_at_once_more_for_its_second_copy(scribe, ecw, cast, settings):
    cut_the_history(cast)
    delivery = post(scribe)
    run_lanes()
    first = Attempt.objects.get(delivery=delivery)
    Attempt.objects.create(
        delivery_id=delivery, number=2, epoch=first.epoch, worker="w", connection=cast.hl7, wire_sha256=first.wire_sha256,
        intent_at=timezone.now(), finished_at=timezone.now(), outcome="accepted",
    )  # fmt: skip
    Delivery.objects.filter(pk=delivery).update(attempts=2)
    settings.DOUBT_SETTLE_SECONDS = 60.0
    settle_and_read()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.reason_code) == (State.ACCEPTED, "sent_twice_look_again")
    settings.DOUBT_SETTLE_SECONDS = 0.0
    settle_and_read()
    assert Delivery.objects.get(pk=delivery).reason_code == "cut_by_rule"
