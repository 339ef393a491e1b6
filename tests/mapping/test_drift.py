"""A new template is compared field by field; what it breaks holds the notes that use it, and no other."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.apply import apply
from mapping.drift import changes, drifted, reordered
from mapping.note import RuleSpec
from mapping.validation import errors, validate, warnings
from tests.mapping.specs import codes, field, numbered, spec

OLD = [field("F1", 1, max_length=100), field("F2", 2), field("F3", 3)]


def found(new) -> list[tuple[str, str, str]]:
    return [(change.kind, change.severity, change.field_id) for change in changes(OLD, new)]


@pytest.mark.parametrize(
    "new, expected",
    [
        ([*OLD, field("F4", 4)], [("added", "harmless", "F4")]),
        ([*OLD, field("F4", 4, required=True)], [("added", "look", "F4")]),
        ([replace(OLD[0], label="CC"), *OLD[1:]], [("renamed", "look", "F1")]),
        (OLD[:2], [("removed", "broken", "F3")]),
        ([OLD[0], replace(OLD[1], kind="structured"), OLD[2]], [("type", "broken", "F2")]),
        ([replace(OLD[0], max_length=50), *OLD[1:]], [("length", "look", "F1")]),
        ([replace(OLD[0], max_length=200), *OLD[1:]], [("length", "harmless", "F1")]),
        ([replace(OLD[0], max_length=None), *OLD[1:]], [("length", "harmless", "F1")]),
        ([OLD[0], replace(OLD[1], max_length=9), OLD[2]], [("length", "look", "F2")]),
        ([replace(OLD[0], required=True), *OLD[1:]], [("required", "look", "F1")]),
        ([replace(OLD[0], group="Subjective"), *OLD[1:]], [("group", "harmless", "F1")]),
        (OLD, []),
    ],
)
def test_each_change_is_reported_with_its_severity(new, expected):
    assert found(new) == expected


def test_the_gravest_stands_first():
    new = [replace(OLD[0], label="CC"), field("F9", 2), OLD[1]]
    assert [severity for _kind, severity, _field in found(new)] == ["broken", "look", "harmless"]


def test_a_field_that_changed_places_is_the_one_reported_and_not_those_it_passed():
    new = [replace(item, position=place) for place, item in enumerate([OLD[2], OLD[0], OLD[1]], 1)]
    assert found(new) == [("reordered", "broken", "F3")]


def test_a_field_put_in_between_moves_numbers_but_breaks_nothing():
    new = [OLD[0], field("NEW", 2), replace(OLD[1], position=3), replace(OLD[2], position=4)]
    assert found(new) == [("added", "harmless", "NEW")]


@given(st.permutations(range(6)))
def test_without_the_reordered_fields_the_others_stand_in_their_old_order(order):
    old = [field(f"F{place}", place) for place in range(6)]
    new = [replace(old[place], position=at) for at, place in enumerate(order)]
    moved = set(reordered(old, new))
    left = [old[place].field_id for place in order if old[place].field_id not in moved]
    assert left == sorted(left)
    assert bool(moved) == (list(order) != sorted(order))


FIELDS = st.lists(
    st.tuples(st.sampled_from("ABCDEF"), st.sampled_from(["free_text", "structured"]), st.sampled_from([None, 5, 9])),
    unique_by=lambda item: item[0],
    max_size=6,
).map(lambda rows: [field(name, place, kind=kind, max_length=limit) for place, (name, kind, limit) in enumerate(rows)])


@given(FIELDS, FIELDS)
def test_only_equal_templates_are_without_changes_and_none_is_named_twice_for_one_thing(old, new):
    listed = changes(old, new)
    assert len({(change.kind, change.field_id) for change in listed}) == len(listed)
    if not listed:
        assert [(item.field_id, item.kind, item.max_length) for item in old] == [
            (item.field_id, item.kind, item.max_length) for item in new
        ]


def with_drift(new):
    made = spec([("plan", "F1"), ("goals", "F2"), ("assessment", "F3")], OLD)
    return replace(made, drifted=drifted(OLD, new))


class TestWhatIsHeld:
    def test_a_note_that_fills_a_removed_field_waits_and_one_that_does_not_goes(self):
        broken = with_drift(OLD[:2])
        assert codes(apply(broken, numbered(("assessment", "Viral.")), "hold").problems) == ["template_drift"]
        assert apply(broken, numbered(("plan", "Rest.")), "hold").problems == ()

    def test_a_shorter_field_holds_the_longer_texts_only(self):
        shorter = with_drift([replace(OLD[0], max_length=10), *OLD[1:]])
        assert apply(shorter, numbered(("plan", "x" * 10)), "hold").problems == ()
        (problem,) = apply(shorter, numbered(("plan", "x" * 11)), "hold").problems
        assert (problem.code, problem.field_id) == ("template_drift", "F1")
        assert "10 characters now, and the text has 11" in problem.message

    def test_what_is_added_or_renamed_holds_nothing(self):
        harmless = with_drift([replace(OLD[0], label="CC"), *OLD[1:], field("F4", 4)])
        assert apply(harmless, numbered(("plan", "a"), ("goals", "b"), ("assessment", "c")), "hold").problems == ()

    def test_the_problem_says_nothing_of_the_note(self):
        (problem,) = apply(with_drift(OLD[:2]), numbered(("assessment", "ZEBRA")), "hold").problems
        assert "ZEBRA" not in problem.message


class TestPublishing:
    def judged(self, new):
        made = replace(spec([("plan", "F1"), ("goals", "F2"), ("assessment", "F3")], OLD), template_version_id=1)
        return validate(made, newest_template_version_id=2, newest_fields=new)

    @pytest.mark.parametrize(
        "new, section",
        [
            (OLD[:2], "assessment"),
            ([replace(OLD[0], position=9), *OLD[1:]], "plan"),
            ([OLD[0], replace(OLD[1], kind="structured"), OLD[2]], "goals"),
        ],
    )
    def test_in_an_order_or_to_a_field_the_newest_version_lacks_is_an_error_at_its_row(self, new, section):
        (problem,) = errors(self.judged(new))
        assert (problem.code, problem.section_code) == ("field_drifted", section)
        assert problem.pointer == f"/rules/{section}"

    def test_into_a_shorter_field_is_a_warning(self):
        problems = self.judged([replace(OLD[0], max_length=10), *OLD[1:]])
        assert errors(problems) == ()
        assert "field_shorter" in codes(warnings(problems))

    def test_without_a_section_for_a_field_required_since_is_a_warning_that_names_the_field(self):
        new = [*OLD, field("F4", 4, required=True)]
        (problem,) = [one for one in self.judged(new) if one.code == "field_required_since"]
        assert (problem.severity, problem.field_id) == ("warning", "F4")
        assert "F4 (F4) is required in the newest version of the template, and no section goes there" in problem.message
        assert "field_required_since" not in codes(self.judged([replace(OLD[0], required=True), *OLD[1:]]))

    def test_of_a_mapping_for_the_newest_version_is_not_concerned(self):
        made = replace(spec([RuleSpec("plan", "F1")], OLD), template_version_id=2)
        assert "field_drifted" not in codes(validate(made, newest_template_version_id=2, newest_fields=OLD[1:]))
