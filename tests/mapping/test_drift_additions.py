"""A field that the newest import added: a section that had none is proposed for it, marked; no other row moves."""

import pytest

from mapping.drift_report import additions, report_of
from mapping.note import FieldSpec, RuleSpec
from mapping.queries import draft_of, spec_of
from mapping.suggestion import Taught
from mapping.transfer import NEW_FIELD, transfer
from mapping.validation import errors, validate
from tests.cast import NORTH_FIELDS
from tests.mapping.specs import spec
from tests.mapping.test_drift_pages import imported

BEFORE = [FieldSpec("F1", "Chief Complaint", 1), FieldSpec("F2", "Plan", 2)]
RULES = [RuleSpec("chief_complaint", "F1"), RuleSpec("plan", "F2", position=4)]


def added(*labels, before=BEFORE, rules=RULES, learned=None, kind="free_text"):
    """The rules that fields of these labels, new after those of before, bring with them."""
    new = [FieldSpec(f"N{at}", label, len(BEFORE) + at, kind) for at, label in enumerate(labels, 1)]
    old, fields = spec(rules, before), [*BEFORE, *new]
    return additions(transfer(old, fields, learned or {}, same_template=True), old, fields, learned or {})


def test_a_new_field_that_names_a_section_without_a_rule_is_proposed_for_it_behind_the_others():
    (rule,) = added("Allergies")
    assert (rule.section_code, rule.field_id, rule.origin, rule.position) == ("allergies", "N1", NEW_FIELD, 5)


def test_several_stand_one_after_the_other():
    found = added("Allergies", "Family History")
    assert sorted((rule.section_code, rule.field_id) for rule in found) == [
        ("allergies", "N1"),
        ("family_history", "N2"),
    ]
    assert sorted(rule.position for rule in found) == [5, 6]


@pytest.mark.parametrize("label", ["Plan", "Payers", "Hx", "Notes"])
def test_nothing_is_proposed_for_a_section_that_has_a_field_nor_by_a_name_that_is_not_sure(label):
    assert added(label) == ()


def test_a_new_field_of_coded_entries_gets_no_dictated_text():
    assert added("Allergies", kind="structured") == ()


def test_a_field_that_was_there_and_was_left_empty_stays_so():
    rules = [RuleSpec("chief_complaint", "F1")]
    assert added(rules=rules) == (), "somebody left the plan out on purpose"


def test_a_field_that_took_coded_entries_before_and_text_now_counts_as_new():
    coded = [BEFORE[0], FieldSpec("F2", "Plan", 2, "structured")]
    (rule,) = added(before=coded, rules=RULES[:1])
    assert (rule.section_code, rule.field_id) == ("plan", "F2")


def test_a_section_whose_rules_lost_their_fields_is_left_to_a_person_and_not_divided_anew():
    halves = [
        RuleSpec("assessment_and_plan", "GONE1", "split", heading="Assessment"),
        RuleSpec("assessment_and_plan", "GONE2", "split", heading="Plan"),
    ]
    assert "assessment_and_plan" not in {rule.section_code for rule in added("A/P", rules=halves)}
    assert "assessment_and_plan" in {rule.section_code for rule in added("A/P")}


def test_what_the_practice_files_under_that_name_elsewhere_counts_as_sure():
    assert added("Zephyr box") == ()
    (rule,) = added("Zephyr box", learned={"zephyr box": Taught(frozenset({"goals"}))})
    assert (rule.section_code, rule.field_id) == ("goals", "N1")


def test_what_is_proposed_makes_no_error_by_itself():
    found = added("Allergies", "Subjective", "Instructions")
    fields = [*BEFORE, *(FieldSpec(f"N{at}", "x", 2 + at) for at in (1, 2, 3))]
    assert errors(validate(spec([*RULES, *found], fields))) == ()


@pytest.mark.django_db
class TestOnThePage:
    LATER = [*NORTH_FIELDS, ("NF-08", "Family History", None)]

    def test_it_is_named_there_as_a_new_field(self, cast, client):
        client.force_login(cast.mel)
        imported(cast, self.LATER)
        page = client.get(f"/mapping/templates/{cast.north_mapping.template_id}/drift/").content.decode()
        assert page.count("New field, suggested") == 1
        assert "<strong>Family history</strong> to Family History" in page

    def test_it_comes_into_the_draft_with_its_mark_and_nothing_is_in_force(self, cast, client):
        client.force_login(cast.mel)
        template = cast.north_mapping.template
        imported(cast, self.LATER)
        client.post(f"/mapping/templates/{template.pk}/drift/", {})
        rules = {rule.section_code: (rule.field_id, rule.origin) for rule in spec_of(draft_of(template)).rules}
        assert rules.pop("family_history") == ("NF-08", NEW_FIELD)
        assert rules == {rule.section_code: (rule.field_id, rule.origin) for rule in spec_of(cast.north_mapping).rules}
        page = client.get(f"/mapping/templates/{template.pk}/mapping/").content.decode()
        assert page.count("New field, suggested: look at it") == 1
        assert report_of(template) is not None, "the mapping in force is the old one still"
