"""A stopped delivery sent by another way by hand: what may go, what never, by which way, and what a dry run says."""

import pytest
from django.db import transaction
from django.utils import timezone
from django.utils.html import escape

from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery import bell, other_way
from delivery.bulk.plan import Wanted, begin, deed_named, plan
from delivery.bulk.running import run_jobs
from delivery.bulk.tables import JobItem
from delivery.deeds import caution_of, deeds_for
from delivery.failures import CATALOGUE
from delivery.fallback import OF_THE_VISIT
from delivery.filters import Filters
from delivery.models import Breaker, ConnectionState, Delivery, Move, NoteVersion
from delivery.other_way import WHY_NOT, other_route, send, unresolved, verdict, why_not
from delivery.queries import Scope
from delivery.states import State
from delivery.transition import tickets, transition
from delivery.verification import read_due
from portal.models import Connection, Route
from tests.delivery.rows import add_attempt, make_delivery
from tests.delivery.test_sending import post, run_lanes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two_ways(cast):
    """NORTH has the Open API beside HL7; falling back by itself is off."""
    Route.objects.create(location=cast.north, part="note", connection=cast.reader, position=2)
    return cast


def fresh(one) -> Delivery:
    return Delivery.objects.select_related("location", "connection").get(pk=one.pk)


def made(cast, state=State.REJECTED, **more) -> Delivery:
    return fresh(make_delivery(cast, state, **({"reason_code": "ae"} if state == State.REJECTED else {}) | more))


def by_hand(one: Delivery, reason: str = "eCW's listener is down") -> list[Delivery]:
    with acting(Actor("user", "7", "dana")), transaction.atomic():
        return send([one.pk], reason)


def move(one: Delivery, old: State, new: State, reason_code: str = "") -> None:
    with acting(Actor("worker", "w1")), transaction.atomic():
        assert transition(tickets([one.pk]), old, new, reason_code=reason_code)


class TestGoes:
    def test_what_was_refused_goes_by_the_other_way_and_is_verified_there(self, scribe, ecw, two_ways):
        first = post(scribe)
        ecw.fault("ae", count=1)
        run_lanes()
        (new,) = by_hand(Delivery.objects.get(pk=first))
        old = Delivery.objects.get(pk=first)
        assert (old.state, new.replaces_id, new.connection) == (State.SUPERSEDED, first, two_ways.reader)
        assert (new.reason_code, new.control_id != old.control_id) == ("another_way_by_person", True)
        run_lanes()
        read_due()
        new.refresh_from_db()
        assert new.state == State.VERIFIED
        assert len(ecw.filings()) == 1

    def test_the_person_and_the_reason_stand_in_the_audit_log(self, two_ways):
        one = made(two_ways)
        by_hand(one, "agreed with eCW by telephone")
        event = AuditEvent.objects.get(event="delivery.fallback")
        assert (event.actor_name, event.reason) == ("dana", "agreed with eCW by telephone")
        assert (event.detail["replaces"], event.detail["reason_code"]) == (one.pk, "another_way_by_person")
        assert "another_way_by_person" in CATALOGUE

    @pytest.mark.parametrize("state", [State.HELD, State.REJECTED])
    def test_from_where_it_is_stopped(self, two_ways, state):
        assert [one.replaces_id for one in by_hand(made(two_ways, state))]

    def test_a_waiting_one_whose_connection_is_stopped_but_none_that_only_waits_for_its_turn(self, two_ways):
        one = made(two_ways, State.READY)
        assert why_not(one) == "under_way"
        ConnectionState.objects.create(connection=two_ways.hl7, breaker=Breaker.OPEN)
        assert why_not(one) == ""
        assert by_hand(one)

    def test_a_waiting_one_that_was_tried_in_vain(self, two_ways):
        assert why_not(made(two_ways, State.READY, tries=["unavailable"])) == ""

    def test_doubt_that_the_chart_or_a_person_resolved_is_no_doubt_any_more(self, two_ways):
        for resolved in ("not_there_by_person", "proven_absent"):
            one = made(two_ways, State.UNKNOWN, reason_code="no_answer")
            if resolved == "not_there_by_person":
                move(one, State.UNKNOWN, State.PARKED)
                move(one, State.PARKED, State.READY, resolved)
            else:
                move(one, State.UNKNOWN, State.READY, resolved)
            assert why_not(fresh(one)) == "", resolved
            assert by_hand(one), resolved

    def test_by_the_third_way_where_the_second_has_refused_it_too(self, two_ways, cast):
        third = Connection.objects.create(
            practice=cast.practice, name="third", kind="hl7", environment="sandbox", settings=cast.hl7.settings
        )
        Route.objects.create(location=cast.north, part="note", connection=third, position=3)
        (second,) = by_hand(made(cast))
        move(second, State.READY, State.SENDING)
        move(second, State.SENDING, State.REJECTED, "openapi_refused")
        assert other_route(fresh(second)).connection == third
        (last,) = by_hand(fresh(second))
        assert (last.connection, last.replaces_id) == (third, second.pk)

    def test_whoever_was_faster_has_won(self, two_ways):
        one = made(two_ways)
        assert by_hand(one)
        assert by_hand(one) == []
        assert Delivery.objects.filter(replaces=one).count() == 1


