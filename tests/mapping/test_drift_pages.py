"""The drift of one location: reported by severity, held there alone, with a proposal that becomes the draft."""

from dataclasses import replace

import pytest

from mapping.drift_report import report_of
from mapping.importers.base import ImportedField, ImportedTemplate
from mapping.imports import save
from mapping.models import TemplateVersion
from mapping.publishing import publish, start_copy, start_draft
from mapping.queries import _cached, draft_of, field_specs, published_spec, spec_of
from tests.cast import NORTH_FIELDS
from tests.mapping.rehearsing import rehearsed

pytestmark = pytest.mark.django_db


def imported(cast, lines) -> TemplateVersion:
    """NORTH's template imported again with these (id, label, length) in this order."""
    fields = tuple(
        ImportedField(
            field_id=field_id, label=label, position=place, kind="free_text", max_length=limit, required=False, group=""
        )
        for place, (field_id, label, limit) in enumerate(lines, 1)
    )
    made = ImportedTemplate(name="Family Medicine Progress Note", code="FM-PROGRESS", fields=fields)
    return save(cast.north, made, user=cast.mel, source="again.csv").version


GONE = [line for line in NORTH_FIELDS if line[0] != "NF-06"] + [("NF-16", "Treatment Plan", 12000)]


@pytest.fixture
def template(cast):
    return cast.north_mapping.template


@pytest.fixture
def mel(cast, client):
    client.force_login(cast.mel)
    return client


def test_without_a_new_import_there_is_no_drift(cast, mel, template):
    assert report_of(template) is None
    assert published_spec(template).drifted == ()
    assert "No drift" in mel.get(f"/mapping/templates/{template.pk}/drift/").content.decode()


def test_the_page_names_what_broke_whom_it_holds_and_what_is_proposed(cast, mel, template):
    imported(cast, GONE)
    page = mel.get(f"/mapping/templates/{template.pk}/drift/").content.decode()
    assert "1 field can no longer be used as mapped" in page
    assert "Notes with Plan are held" in page
    assert "Treatment Plan is no longer in the template." in page
    assert page.count("Same identifier") == 5
    assert "Suggested" in page


def test_what_was_suggested_long_ago_and_keeps_its_field_is_not_proposed_as_a_suggestion(cast):
    template = cast.north_mapping.template
    cast.north_mapping.rules.filter(section_code="plan").update(settings={"origin": "suggested"})
    _cached.cache_clear()
    imported(cast, NORTH_FIELDS[1:])
    proposed = {one.name: (one.field_id, one.suggested) for one in report_of(template).proposal}
    assert proposed["Plan"] == ("NF-06", False)
    assert proposed["Chief complaint"][1] is False
    _cached.cache_clear()


def test_the_proposal_becomes_the_draft_with_its_marks_and_ends_the_drift_when_published(cast, mel, template):
    newest = imported(cast, GONE)
    mel.post(f"/mapping/templates/{template.pk}/drift/", {})
    draft = draft_of(template)
    rules = {rule.section_code: (rule.field_id, rule.origin) for rule in spec_of(draft).rules}
    assert draft.template_version == newest
    assert rules["plan"] == ("NF-16", "suggested")
    assert rules["assessment"] == ("NF-05", ""), "it is no copy: its field is the same as before"
    page = mel.get(f"/mapping/templates/{template.pk}/mapping/").content.decode()
    assert "Copied, same field identifier" not in page
    assert page.count("Copied, field suggested: look at it") == 1
    publish(rehearsed(draft, cast.mel), cast.mel, "new template")
    assert published_spec(template).drifted == ()


def test_a_draft_in_the_making_is_not_overwritten_by_a_proposal(cast, mel, template):
    imported(cast, GONE)
    start_copy(template, cast.north_mapping, report_of(template).placed, cast.mel)
    before = spec_of(draft_of(template)).rules
    page = mel.post(f"/mapping/templates/{template.pk}/drift/", {}, follow=True).content.decode()
    assert "There is a draft already" in page
    assert spec_of(draft_of(template)).rules == before


def test_the_template_and_its_mapping_both_say_that_something_broke(cast, mel, template):
    imported(cast, GONE)
    for address in (f"/mapping/templates/{template.pk}/", f"/mapping/templates/{template.pk}/mapping/"):
        assert f'href="/mapping/templates/{template.pk}/drift/"' in mel.get(address).content.decode()


