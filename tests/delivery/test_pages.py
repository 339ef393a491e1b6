"""What lanes write together: one transaction for all of them, each one's epoch, fate and first byte its own."""

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from delivery import incarnation, lanes, pages, sql
from delivery.channels.base import Receipt, Rendered
from delivery.due import first_due
from delivery.models import Attempt, Delivery, Lane, Move, Wire
from delivery.outcomes import accepted
from delivery.outgoing import prepare
from delivery.pages import Page, Written, write_all
from delivery.states import State
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db


class Channel:
    def render(self, note) -> Rendered:
        return Rendered(f"bytes of {note.control_id}".encode(), "text/plain")


def page(cast, index: int, notes: int = 1, outcomes=(), draining=True) -> Page:
    """A held lane's page with so many notes that may leave."""
    lane = Lane.objects.get_or_create(connection=cast.hl7, index=index)[0]
    for number in range(notes):
        delivery = make_delivery(cast, State.READY, encounter=f"E{index}-{number}", tries=[])
        Delivery.objects.filter(pk=delivery.pk).update(lane=lane)
    lease = lanes.acquire(lane.pk)
    ready, stopped = prepare(first_due(lane.pk, 32), Channel())
    assert (len(ready), stopped) == (notes, [])
    return Page(lease, cast.hl7, draining=draining, outcomes=outcomes, stopped=stopped, ready=ready)


def states(one: Page) -> set[str]:
    return set(Delivery.objects.filter(lane_id=one.lease.lane_id).values_list("state", flat=True))


def test_each_lane_is_told_of_its_own_intents_under_its_own_epoch(cast):
    Lane.objects.create(connection=cast.hl7, index=1, epoch=40)
    both = [page(cast, 0, notes=2), page(cast, 1)]
    fates = write_all(both)
    for one, fate in zip(both, fates, strict=True):
        assert [prepared.delivery.pk for prepared in fate.claimed] == [each.delivery.pk for each in one.ready]
        rows = Attempt.objects.filter(delivery__lane=one.lease.lane_id)
        assert set(rows.values_list("epoch", flat=True)) == {one.lease.epoch}
        assert fate.may_go_on
    assert {one.lease.epoch for one in both} == {1, 41}
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sending", 1)}
    assert Wire.objects.count() == Attempt.objects.count() == Move.objects.filter(to_state="sending").count() == 3


def test_four_lanes_cost_no_more_statements_than_one(cast):
    write_all([page(cast, 9)])  # the first of all names the database's incarnation
    counts = []
    for group in ([page(cast, 0)], [page(cast, index) for index in range(1, 5)]):
        with CaptureQueriesContext(connection) as asked:
            write_all(group)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_lane_that_was_taken_over_claims_nothing_and_the_others_go_on(cast):
    lost, held = page(cast, 0), page(cast, 1)
    Lane.objects.filter(pk=lost.lease.lane_id).update(epoch=99)
    fates = write_all([lost, held])
    assert [(len(fate.claimed), fate.may_go_on) for fate in fates] == [(0, False), (1, True)]
    assert (states(lost), states(held)) == ({"ready"}, {"sending"})


def test_outcomes_of_the_last_batch_and_intents_of_the_next_stand_together(cast):
    first = page(cast, 0)
    [sent] = write_all([first])[0].claimed
    lane = first.lease.lane_id
    outcome = accepted(sent, Receipt("AA", b"MSA|AA"))
    write_all([Page(first.lease, cast.hl7, draining=False, outcomes=[outcome], stopped=(), ready=())])
    assert states(first) == {"accepted"}
    assert Attempt.objects.get().outcome == "accepted"
    assert not Lane.objects.get(pk=lane).draining


def test_what_spoils_the_transaction_spoils_it_for_its_own_lane(cast, monkeypatch):
    bad, good = page(cast, 0), page(cast, 1)
    spoiling, real = bad.ready[0].delivery.pk, sql.insert

    def insert(rows, *events, others=()):
        if any(isinstance(row, Wire) and row.delivery_id == spoiling for group in others for row in group):
            raise IntegrityError("this one")
        real(rows, *events, others=others)

    monkeypatch.setattr(sql, "insert", insert)
    fates = write_all([bad, good])
    assert isinstance(fates[0], IntegrityError)
    assert [prepared.delivery.pk for prepared in fates[1].claimed] == [good.ready[0].delivery.pk]
    assert (states(bad), states(good)) == ({"ready"}, {"sending"})


def test_a_database_that_is_away_is_everybodys_trouble_and_nobody_is_tried_alone(cast, monkeypatch):
    both, tried = [page(cast, 0), page(cast, 1)], []

    def away(some):
        tried.append(len(some))
        raise OperationalError("away")

    monkeypatch.setattr(pages, "write", away)
    with pytest.raises(OperationalError):
        write_all(both)
    assert tried == [2]


def test_without_the_mark_outside_the_database_no_lane_may_send_what_it_claimed(cast, monkeypatch):
    claiming, idle = page(cast, 0), page(cast, 1, notes=0)

    def full(attempt):
        raise OSError("disk full")

    monkeypatch.setattr(incarnation, "remember", full)
    fates = write_all([claiming, idle])
    assert isinstance(fates[0], OSError)
    assert isinstance(fates[1], Written)
    assert states(claiming) == {"sending"}, "whoever takes the lane next doubts it"
