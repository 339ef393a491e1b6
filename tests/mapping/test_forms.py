"""What the mapping page posts is the mapping that will be published."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.forms import DraftInvalid, MappingForm, draft_spec, escaped, initial_rows, unescaped
from mapping.note import RuleSpec
from mapping.publishing import start_draft
from mapping.queries import spec_of
from mapping.sections import CODES
from tests.mapping.specs import spec


def posted(rows, **head):
    """Rows of the form as a browser sends them: line ends as CR LF, everything as text."""
    data = {"rules-TOTAL_FORMS": str(len(rows)), "rules-INITIAL_FORMS": "0", **head}
    for place, row in enumerate(rows):
        for name, value in row.items():
            text = "" if value is None else str(value).replace("\n", "\r\n")
            data[f"rules-{place}-{name}"] = text
    return data


FULL = RuleSpec(
    "assessment_and_plan", "F2", "split", "A&P: ", "\n", "None.\nSee above.", 400, "truncate", "Plan", position=7
)


def test_a_mapping_survives_the_way_through_the_browser():
    rules = (FULL, RuleSpec("plan", "F1", separator=" | ", position=2))
    form = MappingForm(posted(initial_rows(spec(rules))))
    assert form.is_valid()
    assert form.rules() == rules


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=6))
def test_any_separator_survives_as_a_form_value(separator):
    assert unescaped(escaped(separator)) == separator


def test_every_section_has_a_row_and_an_open_row_is_no_rule():
    rows = initial_rows(spec([("plan", "F1"), ("own_code", "F2")]))
    assert sorted(row["section_code"] for row in rows) == sorted([*CODES, "own_code"])
    form = MappingForm(posted(rows))
    assert form.is_valid()
    assert [rule.section_code for rule in form.rules()] == ["plan", "own_code"]


def test_an_extra_row_can_be_asked_for():
    rows = initial_rows(spec([("plan", "F1")]), extra=("plan", "sleep_diary"))
    assert [row["section_code"] for row in rows].count("plan") == 2
    assert rows[-1]["section_code"] == "sleep_diary"


def test_rows_without_a_position_keep_their_order():
    form = MappingForm(
        posted([{"section_code": "plan", "field_id": "F1"}, {"section_code": "goals", "field_id": "F1"}])
    )
    assert form.is_valid()
    assert [(rule.section_code, rule.position) for rule in form.rules()] == [("plan", 1), ("goals", 2)]


def places(*rows):
    form = MappingForm(posted([{"section_code": code, "field_id": "F1", "position": place} for code, place in rows]))
    assert form.is_valid()
    return [rule.position for rule in form.rules()]


def test_a_row_without_a_place_comes_after_those_with_one_and_never_takes_theirs():
    assert places(("plan", "3"), ("goals", ""), ("assessment", "2"), ("procedures", "")) == [3, 4, 2, 5]


def test_the_last_place_there_is_is_shared_rather_than_passed():
    assert places(("plan", "9999"), ("goals", "")) == [9999, 9999]  # of which validation warns


@pytest.mark.parametrize(
    "change, named",
    [
        ({"limit": "many"}, "Plan, limit"),
        ({"limit": "-3"}, "Plan, limit"),
        ({"separator": "\\x"}, "Plan, joined after"),
        ({"kind": "magic"}, "Plan, take"),
        ({"section_code": "Plan B"}, "Plan B, section code"),
        ({"before": "x" * 201}, "Plan, prefix"),
    ],
)
def test_a_wrong_entry_is_named_by_section_and_entry(cast, change, named):
    data = posted([{"section_code": "plan", "field_id": "NF-06", **change}])
    with pytest.raises(DraftInvalid) as refused:
        draft_spec(cast.north_mapping.template, data)
    assert named in str(refused.value)


@pytest.mark.parametrize("data", [{}, {"rules-TOTAL_FORMS": "x"}, {"rules-TOTAL_FORMS": "100000"}])
def test_a_post_that_is_not_the_form_is_refused(cast, data):
    with pytest.raises(DraftInvalid):
        draft_spec(cast.north_mapping.template, data)


def test_the_draft_spec_is_the_form_on_the_draft_s_template_version(cast):
    template = cast.north_mapping.template
    data = posted([{"section_code": "goals", "field_id": "NF-07"}], catch_all_field_id="NF-07")
    unsaved = draft_spec(template, data)
    assert unsaved.mapping_version_id is None
    assert [field.field_id for field in unsaved.fields][:2] == ["NF-01", "NF-02"]
    draft = start_draft(template, cast.mel)
    changed = draft_spec(template, data)
    assert (changed.mapping_version_id, changed.catch_all_field_id) == (draft.pk, "NF-07")
    assert [rule.section_code for rule in changed.rules] == ["goals"]
    assert len(spec_of(draft).rules) == 6
