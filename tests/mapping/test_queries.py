"""The published mapping is read once and cached; drafts are always read afresh."""

import pytest

from mapping.models import MappingVersion, Rule
from mapping.publishing import publish as put_in_force
from mapping.publishing import save_rules, start_draft
from mapping.queries import draft_of, learned_labels, published_spec, rule_spec, spec_of, template_for
from mapping.suggestion import Taught
from tests.cast import make_template, publish
from tests.mapping.rehearsing import rehearsed


def test_the_published_spec_holds_fields_in_order_and_rules(cast):
    spec = published_spec(cast.south_mapping.template)
    assert [field.field_id for field in spec.fields] == ["S.100", "S.300", "S.200", "S.400", "S.900"]
    assert [rule.section_code for rule in spec.rules][:2] == ["chief_complaint", "physical_exam"]
    assert spec.mapping_version_id == cast.south_mapping.pk
    assert spec.template_version_id == cast.south_mapping.template_version_id
    assert (spec.template_code, spec.fields[0].max_length) == ("SM-VISIT", 500)


def test_a_template_without_published_mapping_has_no_spec(cast):
    version = make_template(cast.north, "NEW", "New", [("A", "A", None)])
    assert published_spec(version.template) is None


def test_a_published_mapping_costs_one_query_once_cached(cast, django_assert_num_queries):
    template = cast.north_mapping.template
    first = published_spec(template)
    with django_assert_num_queries(1):
        assert published_spec(template) is first


def test_a_renamed_template_is_known_by_its_new_name(cast):
    template = cast.north_mapping.template
    published_spec(template)
    template.name = "Family Visit"
    template.save()
    assert published_spec(template).template_name == "Family Visit"


def test_a_draft_is_never_cached(cast):
    draft = start_draft(cast.north_mapping.template, cast.mel)
    before = spec_of(draft)
    Rule.objects.create(mapping=draft, section_code="goals", field_id="NF-07", position=99)
    assert len(spec_of(draft).rules) == len(before.rules) + 1


def test_publishing_changes_what_is_in_force_at_once(cast):
    template = cast.north_mapping.template
    old = published_spec(template)
    draft = start_draft(template, cast.mel)
    save_rules(draft, old.rules[:3], "", cast.mel)
    put_in_force(rehearsed(draft, cast.mel), cast.dana, "pilot")
    assert len(published_spec(template).rules) == 3
    assert draft_of(template) is None


def test_a_rule_s_settings_become_its_spec(cast):
    rule = Rule(section_code="plan", field_id="F", settings={"prefix": "P: ", "limit": 9, "limit_action": "truncate"})
    spec = rule_spec(rule)
    assert (spec.prefix, spec.limit, spec.limit_action, spec.separator) == ("P: ", 9, "truncate", "\n\n")


@pytest.mark.parametrize(
    "code, visit_type, found",
    [
        ("FM-PROGRESS", "in_person", "FM-PROGRESS"),
        ("", "in_person", "FM-PROGRESS"),
        ("", "telehealth", "TELE"),
        ("SM-VISIT", "in_person", None),
        ("", "home", None),
    ],
)
def test_the_template_is_the_named_one_or_the_default_of_the_visit_type(cast, code, visit_type, found):
    template = cast.north_mapping.template
    template.default_for = ["in_person"]
    template.save()
    make_template(cast.north, "TELE", "Telehealth", [("A", "A", None)], default_for=["telehealth"])
    chosen = template_for(cast.north, code, visit_type)
    assert (chosen.code if chosen else None) == found


def test_what_all_published_mappings_of_a_practice_file_alike_is_learned(cast):
    learned = learned_labels(cast.practice)
    assert learned["treatment plan"].codes == {"plan"}
    assert learned["reason for appointment"].codes == {"chief_complaint"}
    assert learned["assessment plan"].codes == {"assessment", "plan", "assessment_and_plan"}
    assert "notes" not in learned  # a field no rule fills


def test_what_two_locations_do_differently_is_not_learned(cast):
    other = make_template(cast.south, "SM-2", "Second", [("X1", "HPI", 500), ("X2", "Treatment plan:", 500)])
    publish(other, [("history_of_present_illness", "X2"), ("plan", "X2"), ("orders", "X1")])
    learned = learned_labels(cast.practice)
    assert learned["treatment plan"].codes == {"plan"}
    assert "hpi" not in learned


def test_what_was_learned_says_from_how_many_mappings_and_locations(cast):
    before = learned_labels(cast.practice)["treatment plan"]
    other = make_template(cast.north, "FM-2", "Second", [("X2", "Treatment plan:", 500), ("X3", "Treatment plan", 500)])
    publish(other, [("plan", "X2"), ("plan", "X3")])
    after = learned_labels(cast.practice)["treatment plan"]
    assert (after.mappings, after.locations) == (before.mappings + 1, before.locations)


def test_drafts_and_other_practices_teach_nothing(cast):
    other = make_template(cast.elsewhere, "H-1", "Harbor", [("X1", "Story", 500)])
    publish(other, [("plan", "X1")])
    assert "story" not in learned_labels(cast.practice)
    assert learned_labels(cast.elsewhere.practice) == {"story": Taught(frozenset({"plan"}), mappings=1, locations=1)}
    MappingVersion.objects.filter(template=other.template).update(state="draft")
    assert learned_labels(cast.elsewhere.practice) == {}


def test_learning_takes_three_queries_however_many_mappings(cast, django_assert_num_queries):
    with django_assert_num_queries(3):
        learned_labels(cast.practice)
