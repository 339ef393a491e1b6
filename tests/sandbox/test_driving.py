"""Every endpoint of /sandbox/api: what it takes, what it answers, and in which words it refuses."""

import pytest

from sandbox.fault_kinds import KINDS
from tests.sandbox.desk import SOUTH
from tests.sandbox.office import FHIR, FORM, bundle, hl7, reference

TEMPLATE = "/sandbox/api/facilities/NORTH/templates/FM-PROGRESS"
AUTHORIZED = {"Authorization": "Bearer sandbox-token"}


def refused(office, method, path, body=None) -> tuple[int, str]:
    made = office.call(method, "/sandbox/api" + path, body)
    return made.status, made.json["error"]


@pytest.fixture
def filed(office):
    """Three notes by FHIR: two at the north clinic, one at a practice without a facility of its own."""
    office.api("PUT", "/practices/LAKESI", {"facility": "NORTH"})
    rights = office.registered()
    for encounter in ("E1", "E2"):
        made = bundle(reference(hl7(("HPI", f"of {encounter}"), encounter=encounter), encounter=encounter))
        office.call("POST", FHIR, made, rights)
    office.call("POST", "/fhir/r4/HARBOR", bundle(), office.registered(practice="HARBOR"))
    assert office.store.count() == 3
    return office


class TestTemplates:
    def test_come_back_as_they_were_put(self, office):
        made = office.api("PUT", "/facilities/SOUTH/templates/SM-VISIT", SOUTH)
        assert made == office.api("GET", "/facilities/SOUTH/templates/SM-VISIT")
        assert made["fields"][1] == {
            "field_id": "S.300",
            "label": "Physical Exam",
            "position": 2,
            "kind": "free_text",
            "max_length": None,
            "required": False,
        }

    def test_are_listed_with_their_facilities(self, office):
        office.api("PUT", "/facilities/SOUTH/templates/SM-VISIT", SOUTH)
        assert office.api("GET", "/facilities") == {
            "facilities": [
                {"facility": "NORTH", "templates": ["FM-PROGRESS"]},
                {"facility": "SOUTH", "templates": ["SM-VISIT"]},
            ]
        }

    def test_are_exported_as_a_director_would_download_them(self, office):
        made = office.call("GET", TEMPLATE + ".csv")
        assert made.headers["Content-Disposition"] == 'attachment; filename="template.csv"'
        assert made.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert made.body == (
            b"Order,Field Identifier,Field Label,Type,Max Length,Required\r\n"
            b"1,NF-01,Chief Complaint,Free text,500,No\r\n"
            b"2,NF-02,HPI,Free text,,No\r\n"
            b"3,NF-03,ROS,Free text,,No\r\n"
            b"4,NF-04,Examination,Free text,,No\r\n"
            b"5,NF-05,Assessment,Free text,,No\r\n"
            b"6,NF-06,Treatment Plan,Free text,,Yes\r\n"
        )

    def test_a_label_with_commas_and_quotes_is_quoted(self, office):
        office.api(
            "PUT",
            "/facilities/NORTH/templates/Q",
            {"fields": [{"field_id": "F", "label": 'Pain, "worst"', "kind": "structured"}]},
        )
        made = office.call("GET", "/sandbox/api/facilities/NORTH/templates/Q.csv").text
        assert made.splitlines()[1] == '1,F,"Pain, ""worst""",Structured,,No'

    def test_exchange_two_positions(self, office):
        made = office.api("POST", "/facilities/NORTH/templates/FM-PROGRESS/swap", {"fields": ["NF-01", "NF-03"]})
        assert [(each["position"], each["field_id"]) for each in made["fields"][:3]] == [
            (1, "NF-03"),
            (2, "NF-02"),
            (3, "NF-01"),
        ]

    def test_exchanged_twice_are_as_before(self, office):
        before = office.api("GET", "/facilities/NORTH/templates/FM-PROGRESS")
        for _ in range(2):
            after = office.api("POST", "/facilities/NORTH/templates/FM-PROGRESS/swap", {"fields": ["NF-02", "NF-05"]})
        assert after == before

    def test_that_are_not_there_are_404(self, office):
        assert refused(office, "GET", "/facilities/NORTH/templates/NONE") == (404, "There is no such template.")
        assert refused(office, "GET", "/facilities/WEST/templates/FM-PROGRESS.csv") == (
            404,
            "There is no such template.",
        )

    def test_do_not_exchange_a_field_with_itself(self, office):
        path = "/facilities/NORTH/templates/FM-PROGRESS/swap"
        words = "Name two different fields of this template."
        assert refused(office, "POST", path, {"fields": ["NF-01", "NF-01"]}) == (400, words)

    def test_do_not_exchange_with_a_field_of_another_template(self, office):
        path = "/facilities/NORTH/templates/FM-PROGRESS/swap"
        assert refused(office, "POST", path, {"fields": ["NF-01", "S.100"]})[0] == 400

    def test_do_not_exchange_three(self, office):
        path = "/facilities/NORTH/templates/FM-PROGRESS/swap"
        words = 'The body is {"fields": [field_id, field_id]}.'
        assert refused(office, "POST", path, {"fields": ["NF-01", "NF-02", "NF-03"]}) == (400, words)
        assert refused(office, "POST", path, ["NF-01", "NF-02"]) == (400, words)


