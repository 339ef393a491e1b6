"""Who may read and change templates and mappings."""

import pytest
from django.urls import reverse

from mapping.models import MappingVersion, Template
from mapping.publishing import start_draft

READ = ["template", "template-version", "mapping", "version"]
CHANGE = ["import", "import-save", "defaults", "mapping", "check"]


def address(name, cast, template=None):
    template = template or cast.north_mapping.template
    known = {
        "import": [template.location.code],
        "import-save": [template.location.code],
        "template-version": [template.pk, 1],
        "version": [template.mappings.first().pk],
    }
    return reverse(f"mapping:{name}", args=known.get(name, [template.pk]))


@pytest.mark.parametrize("name", ["templates", *READ])
@pytest.mark.parametrize("who", ["dana", "mel", "omar", "ava"])
def test_everybody_with_a_role_at_the_location_reads(cast, client, who, name):
    client.force_login(getattr(cast, who))
    url = reverse("mapping:templates") if name == "templates" else address(name, cast)
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("who", ["sam", "mel", "omar"])
def test_a_template_of_another_location_is_not_there(cast, client, who, name):
    client.force_login(getattr(cast, who))
    assert client.get(address(name, cast, cast.south_mapping.template)).status_code == 404


@pytest.mark.parametrize("name", [*READ, "defaults", "check"])
def test_a_stranger_whose_location_has_the_same_code_gets_404(cast, client, name):
    client.force_login(cast.sam)  # directs Harbor's NORTH
    url = address(name, cast)
    assert client.get(url).status_code in (404, 405)
    assert client.post(url).status_code in (404, 405)


@pytest.mark.parametrize("who", ["omar", "ava"])
@pytest.mark.parametrize("name", CHANGE)
def test_other_roles_change_nothing(cast, client, who, name):
    draft = start_draft(cast.north_mapping.template, cast.mel)
    client.force_login(getattr(cast, who))
    assert client.post(address(name, cast), {"action": "discard"}).status_code == 403
    assert MappingVersion.objects.filter(pk=draft.pk).exists()


@pytest.mark.parametrize("who", ["omar", "ava"])
def test_readers_see_no_buttons_that_change(cast, client, who):
    start_draft(cast.north_mapping.template, cast.mel)
    client.force_login(getattr(cast, who))
    for name in ("template", "mapping"):
        page = client.get(address(name, cast)).content.decode()
        assert "Save" not in page
        assert "Import again" not in page


def test_without_signing_in_every_page_leads_to_the_sign_in(cast, client):
    for name in READ:
        answer = client.get(address(name, cast))
        assert answer.status_code == 302
        assert reverse("portal:sign-in") in answer.url


def test_the_list_shows_only_what_is_theirs(cast, client):
    client.force_login(cast.omar)
    page = client.get(reverse("mapping:templates")).content.decode()
    assert "FM-PROGRESS" in page
    assert "SM-VISIT" not in page


@pytest.mark.parametrize("name", ["template", "mapping", "version"])
def test_a_number_that_nothing_has_is_404(cast, client, name):
    client.force_login(cast.dana)
    assert (
        client.get(reverse(f"mapping:{name}", args=[Template.objects.order_by("-pk")[0].pk + 9999])).status_code == 404
    )
