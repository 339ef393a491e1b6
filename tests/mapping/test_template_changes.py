"""What a newer template does to the mapping in force, to its draft and to what is proposed: counted, named, never guessed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEvent
from mapping.apply import apply
from mapping.defaults import VISIT_TYPES, set_defaults, visit_rules
from mapping.drift import BROKEN, LOOK, changes, drifted
from mapping.drift_report import report_of
from mapping.impact import CATCH_ALL_ROW, impact
from mapping.importers.base import ImportedField, ImportedTemplate
from mapping.imports import compare, save
from mapping.models import MappingState, MappingVersion, Template
from mapping.note import FieldSpec, RuleSpec
from mapping.publishing import (
    CannotPublish,
    fingerprint,
    publish,
    return_to,
    save_rules,
    spec_problems,
    start_copy,
    start_draft,
)
from mapping.queries import draft_of, published_of, published_spec, spec_of
from mapping.transfer import INHERITED, SUGGESTED, Transfer, keeping, transfer
from mapping.validation import errors, validate, warnings
from tests.cast import NORTH_FIELDS
from tests.mapping.rehearsing import rehearsed
from tests.mapping.specs import codes, field, numbered, spec

IDS = ["F1", "F2", "F3", "F4"]
CODES = ["plan", "goals", "assessment", "chief_complaint", "own_code"]
versions = st.permutations(IDS).flatmap(
    lambda order: st.lists(
        st.tuples(st.booleans(), st.sampled_from(["free_text", "structured"]), st.sampled_from([None, 5, 50])),
        min_size=4,
        max_size=4,
    ).map(
        lambda wanted: [
            FieldSpec(field_id, field_id, place, kind, limit)
            for place, (field_id, (there, kind, limit)) in enumerate(zip(order, wanted, strict=True), start=1)
            if there
        ]
    )
)
rules = st.lists(
    st.builds(RuleSpec, st.sampled_from(CODES), st.sampled_from([*IDS, "GONE"]), position=st.integers(1, 9)),
    max_size=5,
    unique_by=lambda rule: rule.section_code,
)
texts = st.lists(st.tuples(st.sampled_from(CODES), st.text("ab c", min_size=1, max_size=60)), max_size=5)


class TestTheImpact:
    @given(rules, versions, versions)
    def test_names_each_row_of_a_broken_or_shorter_field_once_and_no_other(self, own, old, new):
        found = impact(spec(own, old), new)
        touched = {item.field_id for item in drifted(old, new)}
        assert {row.field_id for row in found.rows} == touched & {rule.field_id for rule in own}
        assert len({(row.field_id, row.name) for row in found.rows}) == len(found.rows)
        assert len(found.broken) + len(found.shorter) == len(found.rows)

    @given(rules, versions, versions, texts)
    def test_holds_no_note_that_leaves_the_changed_fields_alone(self, own, old, new, posted):
        before = spec(own, old)
        beside = impact(before, new).spec
        touched = {item.field_id for item in drifted(old, new)}
        note = numbered(*[(code, text) for code, text in posted])
        plain, held = apply(before, note, "hold"), apply(beside, note, "hold")
        extra = [problem for problem in held.problems if problem not in plain.problems]
        assert {problem.code for problem in extra} <= {"template_drift"}
        assert {problem.field_id for problem in extra} <= touched & {value.field_id for value in plain.values}

    @given(rules, versions)
    def test_of_the_very_same_version_is_nothing(self, own, old):
        found = impact(spec(own, old, "F1"), old)
        assert (found.changes, found.rows, found.unfilled, found.spec.drifted) == ((), (), (), ())

    def test_names_the_catch_all_field_as_a_row_of_its_own(self):
        (row,) = impact(spec([], [field("F1", 1), field("F2", 2)], "F2"), [field("F1", 1)]).rows
        assert (row.name, row.field_id, row.severity) == (CATCH_ALL_ROW, "F2", BROKEN)

    def test_tells_the_pieces_of_a_section_apart_by_their_headings(self):
        halves = [RuleSpec("plan", "F1", "split", heading=said) for said in ("Plan", "Orders")]
        found = impact(spec(halves, [field("F1", 1)]), [])
        assert [row.name for row in found.rows] == ["Plan (“Plan”)", "Plan (“Orders”)"]

    def test_of_a_shorter_field_is_a_look_with_the_new_length(self):
        (row,) = impact(spec([("plan", "F1")], [field("F1", 1)]), [field("F1", 1, max_length=40)]).rows
        assert (row.severity, row.message) == (LOOK, "The field takes 40 characters now: longer text is held.")

    def test_of_a_field_that_is_required_now_is_unfilled_where_no_row_fills_it(self):
        old = [field("F1", 1), field("F2", 2)]
        new = [replace(one, required=True) for one in old]
        assert [one.field_id for one in impact(spec([("plan", "F1")], old), new).unfilled] == ["F2"]


class TestCarriedToANewerVersion:
    @given(rules, versions, versions)
    def test_no_rule_lands_in_a_field_that_is_gone_or_coded(self, own, old, new):
        placed = transfer(spec(own, old), new, {}, same_template=True)
        usable = {one.field_id for one in new if one.kind != "structured"}
        assert {rule.field_id for rule in placed.rules} <= usable
        assert not {rule.field_id for rule in placed.left} & usable

    @given(rules, versions)
    def test_to_the_version_it_is_for_every_usable_rule_stays_as_it_is(self, own, old):
        placed = transfer(spec(own, old), old, {}, same_template=True)
        usable = {one.field_id for one in old if one.kind != "structured"}
        stayed = [rule for rule in placed.rules if rule.origin != SUGGESTED]
        assert stayed == [rule for rule in own if rule.field_id in usable]

    @given(rules, rules, versions, versions)
    def test_what_is_kept_beside_a_copy_takes_no_section_twice(self, copied, own, old, new):
        placed = keeping(transfer(spec(copied, old), new, {}), spec(own, new), new)
        of_copy = {rule.section_code for rule in placed.rules if rule not in placed.kept}
        assert not of_copy & {rule.section_code for rule in placed.kept}
        assert not {rule.section_code for rule in placed.left} & {rule.section_code for rule in placed.rules}

    @given(rules, versions, versions)
    def test_keeping_one_s_own_mapping_beside_its_own_copy_adds_nothing(self, own, old, new):
        placed = transfer(spec(own, old), new, {})
        assert keeping(placed, spec(placed.rules, new), new).kept == ()


class TestJudgedBesideANewerVersion:
    def judged(self, own, old, new, catch_all=""):
        return validate(spec(own, old, catch_all), newest_template_version_id=9, newest_fields=new)

    @given(rules, versions, versions)
    def test_a_rule_into_a_broken_field_is_an_error_and_into_a_shorter_one_a_warning(self, own, old, new):
        found = self.judged(own, old, new) if new else ()
        broken = {item.field_id for item in drifted(old, new) if item.message}
        shorter = {item.field_id for item in drifted(old, new) if not item.message}
        sent = [rule.field_id for rule in own]
        if new:
            assert [one.field_id for one in errors(found) if one.code == "field_drifted"] == [
                each for each in sent if each in broken
            ]
            assert [one.field_id for one in warnings(found) if one.code == "field_shorter"] == [
                each for each in sent if each in shorter
            ]

    def test_a_limit_that_the_newer_version_does_not_take_is_an_error_beside_the_warning(self):
        own = [RuleSpec("plan", "F1", limit=90)]
        found = self.judged(own, [field("F1", 1)], [field("F1", 1, max_length=40)])
        assert "limit_over_field" in codes(errors(found))
        assert "field_shorter" in codes(warnings(found))

    def test_a_default_that_no_longer_fits_is_an_error(self):
        own = [RuleSpec("plan", "F1", prefix="P: ", default="x" * 38)]
        assert "default_too_long" in codes(errors(self.judged(own, [field("F1", 1)], [field("F1", 1, max_length=40)])))
        assert "default_too_long" not in codes(self.judged(own, [field("F1", 1)], [field("F1", 1, max_length=41)]))

    def test_a_field_that_is_required_since_is_a_warning_until_something_goes_there(self):
        old, new = [field("F1", 1), field("F2", 2)], [field("F1", 1), field("F2", 2, required=True)]
        assert "field_required_since" in codes(warnings(self.judged([("plan", "F1")], old, new)))
        assert "field_required_since" not in codes(self.judged([("plan", "F2")], old, new))

    def test_a_catch_all_field_that_is_gone_since_is_an_error_and_a_shorter_one_a_warning(self):
        old = [field("F1", 1), field("F2", 2)]
        (gone,) = [one for one in self.judged([("plan", "F1")], old, old[:1], "F2") if one.code == "field_drifted"]
        assert (gone.severity, gone.pointer, gone.field_id) == ("error", "/catch_all", "F2")
        assert gone.message == "The catch-all field is F2. F2 is no longer in the template."
        shorter = [old[0], replace(old[1], max_length=40)]
        (less,) = [one for one in self.judged([("plan", "F1")], old, shorter, "F2") if one.code == "field_shorter"]
        assert (less.severity, less.pointer) == ("warning", "/catch_all")
        assert less.message == "The catch-all field F2 takes 40 characters now: longer text is held."

    def test_nothing_is_said_of_a_version_it_is_for(self):
        found = validate(spec([("plan", "F1")], [field("F1", 1)]), newest_template_version_id=None, newest_fields=[])
        assert not {"template_newer", "field_drifted", "field_shorter"} & set(codes(found))


def imported(*named, code="FM-PROGRESS", **changes):
    made = [
        ImportedField(field_id, label, place, max_length=length)
        for place, (field_id, label, length) in enumerate(named, start=1)
    ]
    return ImportedTemplate("Visit", code, tuple(replace(one, **changes.get(one.label, {})) for one in made))


class TestAFileHeldAgainstTheTemplate:
    def test_that_is_not_there_would_be_version_1_and_breaks_nothing(self, cast):
        found = compare(cast.north, imported(*NORTH_FIELDS, code="NEW"))
        assert (found.number, found.template, found.impact, found.mapping) == (1, None, None, 0)

    def test_that_is_the_same_equals_the_newest_version_once_that_was_imported(self, cast):
        save(cast.north, imported(*NORTH_FIELDS), user=cast.mel)
        found = compare(cast.north, imported(*NORTH_FIELDS))
        assert (found.unchanged, found.added, found.removed, found.changed) == (True, (), (), ())
        assert found.impact is None

    def test_says_what_is_added_removed_and_changed_by_field(self, cast):
        altered = ("NF-05", "Assessment and Dx", 12000)
        found = compare(cast.north, imported(*NORTH_FIELDS[:4], altered, ("NF-99", "New", None)))
        assert (found.added, found.removed, found.changed) == (("NF-99",), ("NF-06", "NF-07"), ("NF-05",))
        assert [row.field_id for row in found.impact.broken] == ["NF-06"]
        assert found.mapping == cast.north_mapping.pk

    def test_saves_nothing_by_being_compared(self, cast):
        compare(cast.north, imported(("NF-99", "New", None)))
        assert Template.objects.get(location=cast.north).versions.count() == 1
        assert not AuditEvent.objects.filter(event="template.import").exists()

    def test_of_another_location_is_another_template(self, cast):
        assert compare(cast.south, imported(*NORTH_FIELDS)).template is None


class TestTheReport:
    def test_is_none_while_the_mapping_is_for_the_newest_version_or_none_is_in_force(self, cast):
        assert report_of(cast.north_mapping.template) is None
        made = save(cast.north, imported(*NORTH_FIELDS, code="NEW"), user=cast.mel)
        assert report_of(made.template) is None

    def test_names_affected_sections_once_and_proposes_only_what_is_sure(self, cast):
        template = cast.north_mapping.template
        save(cast.north, imported(*NORTH_FIELDS[:5], ("NF-60", "Treatment Plan", 12000)), user=cast.mel)
        report = report_of(template)
        assert report.affected == ["Plan"]
        assert (report.old.number, report.new.number) == (1, 2)
        (moved,) = [one for one in report.proposal if one.suggested]
        assert (moved.name, moved.field_id, moved.label) == ("Plan", "NF-60", "Treatment Plan")
        assert {change.kind for change in report.broken} == {"removed"}

    def test_proposes_no_field_where_none_is_sure(self, cast):
        save(cast.north, imported(*NORTH_FIELDS[:5], ("NF-60", "Miscellaneous", 12000)), user=cast.mel)
        (left,) = [one for one in report_of(cast.north_mapping.template).proposal if not one.field_id]
        assert (left.name, left.label) == ("Plan", "")

    def test_changes_nothing_that_is_in_force(self, cast):
        before = spec_of(cast.north_mapping)
        save(cast.north, imported(*NORTH_FIELDS[:3]), user=cast.mel)
        assert report_of(cast.north_mapping.template) is not None
        assert spec_of(published_of(cast.north_mapping.template)) == before
        broken = {item.field_id for item in published_spec(cast.north_mapping.template).drifted}
        assert {"NF-04", "NF-05", "NF-06"} <= broken


class TestADraft:
    @pytest.fixture
    def draft(self, cast):
        return start_draft(cast.north_mapping.template, cast.mel)

    @pytest.mark.parametrize(
        "rule",
        [
            RuleSpec("plan", "NF-06", "split", heading="Plan", limit=9, limit_action="truncate", position=3),
            RuleSpec("goals", "NF-07", prefix="Goals: ", separator="", default="None.", position=2),
            RuleSpec("own_code", "NF-07", origin=SUGGESTED),
            RuleSpec("plan", "NF-06", separator=" \n\t| ", prefix="  "),
        ],
    )
    def test_gives_every_setting_back_as_it_was_saved(self, cast, draft, rule):
        save_rules(draft, [rule], "", cast.mel)
        (kept,) = spec_of(draft).rules
        assert replace(kept, id=None) == rule

    def test_of_the_same_rules_in_other_rows_has_the_same_fingerprint(self, cast, draft):
        before = fingerprint(spec_of(draft))
        own = spec_of(draft).rules
        save_rules(draft, [RuleSpec("goals", "NF-07")], "", cast.mel)
        assert fingerprint(spec_of(draft)) != before
        save_rules(draft, own, "", cast.mel)
        assert fingerprint(spec_of(draft)) == before

    def test_that_marks_a_row_as_inherited_without_a_default_loses_the_mark(self, cast, draft):
        save_rules(draft, [RuleSpec("plan", "NF-06", origin=INHERITED)], "", cast.mel)
        assert [rule.origin for rule in spec_of(draft).rules] == [""]

    def test_at_every_edit_is_judged_without_the_slow_checks_and_with_them_before_it_goes_live(
        self, draft, monkeypatch
    ):
        asked = []
        monkeypatch.setattr("mapping.publishing.CHECKS", [lambda one: asked.append(one) or []])
        spec_problems(spec_of(draft), draft.template, thorough=False)
        assert asked == []
        spec_problems(spec_of(draft), draft.template)
        assert asked == [spec_of(draft)]

    def test_with_errors_of_its_own_is_not_given_to_checks_that_assume_a_sound_one(self, draft, monkeypatch):
        monkeypatch.setattr("mapping.publishing.CHECKS", [lambda one: pytest.fail("asked all the same")])
        wrong = replace(spec_of(draft), rules=(RuleSpec("plan", "GONE"),))
        assert codes(errors(spec_problems(wrong, draft.template))) == ["unknown_field"]

    def test_keeps_a_long_reason_to_what_its_column_takes(self, cast, draft):
        publish(rehearsed(draft, cast.mel), cast.dana, " because " + "x" * 300)
        assert len(published_of(draft.template).publish_reason) == 200
        assert published_of(draft.template).publish_reason.startswith("because x")


def test_an_earlier_mapping_put_in_force_again_says_so_where_no_reason_is_given(cast):
    draft = start_draft(cast.north_mapping.template, cast.mel)
    publish(rehearsed(draft, cast.mel), cast.dana, "next")
    again = return_to(MappingVersion.objects.get(pk=cast.north_mapping.pk), cast.dana, "  ")
    assert (again.number, again.publish_reason, again.state) == (3, "Back to mapping 1.", MappingState.PUBLISHED)
    assert MappingVersion.objects.filter(template=draft.template, state=MappingState.PUBLISHED).count() == 1


def test_an_earlier_mapping_whose_fields_are_gone_cannot_be_put_in_force_and_leaves_no_version(cast):
    draft = start_draft(cast.north_mapping.template, cast.mel)
    save_rules(draft, [RuleSpec("chief_complaint", "NF-01")], "", cast.mel)
    publish(rehearsed(draft, cast.mel), cast.dana, "next")
    save(cast.north, imported(*NORTH_FIELDS[:1]), user=cast.mel)
    with pytest.raises(CannotPublish) as refused:
        return_to(MappingVersion.objects.get(pk=cast.north_mapping.pk), cast.dana)
    assert set(codes(refused.value.problems)) == {"field_drifted"}
    assert MappingVersion.objects.filter(template=draft.template).count() == 2
    assert published_of(draft.template).pk == draft.pk


def test_a_copy_with_nothing_placed_is_an_empty_draft_that_says_what_it_left(cast):
    left = spec_of(cast.north_mapping).rules
    publish_free = cast.south_mapping.template
    draft = start_copy(publish_free, cast.north_mapping, Transfer((), left, ""), cast.mel)
    assert spec_of(draft).rules == ()
    assert draft_of(publish_free) == draft
    event = AuditEvent.objects.filter(event="mapping.copy").latest("id")
    assert (event.detail["left"], event.detail["source"]) == (len(left), cast.north_mapping.pk)


class TestTheTemplateOfAVisit:
    @pytest.fixture
    def two(self, cast):
        """NORTH's template, the default for everything, and a second one."""
        first = cast.north_mapping.template
        set_defaults(first, list(VISIT_TYPES))
        return first, save(cast.north, imported(*NORTH_FIELDS, code="TELE"), user=cast.mel).template

    def used(self, *templates):
        return [list(Template.objects.get(pk=one.pk).default_for) for one in templates]

    def test_is_one_for_each_kind_of_visit_whoever_takes_it_the_other_gives_it_up(self, two):
        first, second = two
        set_defaults(second, ["telehealth"])
        assert self.used(first, second) == [["in_person"], ["telehealth"]]
        set_defaults(first, ["telehealth", "in_person"])
        assert self.used(first, second) == [["telehealth", "in_person"], []]

    def test_of_another_location_is_left_alone(self, cast, two):
        before = self.used(cast.south_mapping.template)
        set_defaults(two[1], list(VISIT_TYPES))
        assert self.used(cast.south_mapping.template) == before

    def test_is_recorded_for_each_template_that_changed_and_for_none_that_did_not(self, two):
        _, second = two
        begun = AuditEvent.objects.filter(event="template.change").count()
        set_defaults(second, ["telehealth"])
        assert AuditEvent.objects.filter(event="template.change").count() == begun + 2
        set_defaults(second, ["telehealth"])
        assert AuditEvent.objects.filter(event="template.change").count() == begun + 2

    def test_that_nobody_chose_is_said_with_what_becomes_of_the_note(self, two):
        first, second = two
        set_defaults(first, [])
        assert visit_rules([first, second]) == [
            "In person: no template is used by itself; a note that names none is held.",
            "Telehealth: no template is used by itself; a note that names none is held.",
        ]

    def test_that_serves_both_kinds_is_said_by_name(self, two):
        first, second = two
        (said,) = visit_rules([first, second])
        assert said.endswith(f"its notes go by {first.name}, as visits in person do.")


def test_two_changes_of_one_field_are_graver_together_than_the_harmless_one_alone():
    old, new = [field("F1", 1)], [FieldSpec("F1", "Renamed", 1, "structured", 9)]
    found = changes(old, new)
    assert [change.severity for change in found] == sorted(
        (change.severity for change in found), key=[BROKEN, LOOK, "harmless"].index
    )
    assert [item.max_length for item in drifted(old, new)] == [None], "broken: its new length says nothing more"
