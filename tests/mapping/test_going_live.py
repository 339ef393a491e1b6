"""A change goes live rehearsed exactly as it stands, or with a second person; the way back needs neither."""

import pytest

from audit.models import AuditEvent
from mapping.going_live import NotRehearsed, ask_second_person, keep_rehearsal, way
from mapping.models import MappingVersion
from mapping.note import RuleSpec
from mapping.publishing import (
    CannotPublish,
    NotADraft,
    fingerprint,
    publish,
    return_to,
    save_rules,
    start_copy,
    start_draft,
)
from mapping.queries import draft_of, field_specs, published_of, published_spec, spec_of
from mapping.transfer import transfer
from tests.cast import make_template
from tests.mapping.rehearsing import rehearsed


@pytest.fixture
def template(cast):
    return cast.north_mapping.template


@pytest.fixture
def draft(cast, template):
    draft = start_draft(template, cast.mel)
    rules = [rule for rule in spec_of(draft).rules if rule.section_code != "plan"]
    return save_rules(draft, [*rules, RuleSpec("plan", "NF-07", position=9)], "", cast.mel)


def last(name: str) -> AuditEvent:
    return AuditEvent.objects.filter(event=name).latest("id")


def mark(draft) -> str:
    return fingerprint(spec_of(draft))


def test_a_change_without_a_rehearsal_does_not_go_live(cast, template, draft):
    with pytest.raises(NotRehearsed):
        publish(draft, cast.dana, "trust me")
    assert published_of(template) == cast.north_mapping


def test_a_rehearsed_change_goes_live_and_the_log_says_so(cast, template, draft):
    publish(rehearsed(draft, cast.mel), cast.mel, "seen")
    assert published_of(template).number == 2
    assert last("mapping.publish").detail["way"] == "rehearsed"


def test_a_rehearsal_of_an_earlier_state_of_the_draft_does_not_count(cast, draft):
    rehearsed(draft, cast.mel)
    save_rules(draft, [RuleSpec("plan", "NF-06")], "", cast.mel)
    with pytest.raises(NotRehearsed):
        publish(draft, cast.mel, "please")


def test_a_rehearsal_that_replayed_no_note_does_not_count(cast, template, draft):
    rehearsed(draft, cast.mel, notes=0)
    with pytest.raises(NotRehearsed):
        publish(draft, cast.mel, "nothing was against it")
    ask_second_person(draft, mark(draft), cast.mel, "A clinic without notes yet")
    publish(draft, cast.dana, "looked at it")
    assert last("mapping.publish").detail["way"] == "second person"


def test_a_rehearsal_that_replayed_none_takes_nothing_from_an_earlier_one_that_did(cast, draft):
    rehearsed(draft, cast.mel)
    rehearsed(draft, cast.mel, notes=0)
    assert way(draft, mark(draft), cast.mel) == "rehearsed"


def test_a_rehearsal_against_a_mapping_no_longer_in_force_does_not_count(cast, template, draft):
    keep_rehearsal(draft, mark(draft), cast.mel, 5, [])
    MappingVersion.objects.filter(pk=cast.north_mapping.pk).update(state="retired")
    MappingVersion.objects.create(
        template=template, template_version=draft.template_version, number=9, state="published", based_on=None
    )
    with pytest.raises(NotRehearsed):
        way(draft, mark(draft), cast.mel)


def test_the_first_mapping_of_a_template_changes_nothing_in_force_and_needs_neither(cast):
    version = make_template(cast.north, "NEW", "New", [("A", "A", None)])
    draft = save_rules(start_draft(version.template, cast.mel), [RuleSpec("plan", "A")], "", cast.mel)
    publish(draft, cast.mel, "first")
    assert last("mapping.publish").detail["way"] == "first"


class TestASecondPerson:
    def test_publishes_what_another_asked_for(self, cast, template, draft):
        ask_second_person(draft, mark(draft), cast.mel, "The clinic waits.")
        with pytest.raises(NotRehearsed):
            publish(draft, cast.mel, "I am my own second person")
        publish(draft, cast.dana, "looked at it")
        assert published_of(template).published_by == cast.dana
        assert last("mapping.publish").detail["way"] == "second person"
        assert last("mapping.ask_second").reason == "The clinic waits."

    def test_stands_for_the_draft_as_it_was_when_asked(self, cast, draft):
        ask_second_person(draft, mark(draft), cast.mel, "The clinic waits.")
        save_rules(draft, [RuleSpec("plan", "NF-06")], "", cast.mel)
        with pytest.raises(NotRehearsed):
            publish(draft, cast.dana, "yes")

    def test_is_asked_with_a_reason(self, cast, draft):
        with pytest.raises(ValueError, match="Say why"):
            ask_second_person(draft, mark(draft), cast.mel, "  ")


class TestTheWayBack:
    def test_puts_the_rules_in_force_again_as_a_new_version(self, cast, template, draft):
        before = published_spec(template).rules
        publish(rehearsed(draft, cast.mel), cast.mel, "go")
        old = MappingVersion.objects.get(pk=cast.north_mapping.pk)
        again = return_to(old, cast.mel, "")
        assert (published_of(template), again.number, again.based_on) == (again, 3, old)
        assert again.publish_reason == "Back to mapping 1."
        lines = [(rule.section_code, rule.field_id) for rule in published_spec(template).rules]
        assert lines == [(rule.section_code, rule.field_id) for rule in before]
        assert last("mapping.publish").detail["way"] == "returned"

    def test_leaves_the_old_version_and_a_draft_in_the_making_as_they_are(self, cast, template, draft):
        publish(rehearsed(draft, cast.mel), cast.mel, "go")
        mine = start_draft(template, cast.mel)
        return_to(MappingVersion.objects.get(pk=cast.north_mapping.pk), cast.dana)
        assert draft_of(template) == mine
        assert MappingVersion.objects.get(pk=cast.north_mapping.pk).state == "retired"

    def test_is_checked_like_any_publication(self, cast, template, draft, monkeypatch):
        publish(rehearsed(draft, cast.mel), cast.mel, "go")
        cast.north.unmapped_policy = "catch-all"
        cast.north.save()
        with pytest.raises(CannotPublish):
            return_to(MappingVersion.objects.get(pk=cast.north_mapping.pk), cast.mel)
        assert published_of(template) == draft
        assert MappingVersion.objects.filter(template=template).count() == 2

    def test_leads_only_to_a_mapping_that_was_in_force(self, cast, draft):
        for mapping in (draft, cast.north_mapping):
            with pytest.raises(NotADraft):
                return_to(mapping, cast.mel)


class TestACopy:
    def copied(self, cast):
        south = cast.south_mapping.template
        fields = field_specs(cast.south_mapping.template_version_id)
        return start_copy(south, cast.north_mapping, transfer(spec_of(cast.north_mapping), fields, {}), cast.dana)

    def test_is_a_draft_there_with_every_row_marked(self, cast):
        draft = self.copied(cast)
        rules = {rule.section_code: (rule.field_id, rule.origin) for rule in spec_of(draft).rules}
        assert rules["history_of_present_illness"] == ("S.200", "suggested")
        assert all(origin for _field, origin in rules.values())
        assert published_of(cast.south_mapping.template) == cast.south_mapping

    def test_is_recorded_with_where_it_came_from(self, cast):
        self.copied(cast)
        event = last("mapping.copy")
        assert (event.location, event.detail["source"]) == ("SOUTH", cast.north_mapping.pk)

    def test_never_overwrites_a_draft(self, cast):
        start_draft(cast.south_mapping.template, cast.dana)
        with pytest.raises(NotADraft):
            self.copied(cast)