class TestATemplateThatMakesNoSense:
    def said(self, office, *fields, **more) -> str:
        status, words = refused(office, "PUT", "/facilities/NORTH/templates/NEW", {"fields": list(fields), **more})
        assert status == 400
        assert "NEW" not in office.store.templates["NORTH"]
        return words

    def test_without_fields(self, office):
        assert self.said(office) == 'The body is an object with a list "fields" that is not empty.'

    def test_with_a_field_without_an_identifier(self, office):
        assert self.said(office, {"field_id": "A"}, {"label": "B"}) == "Field 2 has no field_id."

    def test_with_a_blank_identifier(self, office):
        assert self.said(office, {"field_id": "  "}) == "Field 1 has no field_id."

    def test_with_an_identifier_twice(self, office):
        assert self.said(office, {"field_id": "A"}, {"field_id": " A "}) == "A field_id stands twice."

    def test_with_a_position_twice(self, office):
        fields = {"field_id": "A", "position": 2}, {"field_id": "B"}
        assert self.said(office, *fields) == "A position stands twice."

    def test_with_a_position_of_zero(self, office):
        assert self.said(office, {"field_id": "A", "position": 0}) == "Field 1: the position is a number from 1."

    def test_with_a_position_that_is_true(self, office):
        assert self.said(office, {"field_id": "A", "position": True}) == "Field 1: the position is a number from 1."

    def test_with_a_limit_of_zero(self, office):
        words = "Field 1: max_length is a number from 1, or null."
        assert self.said(office, {"field_id": "A", "max_length": 0}) == words

    def test_with_an_unknown_kind(self, office):
        words = "Field 1: the kind is free_text or structured."
        assert self.said(office, {"field_id": "A", "kind": "picture"}) == words

    def test_with_an_unknown_way_out_of_order(self, office):
        words = '"out_of_order" is "drop" or "misfile".'
        assert self.said(office, {"field_id": "A"}, out_of_order="shuffle") == words

    def test_that_is_a_list(self, office):
        words = 'The body is an object with a list "fields" that is not empty.'
        assert refused(office, "PUT", "/facilities/NORTH/templates/NEW", []) == (400, words)

    def test_that_is_no_json(self, office):
        assert refused(office, "PUT", "/facilities/NORTH/templates/NEW", "{") == (400, "The body is no JSON.")

    def test_that_is_no_utf_8(self, office):
        assert refused(office, "PUT", "/facilities/NORTH/templates/NEW", b'{"\xff": 1}') == (
            400,
            "The body is no JSON.",
        )


