"""The list of templates and the page of one."""

from django.urls import reverse

from audit.models import AuditEvent
from mapping.models import Field, Template, TemplateVersion
from mapping.publishing import start_draft
from tests.cast import make_template


def page(client, name, *args):
    return client.get(reverse(f"mapping:{name}", args=args)).content.decode()


def test_the_list_says_where_each_mapping_stands(cast, client):
    make_template(cast.north, "NEW", "New Visit", [("A", "A", None)], default_for=[])
    TemplateVersion.objects.create(template=cast.south_mapping.template, number=2, fingerprint="1" * 64, source="again")
    start_draft(cast.north_mapping.template, cast.mel)
    client.force_login(cast.dana)
    shown = page(client, "templates")
    for words in ("In force", "Draft", "Not mapped yet", "For an older version", "In person, Telehealth", "When named"):
        assert words in shown


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