class TestNeverGoes:
    @pytest.mark.parametrize(
        "state",
        [one for one in State if one not in other_way.STOPPED],
    )
    def test_what_is_in_doubt_charted_or_ended_is_offered_no_other_way(self, two_ways, state):
        one = made(two_ways, state)
        assert why_not(one) == "state"
        assert "other-way" not in {deed.verb for deed in deeds_for(one)}
        assert by_hand(one) == []
        assert fresh(one).state == state

    @pytest.mark.parametrize("state", [State.UNKNOWN, State.PARKED, State.ACCEPTED, State.VERIFIED, State.MISFILED])
    def test_nor_what_another_delivery_of_the_same_part_leaves_open(self, two_ways, state):
        one = made(two_ways)
        other = make_delivery(two_ways, state)
        Delivery.objects.filter(pk=other.pk).update(note_id=one.note_id)
        assert why_not(one) == "doubt"
        assert by_hand(one) == []

    def test_nor_doubt_that_was_only_called_off(self, two_ways):
        one = made(two_ways)
        other = make_delivery(two_ways, State.PARKED)
        move(other, State.PARKED, State.CANCELLED)
        Delivery.objects.filter(pk=other.pk).update(note_id=one.note_id)
        assert why_not(one) == "doubt"

    def test_nor_what_was_sent_again_only_because_the_receiver_ignores_repeats(self, two_ways):
        one = made(two_ways, State.UNKNOWN)
        move(one, State.UNKNOWN, State.READY, "receiver_ignores_repeats")
        assert why_not(fresh(one)) == "doubt"
        assert by_hand(one) == []

    def test_nor_a_try_cut_off_of_which_nobody_has_said_what_became(self, two_ways):
        one = made(two_ways, State.HELD, tries=[])
        add_attempt(two_ways, one, 1, "no_answer", "ack_timeout")
        assert why_not(one) == "doubt"

    @pytest.mark.parametrize("code", sorted(OF_THE_VISIT)[:3])
    def test_nor_what_was_refused_for_its_patient_or_visit(self, two_ways, code):
        assert why_not(made(two_ways, reason_code=code)) == "of_the_visit"

    @pytest.mark.parametrize("code", ["awaits_review", "outside_pilot"])
    def test_nor_what_somebody_else_lets_go(self, two_ways, code):
        one = made(two_ways, State.HELD, reason_code=code)
        assert why_not(one) == "waits_for_somebody"
        assert by_hand(one) == []

    def test_nor_a_withdrawn_note(self, two_ways):
        one = made(two_ways)
        NoteVersion.objects.filter(pk=one.note_version_id).update(retract_requested_at=timezone.now())
        assert why_not(one) == "withdrawn"

    @pytest.mark.parametrize("what", ["none", "off", "stopped", "environment"])
    def test_nor_where_no_other_way_can_be_used(self, cast, two_ways, what):
        if what == "none":
            Route.objects.filter(connection=cast.reader).delete()
        elif what == "off":
            Connection.objects.filter(pk=cast.reader.pk).update(enabled=False)
        elif what == "stopped":
            ConnectionState.objects.create(connection=cast.reader, breaker=Breaker.AUTH)
        else:
            Connection.objects.filter(pk=cast.reader.pk).update(environment="production")
        one = made(cast)
        assert why_not(one) == "no_way"
        assert verdict(one) == (False, WHY_NOT["no_way"])
        assert by_hand(one) == []

    def test_nor_what_the_other_way_would_hold_and_it_stays_where_it_is(self, two_ways, monkeypatch):
        one = made(two_ways)
        monkeypatch.setattr(other_way, "rehearse", lambda delivery, route: "unmapped_section")
        possible, words = verdict(one)
        assert (possible, "would hold it" in words) == (False, True)
        assert by_hand(one) == []
        assert fresh(one).state == State.REJECTED

    def test_the_rehearsal_is_the_real_one(self, two_ways, cast):
        one = made(two_ways)
        assert other_way.rehearse(one, other_route(one)) == ""
        cast.north.locked_reason = "certification has not passed"
        cast.north.save()
        assert other_way.rehearse(one, other_route(one)) == "location_locked"
        assert Move.objects.filter(delivery=one, to_state=State.SUPERSEDED).count() == 0


