"""What comes from the practice default follows it, what is the location's own stays, and no section gets lost."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mapping.inheritance import by_section, followed, inherited, inherits, marked, own, refusal, same, standings
from mapping.note import RuleSpec
from mapping.sections import CODES
from mapping.transfer import BY_ID, INHERITED
from tests.mapping.specs import field

FIELDS = [field("F1", 1), field("F2", 2), field("F3", 3, max_length=20), field("F4", 4, kind="structured")]
CC, PLAN = RuleSpec("chief_complaint", "F1"), RuleSpec("plan", "F2")
GOALS = RuleSpec("goals", "F2")


def placed(rules) -> dict[str, tuple[str, str]]:
    return {rule.section_code: (rule.field_id, rule.origin) for rule in rules}


def fates(found) -> tuple:
    return found.taken, found.dropped, tuple(one.section_code for one in found.refused)


class TestFollowing:
    def test_an_empty_mapping_takes_over_everything(self):
        found = followed([], [], [CC, PLAN], FIELDS)
        assert placed(found.rules) == {"chief_complaint": ("F1", INHERITED), "plan": ("F2", INHERITED)}
        assert fates(found) == (("chief_complaint", "plan"), (), ())

    def test_who_joins_takes_over_what_is_so_already_and_keeps_what_is_otherwise(self):
        found = followed([CC, replace(PLAN, field_id="F1")], [], [CC, PLAN], FIELDS)
        assert placed(found.rules) == {"chief_complaint": ("F1", INHERITED), "plan": ("F1", "")}
        assert fates(found) == ((), (), ())

    def test_an_inherited_row_follows_the_newer_default(self):
        found = followed(inherited([CC, PLAN]), [CC, PLAN], [CC, replace(PLAN, field_id="F1")], FIELDS)
        assert placed(found.rules)["plan"] == ("F1", INHERITED)
        assert fates(found) == (("plan",), (), ())

    def test_every_setting_of_a_row_follows_not_its_field_alone(self):
        newer = replace(PLAN, prefix="P: ", limit=9, limit_action="truncate", default="None.")
        (rule,) = followed(inherited([PLAN]), [PLAN], [newer], FIELDS).rules
        assert rule == replace(newer, origin=INHERITED)

    def test_a_row_of_the_locations_own_stays_whatever_the_default_does(self):
        mine = replace(PLAN, field_id="F1")
        for newer in ([], [PLAN], [mine], [replace(PLAN, field_id="F3")]):
            assert followed([mine], [PLAN], newer, FIELDS).rules == (mine,)

    def test_a_row_that_a_location_left_out_is_not_brought_back(self):
        assert followed([], [PLAN], [replace(PLAN, prefix="P: ")], FIELDS).rules == ()

    def test_a_section_new_to_the_default_comes_to_those_without_a_rule_for_it(self):
        found = followed(inherited([CC]), [CC], [CC, GOALS], FIELDS)
        assert placed(found.rules)["goals"] == ("F2", INHERITED)
        mine = replace(GOALS, field_id="F1")
        assert placed(followed([mine], [CC], [CC, GOALS], FIELDS).rules) == {"goals": ("F1", "")}

    def test_a_section_gone_from_the_default_goes_where_it_was_inherited_only(self):
        assert fates(followed(inherited([CC, PLAN]), [CC, PLAN], [CC], FIELDS)) == ((), ("plan",), ())
        assert placed(followed([PLAN], [CC, PLAN], [CC], FIELDS).rules) == {"plan": ("F2", "")}

    def test_what_the_template_cannot_take_is_refused_by_name_and_the_row_stays_as_it_was(self):
        for wrong in ("GONE", "F4"):
            found = followed(inherited([PLAN]), [PLAN], [replace(PLAN, field_id=wrong)], FIELDS)
            assert placed(found.rules) == {"plan": ("F2", "")}
            assert fates(found) == ((), (), ("plan",))
            assert wrong in found.refused[0].why

    def test_a_section_new_to_the_default_and_refused_adds_no_row(self):
        found = followed([], [], [replace(GOALS, field_id="GONE")], FIELDS)
        assert (found.rules, fates(found)) == ((), ((), (), ("goals",)))

    def test_a_divided_section_is_refused_whole_when_one_half_finds_no_field(self):
        halves = [
            RuleSpec("plan", "F1", "split", heading="Plan"),
            RuleSpec("plan", "GONE", "split", heading="Orders"),
        ]
        found = followed(inherited([PLAN]), [PLAN], halves, FIELDS)
        assert placed(found.rules) == {"plan": ("F2", "")}

    def test_a_place_of_a_copied_row_says_so_until_the_row_is_taken_over(self):
        copied = replace(PLAN, origin=BY_ID)
        assert followed([copied], [PLAN], [CC], FIELDS).rules[0].origin == BY_ID
        assert followed([copied], [], [PLAN], FIELDS).rules[0].origin == INHERITED


class TestMarks:
    def test_a_changed_row_loses_its_mark(self):
        (rule,) = marked(inherited([replace(PLAN, prefix="P: ")]), [PLAN])
        assert rule.origin == ""

    def test_one_changed_half_makes_the_whole_section_the_locations_own(self):
        halves = [RuleSpec("plan", "F1", "split", heading="Plan"), RuleSpec("plan", "F2", "split")]
        half = inherited(halves[:1])
        assert {rule.origin for rule in marked(inherited(halves), halves)} == {INHERITED}
        assert {rule.origin for rule in marked(half, halves)} == {""}
        assert {rule.origin for rule in marked([*half, halves[1]], halves)} == {""}

    def test_a_row_with_the_defaults_values_is_not_marked_by_itself(self):
        assert marked([PLAN], [PLAN]) == (PLAN,)

    def test_without_a_default_nothing_is_inherited(self):
        assert placed(marked(inherited([CC, PLAN]), [])) == {"chief_complaint": ("F1", ""), "plan": ("F2", "")}

    def test_the_marks_of_copies_are_none_of_its_business(self):
        assert marked([replace(PLAN, origin=BY_ID)], []) == (replace(PLAN, origin=BY_ID),)

    def test_the_number_of_a_row_among_others_is_not_part_of_what_it_does(self):
        assert same([replace(PLAN, position=7)], [PLAN])
        first, second = RuleSpec("plan", "F1", "split", heading="A"), RuleSpec("plan", "F1", "split", heading="B")
        assert not same(
            [replace(first, position=1), replace(second, position=2)],
            [replace(first, position=2), replace(second, position=1)],
        )

    def test_nothing_is_inherited_by_a_section_without_a_rule(self):
        assert not inherits([])


class TestStandings:
    def test_each_section_of_the_default_says_how_the_location_has_it(self):
        here = [*inherited([CC]), replace(PLAN, field_id="F1")]
        found = {one.section_code: one for one in standings(here, [CC, PLAN, GOALS], FIELDS)}
        assert [(one.inherited, one.deviates) for one in found.values()] == [
            (True, False),
            (False, True),
            (False, True),
        ]
        assert found["goals"].here == ()
        assert found["plan"].name == "Plan"

    def test_a_row_of_its_own_that_does_the_same_deviates_in_nothing(self):
        (one,) = standings([PLAN], [PLAN], FIELDS)
        assert (one.inherited, one.deviates) == (False, False)

    def test_it_says_why_the_template_cannot_take_a_row(self):
        (one,) = standings([], [replace(PLAN, field_id="F4")], FIELDS)
        assert "takes coded entries" in one.refused

    def test_a_limit_or_default_too_long_for_the_field_is_a_reason(self):
        assert "takes 20 characters" in refusal([RuleSpec("plan", "F3", limit=30)], FIELDS)
        assert refusal([RuleSpec("plan", "F3", default="x" * 21)], FIELDS)
        assert refusal([RuleSpec("plan", "F3", limit=20)], FIELDS) == ""


rule_sets = st.lists(
    st.builds(
        RuleSpec,
        st.sampled_from(["plan", "goals", "chief_complaint", "own_code", CODES[5]]),
        st.sampled_from(["F1", "F2", "F3", "F4", "GONE"]),
        kind=st.sampled_from(["copy", "split"]),
        prefix=st.sampled_from(["", "P: "]),
        heading=st.sampled_from(["", "Plan"]),
        limit=st.sampled_from([None, 0, 5, 30]),
        position=st.integers(1, 9),
    ),
    max_size=6,
)


@st.composite
def locations(draw):
    """(rules, the default they follow): some sections inherited, some left out, some of the location's own."""
    old = draw(rule_sets)
    mine = draw(rule_sets)
    kept = {code for code in by_section(old) if draw(st.booleans())}
    rules = [*inherited([rule for rule in old if rule.section_code in kept])]
    return [*rules, *(rule for rule in mine if rule.section_code not in kept)], old