class TestFilings:
    def test_are_listed_in_the_order_of_filing_without_their_texts(self, filed):
        made = filed.api("GET", "/filings")
        assert [(row["sequence"], row["facility"], row["encounter"]) for row in made["filings"]] == [
            (1, "NORTH", "E1"),
            (2, "NORTH", "E2"),
            (3, "HARBOR", "E1"),
        ]
        assert made["next"] is None
        assert "of E1" not in str(made)

    def test_are_listed_with_their_texts_when_asked(self, filed):
        assert filed.api("GET", "/filings?fields=1")["filings"][0]["fields"] == {"NF-02": "of E1"}

    def test_are_taken_page_by_page(self, filed):
        first = filed.api("GET", "/filings?limit=2")
        assert (len(first["filings"]), first["next"]) == (2, 2)
        second = filed.api("GET", f"/filings?limit=2&after={first['next']}")
        assert ([row["sequence"] for row in second["filings"]], second["next"]) == ([3], None)

    def test_are_narrowed_to_a_facility(self, filed):
        assert [row["sequence"] for row in filed.api("GET", "/filings?facility=HARBOR")["filings"]] == [3]

    def test_have_their_moment_in_utc(self, filed):
        assert filed.api("GET", "/filings")["filings"][0]["filed_at"].endswith("Z")

    def test_from_a_place_that_is_no_number_are_refused(self, filed):
        assert refused(filed, "GET", "/filings?after=x") == (400, '"after" is a whole number.')
        assert refused(filed, "GET", "/filings?limit=many") == (400, '"limit" is a whole number.')

    def test_from_before_the_first_begin_at_the_first(self, filed):
        assert filed.api("GET", "/filings?after=-7")["filings"][0]["sequence"] == 1

    def test_are_counted_by_the_health_check(self, filed):
        assert filed.api("GET", "/health") == {"status": "ok", "filings": 3, "mllp": 2575}


class TestEncounters:
    def test_are_signed_and_opened(self, office):
        assert office.api("PUT", "/facilities/NORTH/encounters/E1", {"signed": True}) == {"signed": True}
        assert office.store.signed == {("NORTH", "E1")}
        assert office.api("PUT", "/facilities/NORTH/encounters/E1", {"signed": False}) == {"signed": False}
        assert office.store.signed == set()

    @pytest.mark.parametrize("body", [{}, {"signed": "yes"}, {"signed": 1}, ["signed"]])
    def test_are_signed_by_a_plain_truth_only(self, office, body):
        words = 'The body is {"signed": true} or {"signed": false}.'
        assert refused(office, "PUT", "/facilities/NORTH/encounters/E1", body) == (400, words)
        assert office.store.signed == set()


class TestFaults:
    def test_are_put_all_at_once(self, office):
        made = office.api(
            "PUT", "/faults", {"seed": 7, "faults": [{"kind": "ae"}, {"kind": "delay_ack", "seconds": 2}]}
        )
        assert made["seed"] == 7
        assert made["faults"][1] == {
            "kind": "delay_ack",
            "probability": 1.0,
            "facility": None,
            "connection": None,
            "count": None,
            "seconds": 2.0,
            "fired": 0,
        }

    def test_are_told_back_in_a_form_that_can_be_put_again(self, office):
        for kind in KINDS:
            office.fault(kind)
        told = office.api("GET", "/faults")
        assert office.api("PUT", "/faults", told) == told

    def test_of_which_one_is_wrong_change_nothing(self, office):
        office.fault("drop_ack")
        body = {"faults": [{"kind": "ae"}, {"kind": "ar", "count": -1}]}
        assert refused(office, "PUT", "/faults", body) == (400, "The count is a whole number from 1, or null.")
        assert [each.kind.name for each in office.switchboard.faults] == ["drop_ack"]

    def test_are_added_to_those_that_are_on(self, office):
        office.api("POST", "/faults", {"kind": "ae"})
        made = office.api("POST", "/faults", {"kind": "ar"})
        assert [each["kind"] for each in made["faults"]] == ["ae", "ar"]

    def test_need_a_list(self, office):
        words = 'The body is {"seed": 0, "faults": [{"kind": …}]}.'
        assert refused(office, "PUT", "/faults", {"faults": {"kind": "ae"}}) == (400, words)
        assert refused(office, "PUT", "/faults", {"seed": "x", "faults": []}) == (400, words)
        assert refused(office, "PUT", "/faults", []) == (400, words)


