"""A row that was damaged behind the program's back holds the notes that need it, and no others."""

import pytest

from mapping import publishing, queries
from mapping.apply import HOLD, apply
from mapping.models import Rule
from mapping.note import RuleSpec
from mapping.publishing import problems_of, start_draft
from mapping.queries import published_spec, rule_spec, spec_of
from mapping.sendable import unsendable
from tests.mapping.specs import codes, numbered, spec, text_of

WORDS = "In the row that sends Plan to F1, the "
DAMAGES = {
    "an unknown setting": ({"prefixx": "P: "}, ("settings",)),
    "a setting of another type": ({"prefix": 7}, ("prefix",)),
    "a limit in words": ({"limit": "many"}, ("limit",)),
    "a limit that is a truth": ({"limit": True}, ("limit",)),
    "a limit with a fraction": ({"limit": 9.5}, ("limit",)),
    "an action nobody knows": ({"limit_action": "burn"}, ("limit_action",)),
    "an action that is a list": ({"limit_action": ["refuse"]}, ("limit_action",)),
    "no settings": (None, ("settings",)),
    "a list": (["prefix"], ("settings",)),
    "two at once": ({"limit": "x", "default": None, "prefix": "P: "}, ("default", "limit")),
}


def held(made, *pairs):
    """What holds a note of these sections."""
    return apply(made, numbered(*pairs), HOLD).problems


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_read_is_named_and_the_rest_is_read(damage):
    settings, named = DAMAGES[damage]
    made = rule_spec(Rule(section_code="plan", field_id="F1", settings=settings, position=3))
    assert made.damaged == named
    usual = RuleSpec("plan", "F1")
    assert (made.limit, made.limit_action, made.default) == (usual.limit, usual.limit_action, usual.default)
    assert made.prefix == ("P: " if damage == "two at once" else "")
    assert made.position == 3


def test_everything_that_is_written_can_be_read():
    assert set(queries.READABLE) == set(publishing._SETTINGS)
    assert all(queries.READABLE[name](usual) for name, usual in publishing._SETTINGS.items())


def test_a_kind_nobody_knows_is_damage():
    assert rule_spec(Rule(section_code="plan", field_id="F1", kind="magic")).damaged == ("kind",)


def test_whole_settings_are_no_damage():
    settings = {"prefix": "P: ", "separator": "\n", "default": "None.", "limit": 9, "limit_action": "truncate"}
    assert rule_spec(Rule(section_code="plan", field_id="F1", settings={**settings, "heading": "Plan"})).damaged == ()
    assert rule_spec(Rule(section_code="plan", field_id="F1", settings={"limit": None, "origin": "id"})).damaged == ()


def test_a_note_that_needs_the_row_is_held_with_the_row_named_and_keeps_its_text():
    made = spec([RuleSpec("plan", "F1", damaged=("limit",), id=7), ("goals", "F1"), ("assessment", "F2")])
    applied = apply(made, numbered(("plan", "Rest."), ("assessment", "Well.")), HOLD)
    (problem,) = applied.problems
    assert problem.message.startswith(WORDS + "limit cannot be read.")
    assert (problem.code, problem.pointer, problem.section_code) == ("unsendable_rule", "/rules/7", "plan")
    assert text_of(applied, "F1") == "Rest."


@pytest.mark.parametrize(
    "rule",
    [
        RuleSpec("plan", "F1", damaged=("limit",)),
        RuleSpec("plan", "F1", damaged=("kind", "heading")),
        RuleSpec("plan", "F1", prefix="\x1c"),
        RuleSpec("plan", "F1", separator="\ufdd0"),
    ],
    ids=["unread limit", "unread heading", "prefix", "separator"],
)
def test_a_note_that_fills_the_same_field_by_another_row_goes(rule):
    made = spec([rule, ("goals", "F1"), ("assessment", "F2")])
    assert held(made, ("goals", "Walk."), ("assessment", "Well.")) == ()
    assert "unsendable_rule" in codes(held(made, ("plan", "Rest."), ("goals", "Walk.")))


@pytest.mark.parametrize("damage", ["default", "settings"])
def test_where_the_default_cannot_be_read_a_note_without_the_section_is_held(damage):
    """What should have stood in the field is not known: leaving it empty would be a guess."""
    made = spec([RuleSpec("plan", "F1", damaged=(damage,)), ("goals", "F2")])
    assert codes(held(made, ("goals", "Walk."))) == ["unsendable_rule"]


def test_where_another_setting_cannot_be_read_a_default_still_needs_the_row():
    made = spec([RuleSpec("plan", "F1", default="None.", damaged=("prefix",)), ("goals", "F2")])
    assert codes(held(made, ("goals", "Walk."))) == ["unsendable_rule"]


@pytest.mark.parametrize("lost", [{"damaged": ("heading",)}, {"heading": "Go\x1cals"}], ids=["unread", "garbled"])
def test_a_piece_whose_heading_is_lost_is_not_filed_with_the_piece_before_it(lost):
    rules = [RuleSpec("plan", "F1", "split", heading="Plan"), RuleSpec("plan", "F2", "split", **lost)]
    assert "unsendable_rule" in codes(held(spec(rules), ("plan", "Plan: rest.\nGoals: walk.")))


def test_both_faults_of_a_row_are_said():
    made = spec([RuleSpec("plan", "F1", prefix="\x1c", damaged=("limit",))])
    said = [problem.message for problem in held(made, ("plan", "Rest."))]
    assert [one.partition(WORDS)[2].partition(".")[0] for one in said] == [
        "limit cannot be read",
        "prefix holds characters that no message can carry",
    ]


def test_a_garbled_field_identifier_is_not_repeated():
    (problem,) = unsendable([RuleSpec("plan", "F\x1c", prefix="\x1c")])
    assert problem.message.startswith("In the row that sends Plan, the prefix and the field identifier holds")


class TestInTheDatabase:
    @pytest.fixture
    def template(self, cast):
        """NORTH's, with the row of the plan damaged while its mapping is in force."""
        Rule.objects.filter(mapping=cast.north_mapping, section_code="plan").update(settings={"limit": "9 lines"})
        queries._cached.cache_clear()
        return cast.north_mapping.template

    def test_the_mapping_goes_on_for_every_other_note(self, template):
        made = published_spec(template)
        assert held(made, ("chief_complaint", "Cough."), ("assessment", "Well.")) == ()
        (problem,) = held(made, ("plan", "Rest."))
        assert problem.message.startswith("In the row that sends Plan to NF-06, the limit cannot be read.")

    def test_its_page_can_be_opened_and_says_it(self, cast, template, client):
        client.force_login(cast.mel)
        page = client.get(f"/mapping/templates/{template.pk}/mapping/").content.decode()
        assert "In the row that sends Plan to NF-06, the limit cannot be read." in page

    def test_a_draft_of_it_sets_the_row_anew_and_says_what_to_look_at(self, cast, template, client):
        draft = start_draft(template, cast.mel)
        assert [rule.damaged for rule in spec_of(draft).rules if rule.section_code == "plan"] == [()]
        assert "unsendable_rule" not in codes(problems_of(draft))
        client.force_login(cast.mel)
        page = client.get(f"/mapping/templates/{template.pk}/mapping/").content.decode()
        assert "Plan: what its row says of limit could not be read; look at it anew." in page