@given(locations(), rule_sets)
def test_no_default_touches_what_is_a_locations_own(location, new):
    rules, old = location
    after = by_section(followed(rules, old, new, FIELDS).rules)
    for code, mine in by_section(rules).items():
        if not inherits(mine) and (code in by_section(old) or not same(mine, by_section(new).get(code, ()))):
            assert after[code] == mine


@given(locations(), rule_sets)
def test_each_section_is_there_afterwards_or_named_as_dropped(location, new):
    rules, old = location
    found = followed(rules, old, new, FIELDS)
    assert set(by_section(found.rules)) | set(found.dropped) >= set(by_section(rules))
    assert not set(found.dropped) & set(by_section(new))


@given(locations(), rule_sets)
def test_what_is_taken_over_fits_the_template_and_its_marks_are_true(location, new):
    rules, old = location
    found = followed(rules, old, new, FIELDS)
    assert marked(found.rules, new) == found.rules
    for lines in by_section(found.rules).values():
        if inherits(lines):
            assert refusal(lines, FIELDS) == ""
    for one in found.refused:
        assert one.why
        assert one.section_code not in found.taken


@given(locations(), rule_sets)
def test_following_the_same_default_again_changes_nothing(location, new):
    rules, old = location
    once = followed(rules, old, new, FIELDS)
    again = followed(once.rules, new, new, FIELDS)
    assert (again.rules, again.taken, again.dropped, again.refused) == (once.rules, (), (), ())


@given(rule_sets)
def test_to_make_a_row_ones_own_changes_nothing_but_its_mark(rules):
    assert inherited(own(inherited(rules))) == inherited(rules)
    assert INHERITED not in {rule.origin for rule in own(inherited(rules))}
