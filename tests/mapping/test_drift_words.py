"""Drift by brute force and in words: the fewest fields are blamed, each change says what it was, limits hold at the edge."""

from dataclasses import replace
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.drift import BROKEN, GRAVEST_FIRST, changes, drift_problems, drifted, reordered
from mapping.note import Drifted
from tests.mapping.specs import field

NAMES = ["A", "B", "C", "D", "E"]
BASE = field("F1", 1)


def placed(names):
    return [field(name, place) for place, name in enumerate(names, 1)]


def message(old, new) -> str:
    (change,) = changes([old], [new])
    return change.message


def in_old_order(names) -> bool:
    return list(names) == sorted(names)


def fewest_away(order) -> int:
    """How many fields must be taken away so that the others stand as before, by trying every choice."""
    for size in range(len(order) + 1):
        if any(in_old_order([name for name in order if name not in gone]) for gone in combinations(order, size)):
            return size
    raise AssertionError("an empty order is always in order")


@pytest.mark.parametrize("size", range(6))
def test_of_every_order_of_up_to_five_fields_the_fewest_are_blamed(size):
    for order in permutations(NAMES[:size]):
        blamed = reordered(placed(NAMES[:size]), placed(order))
        assert len(blamed) == fewest_away(order), order
        assert in_old_order([name for name in order if name not in blamed]), order


def test_the_rows_order_in_the_database_does_not_matter_only_the_positions():
    fields = placed("ABC")
    assert reordered(fields[::-1], [fields[1], fields[2], fields[0]]) == ()


@pytest.mark.parametrize(
    "order, blamed",
    [("BACD", 1), ("DABC", 1), ("BCDA", 1), ("DCBA", 3), ("BADC", 2), ("ABCD", 0)],
)
def test_a_field_moved_far_is_one_change(order, blamed):
    assert len(reordered(placed("ABCD"), placed(order))) == blamed


def test_fields_gone_and_fields_new_are_no_reordering():
    assert reordered(placed("ABCD"), placed("XAYCZ")) == ()


@pytest.mark.parametrize(
    "old, new, said",
    [
        (BASE, replace(BASE, kind="structured"), "F1 takes coded entries now, and no dictated text."),
        (replace(BASE, kind="structured"), BASE, "F1 takes free text now."),
        (BASE, replace(BASE, required=True), "F1 is required now."),
        (replace(BASE, required=True), BASE, "F1 is no longer required."),
        (BASE, replace(BASE, group="Plan"), "F1 stands under another heading of the template."),
        (
            BASE,
            replace(BASE, label="CC"),
            "CC was named F1 before. It is the same field: make sure that it still means the same.",
        ),
        (
            replace(BASE, max_length=100),
            replace(BASE, max_length=99),
            "F1 takes 99 characters now, 100 characters before. Notes with a longer text there are held.",
        ),
        (
            BASE,
            replace(BASE, max_length=5),
            "F1 takes 5 characters now, any length before. Notes with a longer text there are held.",
        ),
        (replace(BASE, max_length=5), BASE, "F1 takes any length now, 5 characters before."),
    ],
)
def test_each_change_says_what_is_and_what_was(old, new, said):
    assert message(old, new) == said


def test_a_moved_field_names_its_new_place_and_the_danger():
    (change,) = changes(placed("ABC"), placed("CAB"))
    assert change.message == "C changed places and is now at 1: in the old order eCW may drop or misfile it."


def test_a_new_structured_field_is_harmless_though_it_is_required():
    (change,) = changes([], [field("F9", 1, kind="structured", required=True)])
    assert (change.kind, change.severity, change.message) == ("added", "harmless", "F9 is new.")


def test_several_changes_of_one_field_are_each_told():
    new = replace(BASE, label="CC", required=True, max_length=9, group="Plan", kind="structured")
    assert [change.kind for change in changes([BASE], [new])] == ["type", "length", "required", "renamed", "group"]


def test_a_field_that_is_broken_anyway_is_not_called_shorter_as_well():
    old = field("F1", 1, max_length=100)
    assert drifted([old], [replace(old, kind="structured", max_length=10)]) == (
        Drifted("F1", "F1 takes coded entries now, and no dictated text."),
    )


@pytest.mark.parametrize("length, waits", [(0, False), (1, False), (10, False), (11, True)])
def test_a_text_waits_only_over_the_new_length(length, waits):
    found = list(drift_problems([Drifted("F1", max_length=10)], {"F1": "x" * length}))
    assert bool(found) is waits


def test_the_wait_names_lengths_place_and_whose_work_it_is():
    (problem,) = drift_problems([Drifted("F1", max_length=10)], {"F1": "x" * 11})
    assert (problem.code, problem.pointer, problem.field_id) == ("template_drift", "/fields/F1", "F1")
    assert "The field takes 10 characters now, and the text has 11." in problem.message
    assert problem.message.endswith("Whoever edits the mapping: carry it to the newest version and publish.")


@pytest.mark.parametrize("texts", [{}, {"F1": ""}, {"F2": "text"}])
def test_a_note_that_leaves_the_broken_field_alone_goes(texts):
    assert list(drift_problems([Drifted("F1", "gone")], texts)) == []


specs = st.lists(
    st.builds(
        field,
        st.sampled_from(NAMES),
        st.integers(1, 9),
        max_length=st.sampled_from([None, 5, 50]),
        kind=st.sampled_from(["free_text", "structured"]),
        required=st.booleans(),
    ),
    max_size=5,
    unique_by=(lambda one: one.field_id, lambda one: one.position),
)


@given(specs, specs)
def test_the_gravest_always_stand_first_and_only_the_broken_drift_by_message(old, new):
    found = changes(old, new)
    grades = [GRAVEST_FIRST.index(change.severity) for change in found]
    assert grades == sorted(grades)
    broken = {change.field_id for change in found if change.severity == BROKEN}
    assert {item.field_id for item in drifted(old, new) if item.message} == broken


@given(specs, specs)
def test_nothing_drifts_that_the_old_version_did_not_have(old, new):
    assert {item.field_id for item in drifted(old, new)} <= {one.field_id for one in old}


@given(specs)
def test_a_template_imported_again_unchanged_breaks_nothing(fields):
    assert changes(fields, fields) == ()
    assert drifted(fields, fields[::-1]) == ()


@given(specs, specs)
def test_what_one_way_adds_the_other_way_removes(old, new):
    def named(before, after, kind):
        return {change.field_id for change in changes(before, after) if change.kind == kind}

    assert named(old, new, "added") == named(new, old, "removed")
    assert len(reordered(old, new)) == len(reordered(new, old))
