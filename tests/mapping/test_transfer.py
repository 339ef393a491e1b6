"""Rules are carried to another template by field id, then by a sure suggestion, and never by a guess."""

from hypothesis import given
from hypothesis import strategies as st

from mapping.note import FieldSpec, RuleSpec
from mapping.transfer import BY_ID, INHERITED, SUGGESTED, keeping, transfer
from tests.mapping.specs import field, spec

HERE = [field("F1", 1), field("F2", 2)]
THERE = [
    FieldSpec("X1", "Chief Complaint", 1),
    FieldSpec("X2", "Treatment Plan", 2),
    FieldSpec("F2", "Physical Examination", 3),
    FieldSpec("X4", "Allergies", 4, kind="structured"),
]


def carried(rules, fields=THERE):
    return transfer(spec(rules, HERE), fields, {})


def test_the_same_identifier_wins_over_every_label():
    (rule,) = carried([RuleSpec("plan", "F2", prefix="P: ", id=4)]).rules
    assert (rule.field_id, rule.origin, rule.prefix, rule.id) == ("F2", BY_ID, "P: ", None)


def test_without_it_a_sure_suggestion_is_taken_and_marked():
    placed = carried([("plan", "F1"), ("chief_complaint", "GONE")])
    assert [(rule.field_id, rule.origin) for rule in placed.rules] == [("X2", SUGGESTED), ("X1", SUGGESTED)]
    assert (placed.by_id, placed.suggested, placed.left) == (0, 2, ())


def test_what_neither_places_is_left_and_named():
    placed = carried([("goals", "F1")])
    assert placed.rules == ()
    assert [rule.section_code for rule in placed.left] == ["goals"]


def test_dictated_text_is_never_carried_into_a_structured_field():
    placed = carried([("allergies", "F1")])
    assert placed.rules == ()
    coded = [FieldSpec("F1", "Allergies", 1, kind="structured")]
    assert carried([("allergies", "F1")], coded).rules == ()


def test_the_parts_of_a_divided_section_are_not_put_together_by_a_suggestion():
    halves = [RuleSpec("plan", "F1", "split", heading="Plan"), RuleSpec("plan", "GONE", "split", heading="Orders")]
    assert len(carried(halves).left) == 2


def test_the_catch_all_field_comes_along_only_where_it_exists():
    assert transfer(spec([], HERE, "F2"), THERE, {}).catch_all_field_id == "F2"
    assert transfer(spec([], HERE, "F1"), THERE, {}).catch_all_field_id == ""


def test_in_a_newer_version_of_the_same_template_a_rule_is_no_copy_but_what_it_was():
    was = [
        RuleSpec("plan", "F2"),
        RuleSpec("goals", "F2", origin=SUGGESTED),
        RuleSpec("diagnoses", "F2", origin="default"),
    ]
    placed = transfer(spec([*was, RuleSpec("chief_complaint", "F1")], HERE), THERE, {}, same_template=True)
    assert [rule.origin for rule in placed.rules] == ["", SUGGESTED, "default", SUGGESTED]
    assert [rule.field_id for rule in placed.rules] == ["F2", "F2", "F2", "X1"]


class TestWhatIsMappedThereAlready:
    """A copy replaces what it places, and takes no field from a section that it places nowhere."""

    def kept(self, copied, own, catch_all="", mine=""):
        placed = transfer(spec(copied, HERE, catch_all), THERE, {})
        return keeping(placed, spec(own, THERE, mine), THERE)

    def test_stays_where_the_copy_has_no_field_for_it(self):
        placed = self.kept([("goals", "F1"), ("plan", "F1")], [("goals", "X1"), ("plan", "X1")])
        assert {rule.section_code: (rule.field_id, rule.origin) for rule in placed.rules} == {
            "plan": ("X2", SUGGESTED),
            "goals": ("X1", ""),
        }
        assert [rule.section_code for rule in placed.kept] == ["goals"]
        assert placed.left == ()

    def test_stays_where_the_copy_does_not_name_its_section_at_all(self):
        placed = self.kept([("plan", "F1")], [("family_history", "X1")])
        assert [rule.section_code for rule in placed.kept] == ["family_history"]

    def test_stays_with_all_rules_of_a_divided_section(self):
        halves = [RuleSpec("goals", "X1", "split", heading="Short"), RuleSpec("goals", "X2", "split", heading="Long")]
        assert [rule.heading for rule in self.kept([], halves).kept] == ["Short", "Long"]

    def test_gives_way_where_the_copy_places_its_section(self):
        placed = self.kept([("plan", "F2")], [("plan", "X2"), ("plan", "X1")])
        assert [(rule.field_id, rule.origin) for rule in placed.rules] == [("F2", BY_ID)]

    def test_goes_on_being_inherited_where_the_copy_would_file_it_the_same(self):
        mine = [RuleSpec("plan", "F2", origin=INHERITED, position=3), RuleSpec("goals", "F2")]
        placed = self.kept([RuleSpec("plan", "F2", id=8), ("goals", "F2")], mine)
        assert [(rule.section_code, rule.origin) for rule in placed.rules] == [("goals", BY_ID), ("plan", INHERITED)]
        assert [(rule.section_code, rule.position) for rule in placed.kept] == [("plan", 3)]

    def test_is_no_longer_inherited_where_the_copy_files_it_otherwise(self):
        for copied in ([RuleSpec("plan", "F2", prefix="P: ")], [("plan", "F2"), RuleSpec("plan", "F2", heading="x")]):
            placed = self.kept(copied, [RuleSpec("plan", "F2", origin=INHERITED)])
            assert {rule.origin for rule in placed.rules} == {BY_ID}
            assert placed.kept == ()

    def test_does_not_stay_in_a_field_that_is_gone_or_coded_now(self):
        placed = self.kept([("goals", "F1")], [("goals", "GONE"), ("allergies", "X4")])
        assert placed.kept == ()
        assert [rule.section_code for rule in placed.left] == ["goals"]

    def test_is_its_catch_all_field_too_where_the_copy_brings_none(self):
        assert self.kept([], [], catch_all="F1", mine="X2").catch_all_field_id == "X2"
        assert self.kept([], [], catch_all="F2", mine="X2").catch_all_field_id == "F2"
        assert self.kept([], [], catch_all="F1", mine="GONE").catch_all_field_id == ""


@given(st.lists(st.sampled_from(["plan", "goals", "allergies", "physical_exam"]), max_size=4), st.randoms())
def test_no_rule_gets_lost_on_the_way(codes, random):
    rules = [RuleSpec(code, random.choice(["F1", "F2", "GONE"])) for code in codes]
    placed = carried(rules)
    assert sorted(rule.section_code for rule in (*placed.rules, *placed.left)) == sorted(codes)
    assert {rule.field_id for rule in placed.rules} <= {"X1", "X2", "F2"}
