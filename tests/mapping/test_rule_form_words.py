"""A rule as it is typed: each error beside its section in words, nothing changed on the way, nothing guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.forms import LIMIT_ACTIONS, MOST_RULES, SEPARATORS, DraftInvalid, MappingForm, RuleForm, draft_spec
from mapping.models import RuleKind
from mapping.note import RuleSpec

ROW = {"section_code": "plan", "field_id": "NF-06"}
typed = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=40)


def form(**changes) -> RuleForm:
    return RuleForm(ROW | changes)


def said(field: str, **changes) -> str:
    one = form(**changes)
    one.is_valid()
    return " ".join(one.errors.get(field, []))


def posted(*rows: dict[str, str], **head: str) -> dict[str, str]:
    data = {"rules-TOTAL_FORMS": str(len(rows)), "rules-INITIAL_FORMS": "0", **head}
    return data | {f"rules-{place}-{name}": value for place, row in enumerate(rows) for name, value in row.items()}


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"section_code": ""}, "section_code", "This field is required."),
        ({"section_code": "Plan"}, "section_code", "small letters, digits and underscores"),
        ({"section_code": "1plan"}, "section_code", "begins with a letter"),
        ({"section_code": "x" * 61}, "section_code", "at most 60 characters"),
        ({"field_id": "x" * 81}, "field_id", "at most 80 characters"),
        ({"kind": "dance"}, "kind", "Select a valid choice"),
        ({"heading": "x" * 101}, "heading", "at most 100 characters"),
        ({"before": "x" * 201}, "before", "at most 200 characters"),
        ({"default": "x" * 2001}, "default", "at most 2000 characters"),
        ({"separator": "\\"}, "separator", "Choose one of the separators."),
        ({"separator": "\\xZZ"}, "separator", "Choose one of the separators."),
        ({"separator": "x" * 41}, "separator", "at most 40 characters"),
        ({"limit": "0"}, "limit", "greater than or equal to 1"),
        ({"limit": "-5"}, "limit", "greater than or equal to 1"),
        ({"limit": "many"}, "limit", "Enter a whole number."),
        ({"limit": "10000001"}, "limit", "less than or equal to 10000000"),
        ({"limit_action": "burn"}, "limit_action", "Select a valid choice"),
        ({"position": "0"}, "position", "greater than or equal to 1"),
        ({"position": "10000"}, "position", "less than or equal to 9999"),
    ],
)
def test_each_mistake_is_said_beside_its_field(changes, field, words):
    assert words in said(field, **changes)


def test_a_row_without_a_field_is_no_rule():
    one = form(field_id="")
    assert one.is_valid()
    assert one.spec(1) is None


def test_what_is_left_open_is_as_usual():
    one = form()
    assert one.is_valid()
    assert one.spec(3) == RuleSpec("plan", "NF-06", position=3)


def test_an_order_that_was_typed_counts_before_the_place_of_the_row():
    one = form(position="7")
    assert one.is_valid()
    assert one.spec(3).position == 7


@pytest.mark.parametrize("kind, heading", [(RuleKind.COPY, ""), ("", ""), (RuleKind.SPLIT, "Goals")])
def test_a_heading_belongs_to_a_split_alone(kind, heading):
    one = form(kind=kind, heading="Goals")
    assert one.is_valid()
    assert one.spec(1).heading == heading


@given(before=typed, default=typed)
def test_what_is_typed_before_and_by_default_stays_as_it_is(before, default):
    one = form(before=before.replace("\n", "\r\n"), default=default)
    if one.is_valid():
        assert (one.spec(1).prefix, one.spec(1).default) == (before, default)


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_line_ends_of_any_browser_are_one_kind(ending):
    one = form(default=f"None.{ending}See above.")
    assert one.is_valid()
    assert one.spec(1).default == "None.\nSee above."


@pytest.mark.parametrize("separator", SEPARATORS)
def test_every_separator_offered_is_taken(separator):
    one = form(separator=separator.encode("unicode_escape").decode())
    assert one.is_valid()
    assert one.spec(1).separator == separator


@pytest.mark.parametrize("action", [value for value, _ in LIMIT_ACTIONS])
def test_every_way_to_treat_a_text_too_long_is_taken(action):
    one = form(limit="100", limit_action=action)
    assert one.is_valid()
    assert (one.spec(1).limit, one.spec(1).limit_action) == (100, action)


@given(st.dictionaries(st.sampled_from(list(RuleForm.base_fields)), st.text(max_size=30), max_size=10))
def test_whatever_is_posted_is_a_rule_no_rule_or_an_error(row):
    one = RuleForm(row)
    if one.is_valid():
        made = one.spec(1)
        assert made is None or (made.section_code, made.field_id) == (one.cleaned_data["section_code"], row["field_id"])
    else:
        assert one.errors


def test_complaints_name_the_section_they_are_about():
    one = MappingForm(posted(ROW, ROW | {"section_code": "goals", "limit": "x"}, {"section_code": "", "limit": "0"}))
    assert not one.is_valid()
    complaints = list(one.complaints())
    assert "Goals, limit: Enter a whole number." in complaints
    assert any(complaint.startswith("A row without section, ") for complaint in complaints)


def test_more_rules_than_a_form_can_hold_are_refused_in_words():
    rows = [ROW] * (MOST_RULES + 1)
    one = MappingForm(posted(*rows))
    assert not one.is_valid()
    assert any(str(MOST_RULES) in complaint for complaint in one.complaints())


def test_a_form_that_lost_its_frame_is_refused():
    one = MappingForm({"rules-0-section_code": "plan"})
    assert not one.is_valid()


def test_a_draft_that_cannot_be_read_says_what_to_correct(cast):
    with pytest.raises(DraftInvalid, match="Plan, limit: Enter a whole number"):
        draft_spec(cast.north_mapping.template, posted(ROW | {"limit": "x"}))


def test_a_draft_is_for_the_fields_of_its_own_template(cast):
    made = draft_spec(cast.north_mapping.template, posted(ROW, catch_all_field_id="NF-07"))
    assert [one.field_id for one in made.fields][:2] == ["NF-01", "NF-02"]
    assert (made.catch_all_field_id, made.template_code) == ("NF-07", "FM-PROGRESS")
