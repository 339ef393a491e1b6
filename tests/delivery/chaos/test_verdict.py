"""The verdict: what counts as lost, twice, out of order, unresolved; and the notes it is about."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from delivery.chaos.notes import Posted, body, mark_of, plan
from delivery.chaos.verdict import judge

A1 = Posted("a", 1, "E", 0)
A2 = Posted("a", 2, "E", 1)
B1 = Posted("b", 1, "E", 2)
C1 = Posted("c", 1, "F", 0)
ALL = [A1, A2, B1, C1]


def verified(*changes):
    return {each.mark: "verified" for each in ALL} | dict(changes)


def marks(*posted):
    return [each.mark for each in posted]


def judged(filed, states, **options):
    return judge(ALL, marks(*filed), states, **{"readable": True, **options})


def test_each_once_and_in_order_is_kept():
    assert judged([C1, A1, A2, B1], verified()).kept


def test_what_no_chart_holds_is_lost_whatever_the_portal_says():
    assert judged([A1, A2, C1], verified()).lost == (B1.mark,)


def test_a_superseded_version_may_be_missing_and_the_newest_may_not():
    assert judged([A2, B1, C1], verified((A1.mark, "superseded"))).kept
    assert judged([A1, B1, C1], verified((A2.mark, "superseded"))).lost == (A2.mark,)


def test_a_parked_note_is_on_a_list_and_not_lost_and_its_newer_version_waits():
    states = verified((A1.mark, "parked"), (A2.mark, "ready"))
    assert judged([B1, C1], states).kept
    assert judged([B1, C1], verified((A2.mark, "ready"))).unresolved == (A2.mark,), "behind nobody"


def test_two_filings_are_duplicated():
    assert judged([A1, A2, B1, C1, A1], verified()).duplicated == (A1.mark,)


def test_an_older_version_after_a_newer_one_is_out_of_order():
    assert judged([A2, A1, B1, C1], verified()).out_of_order == (A1.mark,)
    assert judged([A1, B1, A2, C1], verified()).out_of_order == (A2.mark,), "first in, first out for an encounter"


def test_other_encounters_may_overtake():
    assert judged([A1, C1, A2, B1], verified()).out_of_order == ()


def test_accepted_is_an_end_only_where_nobody_can_look():
    states = {each.mark: "accepted" for each in ALL}
    assert set(judged(ALL, states).unresolved) == set(marks(*ALL))
    assert judged(ALL, states, readable=False).kept


def test_what_the_portal_does_not_know_is_unresolved():
    assert judged(ALL, {}).unresolved == tuple(marks(*ALL))


@given(st.integers(1, 60), st.integers())
def test_a_plan_has_as_many_notes_as_asked_for_each_version_once_and_rising(count, seed):
    notes = [posted for visit in plan(count, seed) for posted in visit]
    assert len(notes) == count
    assert max(Counter(posted.mark for posted in notes).values()) == 1
    for posted in notes:
        earlier = [each for each in notes if each.note == posted.note and each.version < posted.version]
        assert len(earlier) == posted.version - 1
        assert all(each.place < posted.place and each.encounter == posted.encounter for each in earlier)


@given(st.integers())
def test_the_same_seed_makes_the_same_notes_and_each_is_known_by_its_mark(seed):
    assert list(plan(20, seed)) == list(plan(20, seed))
    (posted,) = next(iter(plan(1, seed)))
    sections = body(posted, "NORTH")["sections"]
    assert mark_of({section["code"]: section["text"] for section in sections}) == posted.mark
    assert mark_of({"field": "Scribeport connection probe."}) == ""


def test_a_large_plan_has_visits_of_several_notes_and_amended_ones():
    visits = list(plan(300, seed=1))
    assert len(visits) < 150
    assert sum(posted.version > 1 for visit in visits for posted in visit) > 20


def test_a_filing_with_a_hole_is_lost_however_the_portal_calls_it():
    assert judged(ALL, verified(), torn=[C1.mark]).lost == (C1.mark,)


def test_a_superseded_version_that_nobody_took_the_place_of_is_lost():
    assert judged([A1, A2, C1], verified((B1.mark, "superseded"))).lost == (B1.mark,)


@given(st.integers(1, 40), st.integers(), st.data())
def test_whatever_is_taken_from_doubled_in_or_exchanged_in_a_good_chart_is_found(count, seed, data):
    notes = [posted for visit in plan(count, seed) for posted in visit]
    states = {posted.mark: "verified" for posted in notes}
    chart = marks(*notes)
    assert judge(notes, chart, states, readable=True).kept
    place = data.draw(st.integers(0, count - 1))
    assert judge(notes, chart[:place] + chart[place + 1 :], states, readable=True).lost == (chart[place],)
    assert judge(notes, [*chart, chart[place]], states, readable=True).duplicated == (chart[place],)
    state = data.draw(st.sampled_from(["ready", "sending", "unknown", "held", "accepted", "rejected", "misfiled"]))
    assert judge(notes, chart, states | {chart[place]: state}, readable=True).unresolved == (chart[place],)
    pairs = [(a, b) for a, b in pairwise(notes) if a.encounter == b.encounter]
    if pairs:
        first, second = data.draw(st.sampled_from(pairs))
        swapped = [{first.mark: second.mark, second.mark: first.mark}.get(mark, mark) for mark in chart]
        assert judge(notes, swapped, states, readable=True).out_of_order == (first.mark,)