class TestAReset:
    def test_forgets_charts_signatures_templates_faults_and_applications(self, filed):
        filed.api("PUT", "/facilities/NORTH/encounters/E1", {"signed": True})
        filed.fault("drop_ack")
        assert filed.api("POST", "/reset") == {"status": "reset"}
        assert (filed.store.count(), filed.store.signed, filed.store.templates) == (0, set(), {})
        assert filed.switchboard.faults == []
        assert filed.api("GET", "/tokens") == {"calls": {}, "issued": 0}

    def test_may_keep_the_templates(self, filed):
        filed.api("POST", "/reset", {"keep_templates": True})
        assert (filed.store.count(), list(filed.store.templates)) == (0, ["NORTH"])

    def test_keeps_nothing_for_a_word_that_is_merely_true(self, filed):
        filed.api("POST", "/reset", {"keep_templates": "yes"})
        assert filed.store.templates == {}

    def test_makes_the_practices_strangers_again(self, filed):
        filed.api("PUT", "/practices/LAKESI", {"strict": True})
        filed.api("POST", "/reset")
        rights = filed.registered()
        made = filed.call("POST", FHIR, bundle(), rights).json["entry"][0]["response"]
        assert made == {"status": "1", "location": "DocumentReference/doc.4"}


class TestPracticesAndApplications:
    def test_a_practice_without_a_word_is_a_facility_of_its_name(self, office):
        assert office.api("PUT", "/practices/HARBOR") == {"practice": "HARBOR", "facility": "HARBOR"}

    def test_a_practice_keeps_what_is_not_named_again(self, office):
        office.api("PUT", "/practices/LAKESI", {"facility": "NORTH"})
        assert office.api("PUT", "/practices/LAKESI", {"strict": True})["facility"] == "NORTH"

    def test_an_encounter_needs_its_subject(self, office):
        path = "/practices/LAKESI/resources/Encounter/E1"
        assert refused(office, "PUT", path, {"status": "finished"}) == (400, "An Encounter needs its subject.")

    def test_a_resource_takes_type_and_id_from_its_address(self, office):
        body = {"resourceType": "Claim", "id": "other", "birthDate": "1981-07-19"}
        made = office.api("PUT", "/practices/LAKESI/resources/Patient/P1", body)
        assert made == {"resourceType": "Patient", "id": "P1", "birthDate": "1981-07-19"}

    def test_a_body_that_is_a_list_is_refused(self, office):
        assert refused(office, "PUT", "/practices/LAKESI", []) == (400, "The body is an object.")

    def test_revoking_counts_each_consent_once(self, office):
        office.registered()
        office.registered()
        assert office.api("POST", "/apps/portal/revoke") == {"ended": 2}
        assert office.api("POST", "/apps/portal/revoke") == {"ended": 0}

    def test_revoking_an_unknown_application_ends_nothing(self, office):
        assert office.api("POST", "/apps/nobody/revoke") == {"ended": 0}


