"""An imported file becomes a template, or the next version of one."""

from dataclasses import replace

import pytest

from audit.models import AuditEvent
from mapping import imports
from mapping.importers.base import ImportedField, ImportedTemplate, fingerprint
from mapping.models import Template, TemplateVersion

FIELDS = (ImportedField("A", "CC", 1, "free_text", 200), ImportedField("B", "Plan", 2))


def imported(*fields, code="KNEE", name="Knee"):
    return ImportedTemplate(name, code, fields or FIELDS)


def save(cast, *templates, location=None):
    return imports.save_all(location or cast.north, templates, user=cast.mel, source="knee.csv")


def test_a_new_template_has_version_1_with_its_fields_and_a_record(cast):
    (saved,) = save(cast, imported())
    assert (saved.created, saved.version.number, saved.version.source) == (True, 1, "knee.csv")
    rows = [(field.field_id, field.label, field.position, field.max_length) for field in saved.version.fields.all()]
    assert rows == [("A", "CC", 1, 200), ("B", "Plan", 2, None)]
    event = AuditEvent.objects.get(event="template.import")
    assert event.detail == {"template": "KNEE", "version": 1, "fields": 2, "fingerprint": saved.version.fingerprint}
    assert (event.practice, event.location) == ("lakeside", "NORTH")


def test_the_same_fields_again_make_no_new_version(cast):
    save(cast, imported())
    (again,) = save(cast, imported())
    assert (again.created, again.version.number) == (False, 1)
    assert AuditEvent.objects.filter(event="template.import").count() == 1


def test_another_name_in_the_file_renames_a_template_only_where_that_is_said(cast):
    save(cast, imported())
    save(cast, imported(FIELDS[0], name="Knee Visit"))
    assert Template.objects.get(code="KNEE").name == "Knee"
    imports.save_all(cast.north, [imported(name="Knee Visit")], user=cast.mel, renamed={"HIP"})
    assert Template.objects.get(code="KNEE").name == "Knee"
    imports.save_all(cast.north, [imported(name="Knee Visit")], user=cast.mel, renamed={"KNEE"})
    assert Template.objects.get(code="KNEE").name == "Knee Visit"


def test_changed_fields_make_the_next_version_and_keep_the_old(cast):
    save(cast, imported())
    (second,) = save(cast, imported(FIELDS[0]))
    assert second.version.number == 2
    assert [version.fields.count() for version in TemplateVersion.objects.filter(template=second.template)] == [1, 2]


def test_the_same_code_at_another_location_is_another_template(cast):
    (north,) = save(cast, imported())
    (south,) = save(cast, imported(), location=cast.south)
    assert north.template != south.template


def test_the_first_template_of_a_location_is_its_default_and_later_ones_are_not(cast):
    first, second = save(cast, imported(), imported(code="HIP"), location=cast.elsewhere)
    assert first.template.default_for == ["in_person", "telehealth"]
    assert second.template.default_for == []


def test_a_file_is_saved_whole_or_not_at_all(cast):
    broken = imported(FIELDS[0], FIELDS[0], code="HIP")
    with pytest.raises(Exception, match=r"(?i)unique"):
        save(cast, imported(), broken)
    assert not Template.objects.filter(code="KNEE").exists()


def test_a_template_may_be_saved_under_another_code_and_name(cast):
    saved = imports.save(cast.north, imported(), user=cast.mel, code="K-2", name="Knees")
    assert (saved.template.code, saved.template.name) == ("K-2", "Knees")


@pytest.mark.parametrize(
    "change",
    [
        {"field_id": "C"},
        {"label": "Chief"},
        {"kind": "structured"},
        {"max_length": 201},
        {"required": True},
        {"group": "S"},
    ],
)
def test_the_fingerprint_changes_with_every_property(change):
    assert fingerprint((replace(FIELDS[0], **change), FIELDS[1])) != fingerprint(FIELDS)


def test_the_fingerprint_changes_with_the_order_but_not_with_the_listing():
    first, second = FIELDS
    assert fingerprint((second, first)) == fingerprint(FIELDS)
    swapped = (ImportedField("A", "CC", 2, "free_text", 200), ImportedField("B", "Plan", 1))
    assert fingerprint(swapped) != fingerprint(FIELDS)
