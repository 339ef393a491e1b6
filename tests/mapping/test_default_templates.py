"""Which template a note follows when the scribe names none: at most one per visit type, and each change recorded."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from mapping.defaults import VISIT_TYPES, set_defaults
from mapping.models import Template
from mapping.queries import newest_version, published_spec, template_for, template_rows
from tests.cast import make_template

KINDS = sorted(VISIT_TYPES)


@pytest.fixture
def three(cast) -> list[Template]:
    """NORTH's own template, the default so far, and two more."""
    made = [make_template(cast.north, code, code, [("A", "A", None)], default_for=()).template for code in ("B", "C")]
    return [cast.north_mapping.template, *made]


def defaults(cast) -> dict[str, list[str]]:
    return {template.code: template.default_for for template in Template.objects.filter(location=cast.north)}


def test_a_template_takes_a_visit_type_from_the_one_that_had_it(cast, three):
    set_defaults(three[1], ["telehealth"])
    assert defaults(cast) == {"FM-PROGRESS": ["in_person"], "B": ["telehealth"], "C": []}
    assert template_for(cast.north, "", "telehealth") == three[1]
    assert template_for(cast.north, "", "in_person") == three[0]


def test_each_template_that_changed_is_recorded_and_no_other(cast, three):
    set_defaults(three[1], ["telehealth"])
    changed = AuditEvent.objects.filter(event="template.change").values_list("detail__template", flat=True)
    assert sorted(changed) == ["B", "FM-PROGRESS"]
    set_defaults(three[1], ["telehealth"])
    assert AuditEvent.objects.filter(event="template.change").count() == 2, "the same again is no change"


def test_a_location_may_have_no_default(cast, three):
    set_defaults(three[0], [])
    assert template_for(cast.north, "", "in_person") is None


def test_another_locations_templates_are_left_alone(cast, three):
    set_defaults(three[1], KINDS)
    assert cast.south_mapping.template.default_for == ["in_person", "telehealth"]
    assert template_for(cast.south, "", "in_person") == cast.south_mapping.template


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.sampled_from(KINDS), unique=True, max_size=2)), max_size=5))
def test_whatever_is_chosen_in_whatever_order_no_visit_type_has_two_templates(cast, three, choices):
    for place, kinds in choices:
        set_defaults(Template.objects.get(pk=three[place].pk), kinds)
    for kind in KINDS:
        holders = [code for code, own in defaults(cast).items() if kind in own]
        assert len(holders) <= 1, holders
    if choices:
        place, kinds = choices[-1]
        assert defaults(cast)[three[place].code] == kinds


@pytest.mark.parametrize(
    "code, found", [("FM-PROGRESS", True), ("fm-progress", False), ("SM-VISIT", False), ("X", False)]
)
def test_a_template_is_named_by_its_exact_code_at_this_location(cast, code, found):
    assert (template_for(cast.north, code, "in_person") is not None) is found


def test_a_named_template_is_used_whatever_the_visit_type(cast, three):
    assert template_for(cast.north, "C", "telehealth") == three[2]


def test_an_unknown_visit_type_has_no_default(cast):
    assert template_for(cast.north, "", "by_owl") is None


def test_a_template_that_was_never_imported_has_no_version_and_no_mapping(cast):
    bare = Template.objects.create(location=cast.north, code="BARE", name="Bare")
    assert newest_version(bare) is None
    assert published_spec(bare) is None


def test_the_list_says_of_each_template_where_it_stands(cast, three):
    rows = {row.template.code: row for row in template_rows([cast.north])[cast.north.pk]}
    assert list(rows) == ["B", "C", "FM-PROGRESS"]
    own = rows["FM-PROGRESS"]
    assert (own.version, own.fields, own.published, own.draft, own.outdated) == (1, 7, 1, None, False)
    assert (rows["B"].published, rows["B"].outdated) == (None, False)


def test_the_list_costs_one_query_however_long_it_is(cast, three, django_assert_num_queries):
    with django_assert_num_queries(1):
        template_rows([cast.north, cast.south])