def test_an_earlier_mapping_that_the_new_template_breaks_does_not_offer_to_come_back(cast, mel, template):
    publish(rehearsed(start_draft(template, cast.mel), cast.mel), cast.mel, "again")
    earlier = f"/mapping/versions/{cast.north_mapping.pk}/"
    page = mel.get(earlier).content.decode()
    assert "Put it in force again" in page
    assert "nothing stands against it" in page
    imported(cast, GONE)
    page = mel.get(earlier).content.decode()
    assert "This mapping cannot come back as it is" in page
    assert "1 error is named below." in page
    assert "What stands against it" in page
    assert "Put it in force again" not in page
    assert "publishing is not possible yet" not in page, "nobody publishes what is retired"


def test_a_field_required_since_without_a_section_is_named_and_holds_no_note(cast, mel, template):
    fields = [ImportedField(field_id, label, place, max_length=limit) for place, (field_id, label, limit) in lines_of()]
    fields[6] = replace(fields[6], required=True)
    newest = ImportedTemplate(name="Family Medicine Progress Note", code="FM-PROGRESS", fields=tuple(fields))
    save(cast.north, newest, user=cast.mel)
    assert published_spec(template).drifted == ()
    page = mel.get(f"/mapping/templates/{template.pk}/drift/").content.decode()
    assert "1 field is required now, and no section goes there" in page
    assert "Notes (NF-07). Notes go on without it" in page
    assert page.count("Needs a section") == 1
    board = mel.get(f"/mapping/templates/{template.pk}/mapping/").content.decode()
    assert "Notes (NF-07) is required in the newest version of the template" in board


def lines_of():
    return enumerate(NORTH_FIELDS, 1)


def test_a_harmless_import_breaks_nothing(cast, mel, template):
    imported(cast, [*NORTH_FIELDS, ("NF-08", "Orders", None)])
    assert published_spec(template).drifted == ()
    assert "No mapped field is broken" in mel.get(f"/mapping/templates/{template.pk}/drift/").content.decode()


def test_the_report_is_closed_to_strangers_and_the_proposal_to_those_who_only_read(cast, client, template):
    imported(cast, GONE)
    for person, looks, acts in ((cast.sam, 404, 404), (cast.omar, 200, 403)):
        client.force_login(person)
        assert client.get(f"/mapping/templates/{template.pk}/drift/").status_code == looks
        assert client.post(f"/mapping/templates/{template.pk}/drift/", {}).status_code == acts
    assert draft_of(template) is None


class TestSideBySide:
    def shown(self, client, a, b) -> str:
        return client.get("/mapping/compare/", {"a": a.pk, "b": b.pk}).content.decode()

    def test_two_versions_are_compared_by_field_identifier(self, cast, mel, template):
        newest = imported(cast, GONE)
        page = self.shown(mel, cast.north_mapping.template_version, newest)
        assert "2 differ" in page
        assert page.index("NF-16") < page.index("NF-06"), "what is gone stands after the newer version's order"
        assert "Removed" in page
        assert "Added" in page

    def test_two_locations_are_compared_by_whoever_sees_both(self, cast, client):
        client.force_login(cast.dana)
        page = self.shown(client, cast.north_mapping.template_version, cast.south_mapping.template_version)
        assert "North Clinic" in page
        assert "S.300" in page

    def test_a_version_of_a_location_not_theirs_is_not_there(self, cast, mel):
        answer = mel.get("/mapping/compare/", {"a": cast.south_mapping.template_version.pk})
        assert answer.status_code == 404
        assert mel.get("/mapping/compare/", {"a": "nonsense"}).status_code == 404

    def test_equal_versions_say_so(self, cast, mel):
        version = cast.north_mapping.template_version
        assert "The same fields" in self.shown(mel, version, version)

    def test_without_any_template_the_page_still_stands(self, cast, client):
        client.force_login(cast.sam)
        assert client.get("/mapping/compare/").status_code == 200


def test_versions_and_their_fields_are_never_changed_by_an_import(cast, template):
    first = cast.north_mapping.template_version
    before = field_specs(first.pk)
    newest = imported(cast, GONE)
    assert field_specs(first.pk) == before
    assert newest.fingerprint != first.fingerprint
    assert newest.number == 2
    again = imported(cast, GONE)
    assert again == newest
