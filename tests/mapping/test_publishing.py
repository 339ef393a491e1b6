"""Drafts are changed and published; published mappings never change; every step is recorded."""

import pytest

from audit.models import AuditEvent
from mapping import publishing
from mapping.models import Field, MappingState, MappingVersion, TemplateVersion
from mapping.note import Problem, RuleSpec
from mapping.publishing import (
    CannotPublish,
    DraftChanged,
    NotADraft,
    ReasonNeeded,
    discard_draft,
    fingerprint,
    problems_of,
    publish,
    renew_template,
    save_rules,
    start_draft,
)
from mapping.queries import published_of, spec_of
from tests.cast import make_template
from tests.mapping.rehearsing import rehearsed


@pytest.fixture
def template(cast):
    return cast.north_mapping.template


@pytest.fixture
def draft(cast, template):
    return start_draft(template, cast.mel)


def events(name: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event=name).order_by("id"))


def test_a_draft_starts_as_a_copy_of_the_mapping_in_force(cast, template, draft):
    lines = [(rule.section_code, rule.field_id) for rule in spec_of(draft).rules]
    assert lines == [(rule.section_code, rule.field_id) for rule in spec_of(cast.north_mapping).rules]
    assert (draft.number, draft.based_on, draft.state) == (2, cast.north_mapping, "draft")


def test_there_is_one_draft_per_template(cast, template, draft):
    assert start_draft(template, cast.dana) == draft


def test_the_first_draft_of_a_template_is_empty(cast):
    version = make_template(cast.north, "NEW", "New", [("A", "A", None)])
    draft = start_draft(version.template, cast.mel)
    assert (draft.number, draft.based_on, spec_of(draft).rules) == (1, None, ())


def test_saving_replaces_the_rules_and_records_each_change(cast, draft):
    rules = [RuleSpec("plan", "NF-06", prefix="P: ", limit=50, position=1), RuleSpec("goals", "NF-07", position=2)]
    save_rules(draft, rules, "NF-07", cast.mel)
    saved = spec_of(draft)
    assert [rule.section_code for rule in saved.rules] == ["plan", "goals"]
    assert (saved.rules[0].prefix, saved.rules[0].limit, saved.rules[0].separator) == ("P: ", 50, "\n\n")
    assert saved.catch_all_field_id == "NF-07"
    changes = [event.detail["rule"] for event in events("mapping.change")]
    assert "goals > NF-07 set" in changes
    assert "chief_complaint > NF-01 removed" in changes
    assert "catch-all NF-07" in changes
    assert {event.location for event in events("mapping.change")} == {"NORTH"}


def test_saving_without_a_change_records_nothing(cast, draft):
    before = len(events("mapping.change"))
    save_rules(draft, spec_of(draft).rules, draft.catch_all_field_id, cast.mel)
    assert len(events("mapping.change")) == before


def test_a_draft_saved_by_somebody_else_meanwhile_is_not_overwritten(cast, draft):
    seen = fingerprint(spec_of(draft))
    save_rules(draft, [RuleSpec("plan", "NF-06")], "", cast.dana, seen)
    with pytest.raises(DraftChanged):
        save_rules(draft, [], "", cast.mel, seen)
    assert len(spec_of(draft).rules) == 1


def test_publishing_retires_the_old_and_is_recorded(cast, template, draft):
    publish(rehearsed(draft, cast.mel), cast.dana, "first pilot")
    old = MappingVersion.objects.get(pk=cast.north_mapping.pk)
    new = published_of(template)
    assert (old.state, new.pk, new.published_by) == (MappingState.RETIRED, draft.pk, cast.dana)
    assert new.published_at is not None
    (event,) = events("mapping.publish")
    assert (event.reason, event.object_id, event.detail["version"]) == ("first pilot", str(draft.pk), 2)


def test_errors_make_publishing_impossible(cast, template, draft):
    save_rules(draft, [RuleSpec("plan", "GONE")], "", cast.mel)
    with pytest.raises(CannotPublish) as refused:
        publish(draft, cast.dana, "please")
    assert [problem.code for problem in refused.value.problems] == ["unknown_field"]
    assert published_of(template) == cast.north_mapping
    assert not events("mapping.publish")


def test_warnings_need_a_reason(cast, template, draft):
    with pytest.raises(ReasonNeeded):
        publish(draft, cast.dana, "  ")
    assert published_of(template) == cast.north_mapping


@pytest.mark.parametrize("deed", ["save", "publish", "discard", "renew"])
def test_a_published_mapping_cannot_be_touched(cast, deed):
    deeds = {
        "save": lambda mapping: save_rules(mapping, [], "", cast.mel),
        "publish": lambda mapping: publish(mapping, cast.mel, "again"),
        "discard": discard_draft,
        "renew": lambda mapping: renew_template(mapping, cast.mel),
    }
    with pytest.raises(NotADraft):
        deeds[deed](cast.north_mapping)
    assert spec_of(cast.north_mapping).rules


def test_discarding_keeps_the_mapping_in_force(cast, template, draft):
    discard_draft(draft)
    assert published_of(template) == cast.north_mapping
    assert not MappingVersion.objects.filter(state="draft").exists()
    assert events("mapping.discard")[0].detail == {"template": "FM-PROGRESS", "rules": 6}


def test_another_app_s_check_can_stop_publishing(cast, draft, monkeypatch):
    seen = []

    def too_long(spec):
        seen.append(spec)
        return [Problem("hl7_check", "OBX-3 is longer than the standard allows.", "/fields/NF-01")]

    monkeypatch.setattr(publishing, "CHECKS", [too_long])
    with pytest.raises(CannotPublish) as refused:
        publish(draft, cast.dana, "please")
    assert refused.value.problems[0].code == "hl7_check"
    assert seen[0].mapping_version_id == draft.pk


def test_a_draft_for_an_old_template_version_is_warned_about_and_renewed(cast, template, draft):
    newer = TemplateVersion.objects.create(template=template, number=2, fingerprint="1" * 64, source="again")
    Field.objects.create(version=newer, field_id="NF-01", label="CC", position=1)
    assert "template_newer" in [problem.code for problem in problems_of(draft)]
    renewed = renew_template(draft, cast.mel)
    assert renewed.template_version == newer
    found = [problem.code for problem in problems_of(renewed)]
    assert "template_newer" not in found
    assert found.count("unknown_field") == 5


def test_a_failed_record_undoes_the_publishing(cast, template, draft, monkeypatch):
    def broken(*args, **columns):
        raise RuntimeError("the audit log cannot be written")

    rehearsed(draft, cast.mel)
    monkeypatch.setattr(publishing, "record", broken)
    with pytest.raises(RuntimeError):
        publish(draft, cast.dana, "please")
    assert published_of(template) == cast.north_mapping
