"""Odd answers of a FHIR base, given as bytes: whose document it is, where a link leads, what is a document at all."""

import base64
import json
from dataclasses import replace

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels import http
from delivery.channels.base import Chart, ChartNote, NoAnswer, Refused, Unavailable
from delivery.channels.compare_entries import compare as compare_entries
from delivery.channels.fhir import judge
from delivery.channels.fhir_reader import FhirReader, identity_of
from delivery.channels.fhir_search import FhirClient
from delivery.failures import CATALOGUE
from tests.channels.fhir_notes import Given, here, settings
from tests.channels.notes import CONTROL_ID, OTHER_ID, VISIT

BASE = "http://127.0.0.1:1/fhir/r4/LAKESI"
MESSAGE = "urn:scribeport:message"
TAKEN = {"resourceType": "Bundle", "type": "transaction-response", "entry": [{"response": {"status": "1"}}]}


def answer(body: object, status: int = 200, kind: str = "application/fhir+json", **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.Response(status, headers={"Content-Type": kind, **headers}, content=content)


class Base:
    """A base that answers by the last steps of a path, and remembers what it was asked."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.asked: list[httpx2.URL] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url)
        said = self.answers[request.url.path.rpartition("/")[2].replace("-", "_").replace(".", "_")]
        return said if isinstance(said, httpx2.Response) else answer(said)

    def client(self, credentials: Given | None = None) -> FhirClient:
        made = FhirClient(settings(base_url=BASE), credentials or Given(), here)
        made.client = httpx2.Client(transport=httpx2.MockTransport(self))
        return made

    def reader(self) -> FhirReader:
        return FhirReader(self.client())


def bundle(*resources: object, **more: object) -> dict:
    entries = [{"resource": each} for each in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


def document(**changes: object) -> dict:
    made = {
        "resourceType": "DocumentReference",
        "id": "doc.1",
        "masterIdentifier": {"system": MESSAGE, "value": CONTROL_ID},
        "subject": {"reference": "Patient/P1001"},
        "content": [{"attachment": {"contentType": "text/plain", "url": "Binary/doc"}}],
    }
    return {**made, **changes}


def at(url: object) -> dict:
    return document(content=[{"attachment": {"url": url}}])


def binary(content: bytes = b"Cough.", kind: str = "text/plain", **changes: object) -> dict:
    return {"resourceType": "Binary", "contentType": kind, "data": base64.b64encode(content).decode(), **changes}


def read(found: object, content: object = None) -> Chart:
    return Base(DocumentReference=found, doc=binary() if content is None else content).reader().read(VISIT)


def fails(found: object, content: object = None) -> tuple[str, str]:
    with pytest.raises(Unavailable) as caught:
        read(found, content)
    assert caught.value.reason_code in CATALOGUE
    assert caught.value.__cause__ is None
    return caught.value.reason_code, caught.value.code


class TestWhoseDocumentItIs:
    @pytest.mark.parametrize("subject", ["Patient/P1001", "P1001", f"{BASE}/Patient/P1001", "/Patient/P1001"])
    def test_is_this_patients_however_the_reference_is_written(self, subject):
        assert len(read(bundle(document(subject={"reference": subject}))).filings) == 1

    @pytest.mark.parametrize(
        "subject",
        [
            "Patient/P9999", "Patient/p1001", "Patient/P1001 ", "Patient/XP1001", "Patient/P1001/", "", "Patient/",
            "Group/P1001", "Device/P1001", f"{BASE}/Location/P1001", "Practitioner/P1001", "urn:uuid:P1001", "#P1001",
        ],
    )  # fmt: skip
    def test_is_nobodys_where_anybody_else_is_named(self, subject):
        assert fails(bundle(document(subject={"reference": subject}))) == ("read_unreadable", "patient")

    @pytest.mark.parametrize("subject", [None, [], "Patient/P1001", {}, {"reference": None}, {"reference": ["P1001"]}])
    def test_is_nobodys_where_it_is_not_said_as_fhir_says_it(self, subject):
        assert fails(bundle(document(subject=subject))) == ("read_unreadable", "patient")

    def test_is_asked_before_any_byte_of_it_is_fetched(self):
        base = Base(DocumentReference=bundle(document(), document(subject={"reference": "Patient/P2"})))
        with pytest.raises(Unavailable):
            base.reader().read(VISIT)
        assert [url.path.rpartition("/")[2] for url in base.asked] == ["DocumentReference"]

    @pytest.mark.parametrize(
        "visit", [replace(VISIT, encounter_id=""), replace(VISIT, patient=replace(VISIT.patient, id=""))]
    )
    def test_of_a_visit_that_is_not_named_is_asked_of_nobody(self, visit):
        base = Base()
        with pytest.raises(Unavailable, match="read_unreadable encounter"):
            base.reader().read(visit)
        with pytest.raises(Unavailable, match="read_unreadable encounter"):
            base.reader().compare_documents(visit, CONTROL_ID, b"{}")
        assert base.asked == []


class TestOurIdentity:
    @pytest.mark.parametrize(
        "changes",
        [
            {"masterIdentifier": None, "identifier": [{"system": MESSAGE, "value": CONTROL_ID}]},
            {"masterIdentifier": {"system": "urn:ecw", "value": "7"}, "identifier": [{"system": MESSAGE, "value": CONTROL_ID}]},
            {"masterIdentifier": [], "identifier": [None, "x", {}, {"system": MESSAGE, "value": CONTROL_ID}]},
            {"masterIdentifier": {"system": MESSAGE, "value": 5}, "identifier": [{"system": MESSAGE, "value": CONTROL_ID}]},
        ],
    )  # fmt: skip
    def test_is_found_where_ecw_has_moved_it_among_its_own(self, changes):
        assert identity_of(document(**changes)) == CONTROL_ID

    @pytest.mark.parametrize(
        "changes",
        [
            {"masterIdentifier": {"system": "urn:ecw", "value": CONTROL_ID}},
            {"masterIdentifier": {"value": CONTROL_ID}},
            {"masterIdentifier": {"system": MESSAGE, "value": None}},
            {"masterIdentifier": {"system": MESSAGE, "value": [CONTROL_ID]}},
            {"masterIdentifier": CONTROL_ID},
            {"masterIdentifier": None, "identifier": {"system": MESSAGE, "value": CONTROL_ID}},
            {"masterIdentifier": None, "identifier": [[{"system": MESSAGE, "value": CONTROL_ID}]]},
            {"masterIdentifier": {"system": f"{MESSAGE} ", "value": CONTROL_ID}},
        ],
    )
    def test_is_none_where_the_system_is_not_ours_or_nothing_is_said(self, changes):
        assert identity_of(document(**changes)) == ""

    def test_of_the_document_itself_comes_before_any_other(self):
        rows = [{"system": MESSAGE, "value": OTHER_ID}]
        assert identity_of(document(identifier=rows)) == CONTROL_ID

    def test_of_somebody_elses_document_costs_no_call(self):
        base = Base(
            DocumentReference=bundle(document(masterIdentifier=None), document(masterIdentifier={"system": "x"}))
        )
        assert base.reader().read(VISIT) == Chart((), {}, "section")
        assert len(base.asked) == 1

    def test_with_a_number_is_an_attached_documents_and_no_note(self):
        numbered = document(masterIdentifier={"system": MESSAGE, "value": f"{CONTROL_ID}.1"})
        assert read(bundle(numbered, document())).filings == (ChartNote(CONTROL_ID, {}, "Cough."),)

    @given(st.recursive(st.none() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["system", "value", "masterIdentifier", "identifier"]), inner), max_leaves=6))  # fmt: skip
    def test_of_anything_whatever_is_a_text(self, wild):
        assert isinstance(identity_of({"masterIdentifier": wild, "identifier": wild}), str)


class TestWhereALinkLeads:
    ELSEWHERE = [
        "http://[::1", "http://[", "//[x", "https://127.0.0.1:1/fhir/r4/LAKESI/Binary/1", "http://127.0.0.1/Binary/1",
        "http://127.0.0.1:1/fhir/r4/LAKESIDE/Binary/1", "http://127.0.0.1:1@evil.test/", "ftp://127.0.0.1:1/x",
        f"{BASE}/..", f"{BASE}/../OTHER/Binary/1", f"{BASE}/%2e%2e/OTHER/Binary/1", f"{BASE}/%2E./OTHER/x",
        f"{BASE}\\..\\OTHER", "..", "../OTHER/Binary/1", "/", "data:text/plain,Cough", "javascript:1",
    ]  # fmt: skip

    @pytest.mark.parametrize("url", ELSEWHERE)
    def test_of_a_document_to_anywhere_but_our_base_is_not_followed(self, url):
        base = Base(DocumentReference=bundle(at(url)))
        with pytest.raises(Unavailable, match="read_elsewhere"):
            base.reader().read(VISIT)
        assert len(base.asked) == 1

    @pytest.mark.parametrize("url", ELSEWHERE)
    def test_of_a_next_page_to_anywhere_but_our_base_is_not_followed(self, url):
        base = Base(DocumentReference=bundle(link=[{"relation": "next", "url": url}]))
        with pytest.raises(Unavailable, match="read_elsewhere"):
            base.reader().read(VISIT)
        assert len(base.asked) == 1

    @pytest.mark.parametrize("url", ["Binary/\x00", "Binary/\x7f", "Binary/" + "x" * 70_000, "Binary/\ud800"])
    def test_that_no_address_can_be_is_not_followed_and_breaks_nothing(self, url):
        assert fails(bundle(at(url))) == ("read_elsewhere", "")

    @pytest.mark.parametrize("url", ["Binary/doc", f"{BASE}/Binary/doc", "./Binary/doc", "/fhir/r4/LAKESI/Binary/doc"])
    def test_to_our_base_is_followed_however_it_is_written(self, url):
        assert read(bundle(at(url))).filings[0].text == "Cough."

    @pytest.mark.parametrize("url", [None, 7, [], {"reference": "Binary/doc"}])
    def test_that_is_no_text_is_unreadable(self, url):
        assert fails(bundle(at(url))) == ("read_unreadable", "attachment")

    @pytest.mark.parametrize("content", [None, [], {}, [None], [{}], [{"attachment": None}], [{"attachment": ["x"]}]])
    def test_that_is_not_there_is_unreadable(self, content):
        assert fails(bundle(document(content=content))) == ("read_unreadable", "attachment")

    @pytest.mark.parametrize(
        "link",
        [None, {}, "next", [None], [{"relation": "self", "url": BASE}], [{"relation": "next"}],
         [{"relation": "next", "url": None}], [{"relation": ["next"], "url": BASE}]],
    )  # fmt: skip
    def test_that_is_no_next_page_ends_the_search(self, link):
        assert len(read(bundle(document(), link=link)).filings) == 1

    def test_to_a_next_page_is_paid_for_like_any_call(self):
        credentials = Given()
        credentials.calls_left = 0
        made = Base(Condition=bundle(link=[{"relation": "next", "url": f"{BASE}/Condition?page=2"}])).client(
            credentials
        )
        with pytest.raises(Unavailable, match="rate_limited"):
            made.search("Condition", patient="P1001")


class TestASearch:
    @pytest.mark.parametrize(
        "entry", [None, {}, "x", [], [None], [{}], [{"resource": None}], [{"resource": [document()]}]]
    )
    def test_of_no_documents_in_any_form_is_an_empty_chart(self, entry):
        assert read(bundle(entry=entry)) == Chart((), {}, "section")

    def test_leaves_out_what_is_of_another_kind(self):
        outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
        assert len(read(bundle(outcome, document(), {"resourceType": "Patient", "id": "P1001"})).filings) == 1

    @pytest.mark.parametrize(
        "kind", ["transaction-response", "collection", "history", "Searchset", None, ["searchset"]]
    )
    def test_that_answers_with_a_bundle_of_another_kind_is_unreadable(self, kind):
        assert fails(bundle(document(), type=kind)) == ("read_unreadable", "Bundle")

    @pytest.mark.parametrize(
        "raw", [b"", b"null", b"[]", b'"Bundle"', b"{", b'{"resourceType": "Bundle"', b"\xef\xbb\xbf"]
    )
    def test_cut_or_empty_is_unreadable_and_never_an_empty_chart(self, raw):
        assert fails(answer(raw)) == ("read_unreadable", "resource")

    def test_cut_anywhere_is_unreadable(self):
        raw = json.dumps(bundle()).encode()
        for end in range(len(raw)):
            assert fails(answer(raw[:end]))[0] == "read_unreadable"

    def test_that_says_one_key_twice_is_unreadable(self):
        raw = json.dumps(bundle(document())).replace('"entry"', '"entry": [], "entry"').encode()
        assert fails(answer(raw)) == ("read_unreadable", "resource")

    def test_on_a_sign_in_page_is_unreadable(self):
        assert fails(answer(b"<html>Sign in</html>", kind="text/html")) == ("read_unreadable", "resource")

    @pytest.mark.parametrize("status", [201, 202, 204, 206, 301, 400, 405, 409, 410, 418, 422])
    def test_by_any_other_status_is_no_chart(self, status):
        assert fails(answer(bundle(), status)) == ("read_unreadable", f"HTTP {status}")

    def test_of_a_server_that_was_not_reached_gives_the_networks_reason(self):
        def away(request: httpx2.Request) -> httpx2.Response:
            raise http.NotAnswered("connection_refused")

        made = FhirClient(settings(base_url=BASE), Given(), here)
        made.client = httpx2.Client(transport=httpx2.MockTransport(away))
        with pytest.raises(Unavailable, match="read_unavailable connection_refused"):
            made.capability()

    def test_finds_one_only_where_there_is_exactly_one(self):
        encounter = {"resourceType": "Encounter", "id": "E1"}
        for found, expected in (([encounter], encounter), ([encounter] * 2, None), ([{**encounter, "id": "e1"}], None)):
            assert Base(Encounter=bundle(*found)).client().one("Encounter", "E1") == expected


class TestABinary:
    @pytest.mark.parametrize(
        "changes",
        [
            {"resourceType": "Bundle"},
            {"contentType": None},
            {"contentType": ["text/plain"]},
            {"data": None},
            {"data": 7},
        ],
    )
    def test_of_another_shape_is_unreadable(self, changes):
        assert fails(bundle(document()), binary(**changes)) == ("read_unreadable", "Binary")

    @pytest.mark.parametrize("data", ["Q291Z2gu ", "Q291Z2g", "Q291Z2gu\n", "Q291-_gu", "Größe", "====", "Q=291Z2gu"])
    def test_whose_base64_is_not_clean_is_unreadable_and_never_half_read(self, data):
        assert fails(bundle(document()), binary(data=data)) == ("read_unreadable", "Base64")

    @pytest.mark.parametrize("kind", ["text/plain", "TEXT/PLAIN", "text/plain;charset=utf-8", " text/plain ; x=y"])
    def test_of_plain_text_is_text_however_its_type_is_written(self, kind):
        assert read(bundle(document()), binary("Größe".encode(), kind)).filings[0].text == "Größe"

    @pytest.mark.parametrize("kind", ["application/pdf", "", "text/html", "text/plainer", "image/png", "text/rtf"])
    def test_of_another_type_is_there_and_has_no_text_to_read(self, kind):
        assert read(bundle(document()), binary(b"Cough.", kind)).filings == (ChartNote(CONTROL_ID, {}, None),)

    @pytest.mark.parametrize("raw", [b"\xff\xfeC\x00", b"Gr\xf6\xdfe", b"\xc3", b"\xed\xa0\x80"])
    def test_of_text_in_another_character_set_is_unreadable_and_never_guessed(self, raw):
        assert fails(bundle(document()), binary(raw)) == ("read_unreadable", "document")

    @pytest.mark.parametrize("kind", ["application/xml", "text/xml", "application/cda+xml"])
    @pytest.mark.parametrize("raw", [b"", b"<a>", b"plain words", b"<a></b>", b"\x00<a/>"])
    def test_called_xml_that_is_none_is_unreadable(self, kind, raw):
        assert fails(bundle(document()), binary(raw, kind)) == ("read_unreadable", "document")

    def test_of_nothing_is_a_document_without_a_word(self):
        assert read(bundle(document()), binary(b"")).filings[0].text == ""

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
    def test_of_any_text_is_read_as_it_stands(self, text):
        assert read(bundle(document()), binary(text.encode())).filings[0].text == text


class TestEntries:
    def condition(self, **changes: object) -> dict:
        made = {
            "resourceType": "Condition",
            "identifier": [{"system": MESSAGE, "value": f"{CONTROL_ID}.1"}],
            "subject": {"reference": "Patient/P1001"},
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10"}]},
        }
        return {**made, **changes}

    def entries(self, *found: dict, part: str = "diagnoses", kind: str = "Condition"):
        return Base(**{kind: bundle(*found)}).reader().entries(VISIT, part)

    def test_of_ours_are_found_by_identity_and_others_left_alone(self):
        ours, theirs = self.condition(), self.condition(identifier=[{"system": "urn:ecw", "value": "9"}])
        assert self.entries(theirs, ours) == {f"{CONTROL_ID}.1": ours}

    def test_of_ours_in_another_patients_chart_are_never_taken_for_found(self):
        with pytest.raises(Unavailable, match="read_unreadable patient"):
            self.entries(self.condition(subject={"reference": "Patient/P9999"}))

    def test_of_somebody_else_are_not_asked_whose_they_are(self):
        theirs = self.condition(identifier=[], subject={"reference": "Patient/P9999"})
        assert self.entries(theirs) == {}

    def test_of_an_allergy_name_their_patient_in_its_own_element(self):
        allergy = self.condition(resourceType="AllergyIntolerance", patient={"reference": "Patient/P1001"})
        del allergy["subject"]
        assert len(self.entries(allergy, part="allergies", kind="AllergyIntolerance")) == 1

    @pytest.mark.parametrize("part", ["immunizations", "documents", "note", ""])
    def test_of_a_kind_that_ecw_does_not_show_are_not_asked_for(self, part):
        base = Base()
        assert base.reader().entries(VISIT, part) is None
        assert base.asked == []

    def test_of_a_patient_without_an_id_are_asked_of_nobody(self):
        with pytest.raises(Unavailable, match="read_unreadable patient"):
            Base().reader().entries(replace(VISIT, patient=replace(VISIT.patient, id="")), "diagnoses")

    @pytest.mark.parametrize(
        "code",
        [None, [], "I10", {}, {"coding": None}, {"coding": {}}, {"coding": [None, "I10"]}, {"coding": [{"code": "I10"}]},
         {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm"}]}, {"coding": [], "text": "I10"}],
    )  # fmt: skip
    def test_whose_code_stands_there_in_another_form_are_not_as_sent(self, code):
        body = json.dumps({"entry": [{"resource": self.condition()}]}).encode()
        seen = compare_entries(body, CONTROL_ID, {f"{CONTROL_ID}.1": self.condition(code=code)}, "Diagnosis")
        assert [row.outcome for row in seen.sections] == ["altered"]


class TestAPostsAnswer:
    def code_of(self, body: object) -> str:
        with pytest.raises((NoAnswer, Refused)) as caught:
            judge(answer(body))
        assert caught.value.reason_code in CATALOGUE
        return caught.value.reason_code

    @pytest.mark.parametrize("issue", [{"severity": "error"}, [{"severity": "fatal"}], [{}, {"severity": "error"}]])
    def test_with_success_and_an_error_in_any_form_is_a_contradiction(self, issue):
        entry = [{"response": {"status": "1", "outcome": {"resourceType": "OperationOutcome", "issue": issue}}}]
        assert self.code_of({**TAKEN, "entry": entry}) == "fhir_contradiction"

    @pytest.mark.parametrize(
        "outcome", [None, {}, {"issue": []}, {"issue": [{"severity": "information"}]}, {"issue": None}]
    )
    def test_with_success_and_nothing_worse_than_a_remark_is_a_yes(self, outcome):
        entry = [{"response": {"status": "1", "outcome": outcome}}]
        assert judge(answer({**TAKEN, "entry": entry})).code == "1"

    @pytest.mark.parametrize("status", ["", "01", "1.0", "１", "1 1", "success", "+1", "200", "0"])
    def test_with_a_status_that_only_looks_like_success_is_a_doubt(self, status):
        assert self.code_of({**TAKEN, "entry": [{"response": {"status": status}}]}) == "fhir_unknown_code"

    @pytest.mark.parametrize(
        "entry", [None, {}, "1", [None], ["1"], [[]], [{}], [{"response": None}], [{"response": []}]]
    )
    def test_whose_entry_is_of_another_shape_is_a_doubt(self, entry):
        assert self.code_of({**TAKEN, "entry": entry}) == "fhir_contradiction"

    @pytest.mark.parametrize("status", [1, True, None, ["1"], {"code": "1"}, 1.0])
    def test_whose_status_is_no_text_is_a_doubt(self, status):
        assert self.code_of({**TAKEN, "entry": [{"response": {"status": status}}]}) == "fhir_contradiction"

    @pytest.mark.parametrize("status", [202, 203, 204, 206])
    def test_by_another_yes_of_http_is_a_doubt_whatever_it_says(self, status):
        with pytest.raises(NoAnswer, match=f"fhir_server_error HTTP {status}"):
            judge(answer(TAKEN, status))

    def test_of_a_server_that_had_not_got_the_body_is_tried_again(self):
        busy = answer(b"", 503, **{"Retry-After": "5"})
        busy.extensions["body_left"] = False
        with pytest.raises(Unavailable, match="fhir_busy") as caught:
            judge(busy)
        assert caught.value.retry_after == 5

    def test_cut_anywhere_is_a_doubt(self):
        raw = json.dumps(TAKEN).encode()
        for end in range(len(raw)):
            with pytest.raises(NoAnswer, match="unreadable_answer"):
                judge(answer(raw[:end]))
