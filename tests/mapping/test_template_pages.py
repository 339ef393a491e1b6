"""The list of templates and the page of one."""

from django.urls import reverse

from audit.models import AuditEvent
from mapping.models import Field, Template, TemplateVersion
from mapping.publishing import start_draft
from mapping.queries import template_rows
from mapping.sections import name_of
from tests.cast import make_template


def page(client, name, *args):
    return client.get(reverse(f"mapping:{name}", args=args)).content.decode()


def test_the_list_says_where_each_mapping_stands(cast, client):
    make_template(cast.north, "NEW", "New Visit", [("A", "A", None)], default_for=[])
    imported_again(cast.south_mapping)
    start_draft(cast.north_mapping.template, cast.mel)
    client.force_login(cast.dana)
    shown = page(client, "templates")
    for words in ("In force", "Draft", "Not mapped yet", "For an older version", "In person, Telehealth", "When named"):
        assert words in shown


def imported_again(mapping, *gone: str):
    """A newer version of the mapping's template, without these fields."""
    template = mapping.template
    newer = TemplateVersion.objects.create(template=template, number=2, fingerprint="2" * 64, source="again")
    kept = Field.objects.filter(version=mapping.template_version).exclude(field_id__in=gone).order_by("position")
    Field.objects.bulk_create(
        Field(version=newer, field_id=field.field_id, label=field.label, position=place, kind=field.kind)
        for place, field in enumerate(kept, start=1)
    )
    return newer


def test_the_list_says_that_a_newer_version_broke_the_mapping_and_which_sections_are_held(cast, client):
    rule = cast.north_mapping.rules.order_by("position").first()
    imported_again(cast.north_mapping, rule.field_id)
    client.force_login(cast.dana)
    shown = page(client, "templates")
    assert "Version 2 of the template broke it" in shown
    assert f"notes with {name_of(rule.section_code)} are held." in " ".join(shown.split())
    assert "For an older version" not in shown
    assert reverse("mapping:drift", args=[cast.north_mapping.template_id]) in shown
    assert "Mapping broken" in client.get("/").content.decode()


def test_a_newer_version_that_breaks_nothing_the_mapping_uses_is_only_newer(cast, client):
    used = set(cast.north_mapping.rules.values_list("field_id", flat=True))
    fields = Field.objects.filter(version=cast.north_mapping.template_version).order_by("-position")
    spare = next((field.field_id for field in fields if field.field_id not in used), None)
    imported_again(cast.north_mapping, *([spare] if spare else []))
    client.force_login(cast.dana)
    shown = page(client, "templates")
    assert "For an older version" in shown
    assert "broke it" not in shown


def test_many_broken_sections_are_counted_rather_than_listed(cast, client):
    gone = list(cast.north_mapping.rules.values_list("field_id", flat=True))
    imported_again(cast.north_mapping, *gone)
    [row] = template_rows([cast.north])[cast.north.pk]
    assert len(row.held) == len(set(cast.north_mapping.rules.values_list("section_code", flat=True))) > 3
    client.force_login(cast.dana)
    assert f"and {len(row.held) - 3} more are held." in page(client, "templates")


def test_a_draft_for_the_newest_version_does_not_hide_that_the_mapping_in_force_is_broken(cast, client):
    rule = cast.north_mapping.rules.order_by("position").first()
    imported_again(cast.north_mapping, rule.field_id)
    start_draft(cast.north_mapping.template, cast.mel)
    client.force_login(cast.dana)
    shown = page(client, "templates")
    assert "Version 2 of the template broke it" in shown
    assert "Draft" in shown


def test_what_another_location_s_template_breaks_is_not_said_here(cast):
    rule = cast.south_mapping.rules.order_by("position").first()
    imported_again(cast.south_mapping, rule.field_id)
    assert all(row.held == () for row in template_rows([cast.north])[cast.north.pk])


def test_the_list_costs_one_query_more_however_many_mappings_are_broken(cast, django_assert_num_queries):
    for mapping in (cast.north_mapping, cast.south_mapping):
        imported_again(mapping, mapping.rules.order_by("position").first().field_id)
    template_rows([cast.north, cast.south])  # the versions are compared once
    with django_assert_num_queries(2):
        template_rows([cast.north, cast.south])


def test_the_list_costs_the_same_however_many_templates_there_are(cast, client, django_assert_max_num_queries):
    for number in range(12):
        make_template(cast.north, f"T{number}", "T", [("A", "A", None)])
    client.force_login(cast.dana)
    with django_assert_max_num_queries(16):
        page(client, "templates")


def test_a_location_without_templates_invites_to_import(cast, client):
    client.force_login(cast.sam)
    assert "No template yet" in page(client, "templates")


def test_the_template_page_lists_fields_in_order_and_its_history(cast, client):
    client.force_login(cast.dana)
    shown = page(client, "template", cast.south_mapping.template_id)
    places = [shown.index(field_id) for field_id in ("S.100", "S.300", "S.200", "S.400", "S.900")]
    assert places == sorted(places)
    assert "Mapping 1" in shown


def test_an_older_version_stays_readable(cast, client):
    template = cast.north_mapping.template
    newer = TemplateVersion.objects.create(template=template, number=2, fingerprint="1" * 64, source="again")
    Field.objects.create(version=newer, field_id="N2-01", label="CC", position=1)
    client.force_login(cast.dana)
    assert "N2-01" in page(client, "template", template.pk)
    older = page(client, "template-version", template.pk, 1)
    assert "NF-06" in older
    assert "not the newest" in older


def test_a_visit_type_has_one_default_per_location(cast, client):
    other = make_template(cast.north, "TELE", "Telehealth", [("A", "A", None)], default_for=[]).template
    client.force_login(cast.mel)
    client.post(reverse("mapping:defaults", args=[other.pk]), {"visit_types": ["telehealth"]})
    defaults = dict(Template.objects.filter(location=cast.north).values_list("code", "default_for"))
    assert defaults == {"FM-PROGRESS": ["in_person"], "TELE": ["telehealth"]}
    changed = AuditEvent.objects.filter(event="template.change").values_list("detail__template", flat=True)
    assert sorted(changed) == ["FM-PROGRESS", "TELE"]


def test_an_unknown_visit_type_changes_nothing(cast, client):
    client.force_login(cast.mel)
    template = cast.north_mapping.template
    client.post(reverse("mapping:defaults", args=[template.pk]), {"visit_types": ["house_call"]})
    template.refresh_from_db()
    assert template.default_for == ["in_person", "telehealth"]
    assert not AuditEvent.objects.filter(event="template.change").exists()
