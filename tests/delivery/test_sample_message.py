"""Before a mapping goes live, the message it makes is judged by two parsers that are not ours."""

from dataclasses import replace

import pytest

from delivery import sample_message
from delivery.channels.base import CannotExpress
from mapping import publishing
from mapping.note import FieldSpec, MappingSpec, RuleSpec
from mapping.queries import spec_of

pytestmark = pytest.mark.django_db

ODD_IDS = ["119007.1", "SUR/01", "A|B", "C^D", "E&F", "G~H", "I\\J", "K L"]


def spec_with(ids):
    fields = tuple(FieldSpec(field_id, f"Label {field_id}", place) for place, field_id in enumerate(ids, start=1))
    rules = tuple(RuleSpec(f"section_{place}", field_id) for place, field_id in enumerate(ids))
    return MappingSpec("T", "Template", fields, rules)


def test_a_sound_mapping_passes(cast):
    assert sample_message.check(spec_of(cast.north_mapping)) == []
    assert sample_message.check(spec_of(cast.south_mapping)) == []


def test_field_ids_with_delimiters_pass_escaped():
    assert sample_message.check(spec_with(ODD_IDS)) == []


def test_an_empty_mapping_has_no_message_to_judge():
    assert sample_message.check(spec_with([])) == ()


def test_a_message_out_of_the_templates_order_is_named():
    spec = spec_with(["A", "B", "C"])
    note = sample_message.outgoing(spec, sample_message.sample_values(spec))
    body = sample_message.hl7.render(note, sample_message.SETTINGS).body
    turned = replace(spec, fields=(replace(spec.fields[0], position=9), *spec.fields[1:]))
    assert "order of fields" in next(iter(sample_message.judged(body, turned)))


def test_what_hl7apy_faults_is_named_without_a_word_of_the_text():
    spec = spec_with(["A"])
    note = sample_message.outgoing(spec, sample_message.sample_values(spec))
    body = sample_message.hl7.render(note, sample_message.SETTINGS).body.replace(b"|P-SAMPLE|", b"||")
    [words] = list(sample_message.judged(body.replace(b"Sample: ", b"canary-text "), spec))
    assert "independent HL7 parser" in words
    assert "canary" not in words


def test_what_the_second_parser_reads_otherwise_is_named(monkeypatch):
    def refuse(body, note):
        raise CannotExpress("lint_text")

    monkeypatch.setattr("delivery.channels.lint.check", refuse)
    [problem] = sample_message.check(spec_with(["A"]))
    assert "lint_text" in problem.message


def test_publishing_asks_for_it(cast, monkeypatch):
    monkeypatch.setattr("delivery.sample_message.check", lambda spec: [sample_message.wrong("No.")])
    draft = publishing.start_draft(cast.north_mapping.template, cast.mel)
    with pytest.raises(publishing.CannotPublish) as refusal:
        publishing.publish(draft, cast.mel, reason="because")
    assert [problem.code for problem in refusal.value.problems] == ["sample_message"]