def test_moves_leave_doubt_or_none(cast):
    def walk(*steps: tuple[str, str, str], begun: bool = False) -> bool:
        moves = [Move(from_state=old, to_state=new, reason_code=why) for old, new, why in steps]
        return unresolved(moves, begun)

    sent = (("", "ready", ""), ("ready", "sending", ""))
    assert not walk(sent[0])
    assert walk(*sent), "under way"
    assert not walk(*sent, ("sending", "ready", "connection_refused"))
    assert not walk(*sent, ("sending", "rejected", "ae"))
    assert walk(*sent, ("sending", "unknown", "no_answer"))
    assert walk(*sent, ("sending", "unknown", ""), ("unknown", "parked", ""), ("parked", "cancelled", ""))
    assert not walk(*sent, ("sending", "unknown", ""), ("unknown", "parked", ""), ("parked", "ready", "not_there"))
    assert walk(*sent, ("sending", "unknown", ""), ("unknown", "ready", "receiver_ignores_repeats"))
    assert walk(*sent, ("sending", "accepted", ""))
    assert walk(("", "ready", ""), begun=True)


class TestAskedByAPerson:
    def test_the_button_names_the_way_and_sends(self, client, two_ways):
        one = made(two_ways)
        client.force_login(two_ways.dana)
        page = client.get(f"/deliveries/{one.pk}/").content.decode()
        assert "Send by another way" in page
        assert two_ways.reader.name in page
        client.post(f"/deliveries/{one.pk}/act/other-way/", {"reason": "listener is down"})
        assert Delivery.objects.get(replaces=one).connection == two_ways.reader

    def test_the_caution_says_by_which_way(self, two_ways):
        one = made(two_ways)
        deed = next(deed for deed in deeds_for(one) if deed.verb == "other-way")
        assert two_ways.reader.name in caution_of(deed, one)

    def test_without_a_reason_or_a_role_nothing_moves(self, client, two_ways):
        one = made(two_ways)
        client.force_login(two_ways.dana)
        client.post(f"/deliveries/{one.pk}/act/other-way/", {"reason": ""})
        client.force_login(two_ways.ava)
        assert client.post(f"/deliveries/{one.pk}/act/other-way/", {"reason": "because"}).status_code == 403
        assert fresh(one).state == State.REJECTED

    @pytest.mark.parametrize("dry", [True, False])
    def test_many_are_counted_said_one_by_one_and_what_is_in_doubt_is_left(self, two_ways, monkeypatch, dry):
        monkeypatch.setattr(bell, "publish", lambda *args: None)
        goes, unknown = made(two_ways, encounter="E7001"), made(two_ways, State.UNKNOWN)
        doubtful = made(two_ways)
        other = make_delivery(two_ways, State.PARKED)
        Delivery.objects.filter(pk=other.pk).update(note_id=doubtful.note_id)
        patients = made(two_ways, reason_code=sorted(OF_THE_VISIT)[0])
        scope, deed = Scope((two_ways.north, two_ways.south)), deed_named("other-way")
        counted = plan(scope, Filters(), deed)
        assert (counted.total, counted.able) == (5, 2)
        with acting(Actor("user", "7", "dana")):
            job = begin(scope, Filters(), deed, Wanted(two_ways.dana, "listener is down", dry))
        run_jobs("w1", lambda: False)
        said = {item.delivery_id: (item.result, item.said) for item in JobItem.objects.filter(job=job)}
        assert said.keys() == {goes.pk, doubtful.pk}
        assert said[goes.pk] == ("would" if dry else "done", f"by {two_ways.reader.name} (Open API)")
        assert said[doubtful.pk] == ("left", WHY_NOT["doubt"])
        assert Delivery.objects.filter(replaces=goes).exists() is not dry
        for one, state in ((unknown, State.UNKNOWN), (doubtful, State.REJECTED), (patients, State.REJECTED)):
            assert fresh(one).state == state

    def test_the_preview_says_what_is_left_alone_and_the_job_by_which_way(self, client, two_ways, monkeypatch):
        monkeypatch.setattr(bell, "publish", lambda *args: None)
        one = made(two_ways)
        client.force_login(two_ways.dana)
        page = client.get(f"/deliveries/bulk/other-way/?id={one.pk}").content.decode()
        assert "left alone: what may stand in the chart goes by no second way" in page
        answer = client.post(f"/deliveries/bulk/other-way/?id={one.pk}", {"reason": "a look first", "dry": "on"})
        run_jobs("w1", lambda: False)
        assert f"by {two_ways.reader.name}" in client.get(answer["Location"]).content.decode()
        assert fresh(one).state == State.REJECTED