class TestTheOpenApi:
    def read(self, office, encounter="E1", facility="NORTH", practice="LAKESI", headers=AUTHORIZED):
        address = f"/openapi/v1/{practice}/encounters/{encounter}/progress-note?facility={facility}"
        return office.call("GET", address, headers=headers)

    def test_shows_a_note_by_field_with_its_filings(self, filed):
        made = self.read(filed).json
        moment = made["filings"][0].pop("filed_at")
        assert moment.endswith("Z")
        assert made == {
            "encounter_id": "E1",
            "patient_id": "P1",
            "signed": False,
            "template": "",
            "filings": [
                {"control_id": "M1", "note_id": "", "template": "FM-PROGRESS", "fields": {"NF-02": "of E1"}},
            ],
            "fields": {"NF-02": "of E1"},
        }

    def test_shows_an_empty_chart_for_an_encounter_without_filings(self, filed):
        assert self.read(filed, "E9").json == {
            "encounter_id": "E9",
            "patient_id": "",
            "signed": False,
            "template": "",
            "filings": [],
            "fields": {},
        }

    def test_wants_its_token(self, filed):
        made = self.read(filed, headers={"Authorization": "Bearer sandbox-toke"})
        assert (made.status, made.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert made.json == {"error": "The access token is missing, wrong or run out."}

    def test_wants_a_practice_of_six_letters(self, filed):
        made = self.read(filed, practice="LAKE")
        assert (made.status, made.json) == (404, {"error": "There is no such practice."})

    def test_wants_a_facility_that_is_known(self, filed):
        made = self.read(filed, facility="WEST")
        assert (made.status, made.json) == (404, {"error": "There is no such facility."})

    def test_asks_for_the_token_before_it_says_what_is_known(self, filed):
        assert self.read(filed, practice="LAKE", headers={}).status == 401

    def test_lists_templates_without_the_sandboxs_own_settings(self, filed):
        made = filed.call("GET", "/openapi/v1/LAKESI/templates?facility=NORTH", headers=AUTHORIZED).json
        (template,) = made["templates"]
        assert set(template) == {"code", "name", "fields"}
        assert template["fields"][0]["label"] == "Chief Complaint"

    def test_under_read_stale_shows_the_chart_of_before(self, filed):
        filed.fault("read_stale", seconds=30)
        assert self.read(filed).json["filings"] == []

    def test_under_read_rate_limit_refuses_what_is_over(self, filed):
        filed.fault("read_rate_limit", per_minute=1)
        assert [self.read(filed).status for _ in range(2)] == [200, 429]


class TestTheTemplatesPage:
    ADDRESS = "/facilities/NORTH/templates/FM-PROGRESS"

    def test_shows_every_field_in_its_order(self, office):
        made = office.call("GET", self.ADDRESS).text
        row = (
            "<tr><td>1</td><td><code>NF-01</code></td><td>Chief Complaint</td><td>Free text</td><td>500</td><td>No</td>"
        )
        assert row in made
        assert made.index("NF-02") < made.index("NF-06")

    def test_exchanges_two_fields(self, office):
        made = office.call("POST", self.ADDRESS + "/swap", "first=NF-01&second=NF-02", FORM)
        assert (made.status, made.headers["Location"]) == (303, self.ADDRESS)
        assert list(office.store.templates["NORTH"]["FM-PROGRESS"].by_id)[:2] == ["NF-02", "NF-01"]

    def test_says_what_it_needs_to_exchange(self, office):
        made = office.call("POST", self.ADDRESS + "/swap", "first=NF-01&second=NF-01", FORM)
        assert made.status == 422
        assert '<p class="trouble" role="alert">Name two different fields of this template.</p>' in made.text

    def test_sets_how_it_files(self, office):
        office.call("POST", self.ADDRESS, "out_of_order=misfile&truncate=no", FORM)
        template = office.store.templates["NORTH"]["FM-PROGRESS"]
        assert (template.out_of_order, template.truncate) == ("misfile", False)

    def test_refuses_an_order_it_does_not_know(self, office):
        made = office.call("POST", self.ADDRESS, "out_of_order=shuffle", FORM)
        assert (made.status, "Choose what happens to a field out of order." in made.text) == (422, True)

    def test_of_an_unknown_template_is_404(self, office):
        assert office.call("GET", "/facilities/NORTH/templates/NONE").status == 404
