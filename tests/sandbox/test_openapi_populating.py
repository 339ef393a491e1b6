"""The simulated Open API's templates of visits: filled by a call of their own, refused, struck by faults, read back."""

import aiohttp
import pytest

from tests.sandbox.desk import NORTH

ADDRESS = "/openapi/v1/LAKESI/visit-templates"
NOTES = "/openapi/v1/LAKESI/progress-notes"
TOKEN = {"Authorization": "Bearer sandbox-token"}
RIGHTS = {**TOKEN, "Content-Type": "application/json"}
WANTED = {
    "control_id": "M1",
    "facility": "NORTH",
    "encounter_id": "E1",
    "patient_id": "P1",
    "template": "FM-PROGRESS",
}
NOTE = {**WANTED, "note_id": "N1", "version": 1, "fields": [{"field_id": "NF-01", "text": "Cough"}]}


@pytest.fixture
def office(office):
    """With a second template at the same facility."""
    office.api("PUT", "/facilities/NORTH/templates/SM-OLD", NORTH)
    return office


def populate(office, headers=RIGHTS, address=ADDRESS, **changes):
    return office.call("POST", address, {**WANTED, **changes}, headers)


def write(office, **changes):
    return office.call("POST", NOTES, {**NOTE, **changes}, RIGHTS)


def read(office, encounter="E1"):
    return office.call("GET", f"/openapi/v1/LAKESI/encounters/{encounter}/progress-note?facility=NORTH", None, TOKEN)


def standing(office):
    return read(office).json["template"]


class TestATemplateFilled:
    def test_is_answered_201_with_the_control_id_and_the_template(self, office):
        made = populate(office)
        assert (made.status, made.json) == (
            201,
            {"control_id": "M1", "status": "populated", "template": "FM-PROGRESS"},
        )

    def test_is_read_back_with_the_visits_patient_before_any_text(self, office):
        assert standing(office) == ""
        populate(office)
        answered = read(office).json
        assert (answered["template"], answered["patient_id"]) == ("FM-PROGRESS", "P1")
        assert (answered["filings"], answered["fields"]) == ([], {})

    def test_once_more_is_yes_and_changes_nothing(self, office):
        populate(office)
        write(office)
        again = populate(office, control_id="M2")
        assert (again.status, again.json["status"]) == (200, "already_populated")
        assert read(office).json["fields"] == {"NF-01": "Cough"}

    def test_takes_the_text_that_comes_after_it(self, office):
        populate(office)
        assert write(office).status == 201
        assert (standing(office), read(office).json["fields"]) == ("FM-PROGRESS", {"NF-01": "Cough"})

    def test_of_one_visit_is_none_of_anothers(self, office):
        populate(office)
        assert read(office, "E2").json["template"] == ""

    def test_stands_on_the_chart_page_though_no_text_has_come(self, office):
        populate(office)
        shown = office.call("GET", "/facilities/NORTH/encounters/E1")
        assert shown.status == 200
        assert "Template of the visit: FM-PROGRESS" in shown.text
        assert "Patient P1" in shown.text

    def test_is_forgotten_by_a_reset(self, office):
        populate(office)
        office.api("POST", "/reset", {"keep_templates": True})
        assert standing(office) == ""


class TestATextAlone:
    def test_makes_the_visits_note_of_its_own_template(self, office):
        write(office)
        assert standing(office) == "FM-PROGRESS"

    def test_for_another_template_than_the_visits_is_refused_and_nothing_is_filed(self, office):
        populate(office, template="SM-OLD")
        made = write(office)
        assert (made.status, made.json) == (409, {"error": "The visit's note is made of another template.", "code": ""})
        assert office.store.count() == 0


class TestRefused:
    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
    def test_without_the_right_token(self, office, headers):
        assert populate(office, headers=headers).status == 401
        assert standing(office) == ""

    @pytest.mark.parametrize(
        "changes, status, words",
        [
            ({"facility": "NOWHERE"}, 404, "There is no such facility."),
            ({"template": "OTHER"}, 422, "The facility has no such template."),
            ({"template": ""}, 422, "template is missing or no text."),
            ({"encounter_id": 7}, 422, "encounter_id is missing or no text."),
            ({"patient_id": None}, 422, "patient_id is missing or no text."),
            ({"control_id": "\ud800"}, 400, "The body holds half a character."),
        ],
    )
    def test_what_does_not_fit_and_no_template_is_filled(self, office, changes, status, words):
        made = populate(office, **changes)
        assert (made.status, made.json["error"]) == (status, words)
        assert standing(office) == ""

    def test_another_template_for_a_visit_that_has_one(self, office):
        populate(office)
        made = populate(office, template="SM-OLD")
        assert (made.status, made.json["code"]) == (409, "")
        assert standing(office) == "FM-PROGRESS"

    def test_another_patients_visit_known_by_its_template_alone(self, office):
        populate(office)
        assert (populate(office, patient_id="P2").status, populate(office, patient_id="P2").json["code"]) == (
            422,
            "303",
        )
        assert write(office, patient_id="P2").json["code"] == "303"

    def test_a_locked_visit(self, office):
        office.store.sign("NORTH", "E1", signed=True)
        made = populate(office)
        assert (made.status, made.json["code"]) == (409, "139")
        assert standing(office) == ""


class TestAFault:
    def test_answers_with_its_status_and_fills_nothing(self, office):
        office.fault("populate_status", status=502)
        assert populate(office).status == 502
        assert standing(office) == ""

    @pytest.mark.parametrize("kind, left", [("populate_no_answer", ""), ("populate_cut", "FM-PROGRESS")])
    def test_closes_the_connection_and_says_nothing_either_way(self, office, kind, left):
        office.fault(kind)
        with pytest.raises(aiohttp.ClientError):
            populate(office)
        assert standing(office) == left

    @pytest.mark.parametrize("kind, left", [("populate_nothing", ""), ("populate_other", "SM-OLD")])
    def test_lies_behind_a_positive_answer(self, office, kind, left):
        office.fault(kind, **({"template": "SM-OLD"} if kind == "populate_other" else {}))
        made = populate(office)
        assert (made.status, made.json["template"]) == (201, "FM-PROGRESS")
        assert standing(office) == left

    def test_of_populating_leaves_the_writing_of_texts_alone(self, office):
        office.fault("populate_status")
        assert write(office).status == 201