class TestTheWayIsChosen:
    @pytest.fixture
    def third(self, two_ways):
        """A further way, behind the Open API."""
        made_now = Connection.objects.create(
            practice=two_ways.practice,
            name="Backup HL7",
            kind="hl7",
            environment="sandbox",
            settings=two_ways.hl7.settings,
        )
        Route.objects.create(location=two_ways.north, part="note", connection=made_now, position=3)
        return made_now

    def test_the_page_offers_all_of_them_where_there_are_several(self, client, two_ways, third):
        one = made(two_ways)
        client.force_login(two_ways.dana)
        page = client.get(f"/deliveries/{one.pk}/").content.decode()
        for way in (two_ways.reader, third):
            assert f'<option value="{way.pk}">{other_way.words_of(way)}</option>' in page
        assert f'<option value="{two_ways.hl7.pk}">' not in page
        Route.objects.filter(connection=third).delete()
        page = client.get(f"/deliveries/{one.pk}/").content.decode()
        assert 'name="way"' not in page
        assert f"By {other_way.words_of(two_ways.reader)}" in page

    def test_it_goes_by_the_chosen_one(self, client, two_ways, third):
        one = made(two_ways)
        client.force_login(two_ways.dana)
        client.post(f"/deliveries/{one.pk}/act/other-way/", {"reason": "listener is down", "way": third.pk})
        assert Delivery.objects.get(replaces=one).connection == third

    @pytest.mark.parametrize("which", ["its own", "stopped", "elsewhere", "none at all"])
    def test_a_way_that_is_none_of_its_own_moves_nothing(self, client, two_ways, third, which):
        one = made(two_ways)
        ConnectionState.objects.create(connection=third, breaker=Breaker.OPEN)
        stranger = Connection.objects.create(
            practice=two_ways.elsewhere.practice, name="x", kind="hl7", environment="sandbox"
        )
        way = {"its own": two_ways.hl7.pk, "stopped": third.pk, "elsewhere": stranger.pk, "none at all": 10**15}[which]
        client.force_login(two_ways.dana)
        client.post(f"/deliveries/{one.pk}/act/other-way/", {"reason": "listener is down", "way": way})
        assert fresh(one).state == State.REJECTED
        assert verdict(one, way) == (False, WHY_NOT["not_this_way"])

    @pytest.mark.parametrize("way", ["x", "²", "1.5", "-1", " ", "9" * 40])
    def test_what_is_no_way_at_all_is_refused_in_words_and_moves_nothing(self, client, two_ways, third, way):
        one = made(two_ways)
        client.force_login(two_ways.dana)
        posted = {"reason": "listener is down", "way": way}
        page = client.post(f"/deliveries/{one.pk}/act/other-way/", posted, follow=True).content.decode()
        assert fresh(one).state == State.REJECTED
        assert not Delivery.objects.filter(replaces=one).exists()
        assert escape(f"Nothing was changed: {WHY_NOT['not_this_way']}.") in page

    def test_the_only_one_left_is_not_taken_in_place_of_one_that_has_gone(self, client, two_ways, third):
        one = made(two_ways)
        Route.objects.filter(connection=third).delete()
        client.force_login(two_ways.dana)
        posted = {"reason": "listener is down", "way": third.pk}
        page = client.post(f"/deliveries/{one.pk}/act/other-way/", posted, follow=True).content.decode()
        assert fresh(one).state == State.REJECTED
        assert escape(WHY_NOT["not_this_way"]) in page

    def test_another_button_of_the_same_form_does_not_mind_it(self, client, two_ways, third):
        one = made(two_ways, State.HELD)
        client.force_login(two_ways.dana)
        client.post(f"/deliveries/{one.pk}/act/cancel/", {"reason": "listener is down", "way": "x"})
        assert fresh(one).state == State.CANCELLED

    def test_many_go_by_it_and_what_it_cannot_take_is_left_with_the_reason(self, client, two_ways, third, monkeypatch):
        monkeypatch.setattr(bell, "publish", lambda *args: None)
        goes = made(two_ways, encounter="E7001")
        Route.objects.create(location=two_ways.south, part="note", connection=two_ways.reader, position=2)
        south = made(two_ways, encounter="E7002", location=two_ways.south)
        client.force_login(two_ways.dana)
        address = "/deliveries/bulk/other-way/?state=rejected"
        page = client.get(address).content.decode()
        assert "Each location’s first other way" in page
        assert f'<option value="{third.pk}">' in page
        client.post(address, {"reason": "listener is down", "way": third.pk})
        run_jobs("w1", lambda: False)
        said = {item.delivery_id: (item.result, item.said) for item in JobItem.objects.all()}
        assert said[goes.pk] == ("done", f"by {other_way.words_of(third)}")
        assert said[south.pk] == ("left", WHY_NOT["not_this_way"])
        assert Delivery.objects.get(replaces=goes).connection == third
        assert AuditEvent.objects.get(event="job.begin").detail["connection"] == third.pk

    def test_a_job_by_a_way_that_has_gone_meanwhile_is_not_begun_by_the_only_one_left(self, client, two_ways, third):
        one = made(two_ways)
        Connection.objects.filter(pk__in=[third.pk, two_ways.hl7.pk]).update(enabled=False)
        client.force_login(two_ways.dana)
        posted = {"reason": "listener is down", "way": third.pk}
        page = client.post(f"/deliveries/bulk/other-way/?id={one.pk}", posted).content.decode()
        assert not JobItem.objects.exists()
        assert "is not one of the available choices" in page

    def test_a_job_by_a_way_of_another_practice_is_not_begun(self, client, two_ways, third):
        stranger = Connection.objects.create(
            practice=two_ways.elsewhere.practice, name="x", kind="hl7", environment="sandbox"
        )
        one = made(two_ways)
        client.force_login(two_ways.dana)
        answer = client.post(
            f"/deliveries/bulk/other-way/?id={one.pk}", {"reason": "listener is down", "way": stranger.pk}
        )
        assert answer.status_code == 200
        assert not JobItem.objects.exists()
