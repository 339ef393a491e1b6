"""For any section: the value in force, from where, since which mapping, by whom."""

import pytest

from mapping.explain import BY_HAND, BY_POLICY, explained
from mapping.models import MappingVersion
from mapping.note import RuleSpec
from mapping.publishing import publish, return_to, save_rules, start_copy, start_draft
from mapping.queries import field_specs, spec_of
from mapping.transfer import transfer
from tests.cast import make_template
from tests.mapping.rehearsing import rehearsed

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(cast):
    return cast.north_mapping.template


def changed(cast, template, user, *rules: RuleSpec):
    """Publish a mapping with these sections' rules replaced."""
    draft = start_draft(template, user)
    codes = {rule.section_code for rule in rules}
    kept = [rule for rule in spec_of(draft).rules if rule.section_code not in codes]
    return publish(rehearsed(save_rules(draft, [*kept, *rules], "", user), user), user, "changed")


def row(template, name: str):
    return next(item for item in explained(template) if item.name == name)


def test_an_untouched_rule_dates_from_the_first_mapping_and_a_changed_one_from_its_own(cast, template):
    second = changed(cast, template, cast.mel, RuleSpec("plan", "NF-07", prefix="P: ", position=9))
    plan, assessment = row(template, "Plan"), row(template, "Assessment")
    assert (plan.value, plan.since, plan.since.published_by) == ("Notes (NF-07), prefix “P: ”", second, cast.mel)
    assert (assessment.since, assessment.origin) == (cast.north_mapping, BY_HAND)


def test_a_rule_that_came_back_dates_from_its_return(cast, template):
    changed(cast, template, cast.mel, RuleSpec("plan", "NF-07", position=9))
    again = return_to(MappingVersion.objects.get(pk=cast.north_mapping.pk), cast.dana)
    assert row(template, "Plan").since == again
    assert row(template, "Assessment").since == cast.north_mapping


def test_a_section_without_a_rule_follows_the_location(cast, template):
    assert (row(template, "Goals").value, row(template, "Goals").origin) == ("Held for a person", BY_POLICY)
    assert row(template, "Goals").since is None


def test_a_copied_rule_says_so(cast):
    south = cast.south_mapping.template
    placed = transfer(spec_of(cast.north_mapping), field_specs(cast.south_mapping.template_version_id), {})
    draft = start_copy(south, cast.north_mapping, placed, cast.dana)
    publish(rehearsed(draft, cast.dana), cast.dana, "copied")
    assert row(south, "Chief complaint").origin == "Copied, field suggested: look at it"


def test_limits_and_headings_are_part_of_the_value(cast, template):
    rule = RuleSpec("plan", "NF-06", "split", heading="Plan", limit=90, limit_action="truncate", position=9)
    rest = RuleSpec("plan", "NF-07", "split", position=10)
    changed(cast, template, cast.mel, rule, rest)
    values = [item.value for item in explained(template) if item.name == "Plan"]
    assert values == [
        "Treatment Plan (NF-06), text under “Plan”, limit 90, cut over it",
        "Notes (NF-07), text under no chosen heading",
    ]


def test_the_page_shows_it_to_whoever_may_look(cast, client, template):
    for person, status in ((cast.omar, 200), (cast.sam, 404)):
        client.force_login(person)
        answer = client.get(f"/mapping/templates/{template.pk}/values/")
        assert answer.status_code == status
    client.force_login(cast.mel)
    assert "Examination (NF-04)" in client.get(f"/mapping/templates/{template.pk}/values/").content.decode()
    bare = make_template(cast.north, "NEW", "New", [("A", "A", None)]).template
    assert "No mapping is in force" in client.get(f"/mapping/templates/{bare.pk}/values/").content.decode()
