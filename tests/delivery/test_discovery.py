"""Asking eCW for a location's templates: what it lists is previewed like a file, and nothing is saved by itself."""

import json
import re

import pytest
from django.urls import reverse
from werkzeug import Response

from audit.models import AuditEvent
from delivery.discovery import CannotDiscover, discover
from mapping.models import Template
from portal.models import Connection
from tests.mapping.test_import_pages import save
from tests.sandbox.desk import Process

PATH = "/openapi/v1/LAKESI/templates"
LISTED = {
    "templates": [
        {
            "code": "KNEE",
            "name": "Knee Visit",
            "fields": [
                {
                    "field_id": "K1",
                    "label": "CC",
                    "position": 1,
                    "kind": "free_text",
                    "max_length": 500,
                    "required": True,
                },
                {"field_id": "K2", "label": "Meds", "position": 2, "kind": "structured", "max_length": None},
            ],
        },
        {"code": "HIP", "name": "Hip Visit", "fields": [{"field_id": "H1", "label": "CC", "position": 1}]},
    ]
}


def lead(connection: Connection, base_url: str, **changes) -> None:
    connection.settings = {**connection.settings, "base_url": base_url.rstrip("/"), **changes}
    connection.save()


@pytest.fixture
def ecw(cast, httpserver):
    lead(cast.reader, httpserver.url_for(""))
    return httpserver


def answer(ecw, body, status=200):
    text = body if isinstance(body, str) else json.dumps(body)
    ecw.expect_request(PATH).respond_with_response(Response(text, status, content_type="application/json"))


def refusal(location) -> str:
    with pytest.raises(CannotDiscover) as caught:
        discover(location)
    return str(caught.value)


def test_every_listed_template_is_read_with_its_fields(cast, ecw):
    answer(ecw, LISTED)
    knee, hip = discover(cast.north)
    assert (knee.code, knee.name, hip.code) == ("KNEE", "Knee Visit", "HIP")
    assert [(f.field_id, f.label, f.kind, f.max_length, f.required) for f in knee.fields] == [
        ("K1", "CC", "free_text", 500, True),
        ("K2", "Meds", "structured", None, False),
    ]


def test_the_question_names_the_facility_and_carries_the_token(cast, ecw):
    answer(ecw, LISTED)
    discover(cast.north)
    cast.north.facility = "NORTH MAIN"
    discover(cast.north)
    first, second = (asked for asked, _answer in ecw.log)
    assert first.headers["Authorization"] == "Bearer sandbox-token"
    assert (first.args["facility"], second.args["facility"]) == ("NORTH", "NORTH MAIN")


def test_the_asking_is_in_the_audit_log(cast, ecw):
    answer(ecw, LISTED)
    discover(cast.north)
    event = AuditEvent.objects.get(event="template.discover")
    assert (event.location, event.detail) == ("NORTH", {"connection": cast.reader.pk, "fields": 3})


@pytest.mark.parametrize(
    "status, said",
    [(401, "refused our reading credentials"), (404, "no such practice or facility"), (500, "could not be reached")],
)
def test_a_refusal_is_said_in_the_catalogue_s_words(cast, ecw, status, said):
    answer(ecw, {}, status)
    assert said in refusal(cast.north)
    assert not AuditEvent.objects.filter(event="template.discover").exists()


@pytest.mark.parametrize(
    "body", ["<html>sign in</html>", "[]", '{"templates": 1}', '{"templates": [], "templates": []}', "[" * 100_000]
)
def test_what_is_no_list_of_templates_is_refused(cast, ecw, body):
    answer(ecw, body)
    assert "cannot be read" in refusal(cast.north)


def test_a_list_without_fields_is_refused(cast, ecw):
    answer(ecw, {"templates": []})
    assert "no template that can be taken" in refusal(cast.north)


def test_a_field_that_cannot_be_read_is_a_refused_row_like_any_other(cast, ecw):
    fields = [{"field_id": "", "label": "CC"}, {"field_id": "K2", "label": "HPI"}]
    answer(ecw, {"templates": [{"code": "K", "name": "K", "fields": fields}]})
    (template,) = discover(cast.north)
    assert [row.reason for row in template.refused] == ["it has no field identifier"]


def test_a_location_without_a_connection_that_lists_is_told_so(cast, ecw):
    cast.north.reading_connection = None
    assert "no reading connection" in refusal(cast.north)
    cast.north.reading_connection = cast.hl7
    assert "cannot list templates" in refusal(cast.north)
    assert ecw.log == []


def test_a_connection_that_is_off_or_of_another_environment_is_not_asked(cast, ecw):
    cast.reader.enabled = False
    cast.reader.save()
    cast.north.refresh_from_db()
    assert "switched off" in refusal(cast.north)
    assert ecw.log == []


def test_the_connection_s_rate_limit_counts(cast, ecw):
    answer(ecw, LISTED)
    lead(cast.reader, ecw.url_for(""), calls_per_minute=1)
    cast.north.refresh_from_db()
    asked = 0
    for _ in range(3):  # a minute may end in between
        try:
            discover(cast.north)
            asked += 1
        except CannotDiscover as why:
            assert "used up" in str(why)  # noqa: PT017
    assert asked < 3


def test_the_button_leads_to_the_preview_and_nothing_is_saved_before_the_person_says_so(cast, client, ecw):
    answer(ecw, LISTED)
    client.force_login(cast.mel)
    assert "Read from eCW" in client.get(reverse("mapping:import", args=["NORTH"])).content.decode()
    page = client.post(reverse("delivery:discover", args=["NORTH"]))
    assert "Knee Visit" in page.content.decode()
    assert not Template.objects.filter(code="KNEE").exists()
    save(client, page)
    version = Template.objects.get(location=cast.north, code="KNEE").versions.get()
    assert version.source == f"eCW, by {cast.reader}"
    assert version.fields.count() == 2


def test_what_went_wrong_is_said_on_the_import_page(cast, client, ecw):
    answer(ecw, {}, 401)
    client.force_login(cast.mel)
    page = client.post(reverse("delivery:discover", args=["NORTH"]), follow=True).content.decode()
    assert "eCW did not list its templates" in page
    assert re.search(r"Choose the file", page)


def test_without_a_connection_that_lists_there_is_no_button(cast, client):
    cast.north.reading_connection = None
    cast.north.save()
    client.force_login(cast.mel)
    assert "Read from eCW" not in client.get(reverse("mapping:import", args=["NORTH"])).content.decode()


@pytest.mark.parametrize("who, status", [("sam", 302), ("omar", 403), ("ava", 403)])
def test_only_editors_ask(cast, client, ecw, who, status):
    answer(ecw, LISTED)
    client.force_login(getattr(cast, who))
    assert client.post(reverse("delivery:discover", args=["NORTH"])).status_code == status
    assert ecw.log == []


@pytest.mark.alike  # the sandbox is what is tried
@pytest.mark.process
def test_the_simulated_ecw_lists_the_templates_it_files_by(cast, tmp_path):
    process = Process(tmp_path)
    try:
        process.clinics()
        lead(cast.reader, f"http://127.0.0.1:{process.http}")
        listed = {template.code: [field.field_id for field in template.fields] for template in discover(cast.north)}
        shown = process.api("GET", "/facilities/NORTH/templates/FM-PROGRESS")
        assert listed["FM-PROGRESS"] == [field["field_id"] for field in shown["fields"]]
    finally:
        process.stop()
