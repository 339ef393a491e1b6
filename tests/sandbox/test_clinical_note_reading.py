"""What a posted transaction has to hold, and by which of eCW's codes each fault of it is refused."""

import base64

import pytest

from sandbox.clinical_notes import LARGEST, CodedRefusal, read_bundle, read_reference, referred
from sandbox.oru import Observation
from tests.sandbox.office import bundle, hl7, reference

HEADER = "MSH|^~\\&|PROG|PROG|PROG||20260319101500||ORU^R01|M1|T|2.4\r"
PID = "PID|1||P1\r"
OBR = "OBR|1|E1||HPI^HPI\r"
OBX = "OBX|1|TX|||Cough.\r"


def refused(body) -> tuple[str, str]:
    with pytest.raises(CodedRefusal) as caught:
        read_bundle(body)
    return caught.value.code, caught.value.text


def refused_hl7(content: str | bytes) -> tuple[str, str]:
    return refused(bundle(reference(content)))


class TestATransaction:
    def test_of_one_note_is_read_whole(self):
        posted = read_bundle(bundle())[0]
        assert (posted.patient, posted.encounter, posted.control_id) == ("P1", "E1", "M1")
        assert posted.sections == (Observation("HPI", "Cough for nine days."),)
        assert posted.content_type == "text/hl7v2"
        assert posted.amended is False

    def test_that_is_a_list_is_refused(self):
        assert refused([bundle()]) == ("305", "The body is no transaction Bundle.")

    def test_that_is_null_is_refused(self):
        assert refused(None) == ("305", "The body is no transaction Bundle.")

    def test_of_type_batch_is_refused(self):
        assert refused(bundle(type="batch")) == ("305", "The body is no transaction Bundle.")

    def test_that_is_the_bare_document_is_refused(self):
        assert refused(reference()) == ("305", "The body is no transaction Bundle.")

    def test_without_entries_is_refused(self):
        assert refused(bundle(entry=[])) == ("305", "A transaction holds one entry.")

    def test_with_two_notes_is_refused(self):
        two = bundle()["entry"] * 2
        assert refused(bundle(entry=two)) == ("305", "A transaction holds one entry.")

    def test_whose_entry_is_no_object_is_refused(self):
        assert refused(bundle(entry=["DocumentReference"])) == ("305", "A transaction holds one entry.")

    def test_that_puts_instead_of_posting_is_refused(self):
        body = bundle()
        body["entry"][0]["request"]["method"] = "PUT"
        assert refused(body)[0] == "305"

    def test_that_posts_to_another_type_is_refused(self):
        body = bundle()
        body["entry"][0]["request"]["url"] = "Observation"
        assert refused(body)[0] == "305"

    def test_with_a_condition_on_its_request_is_refused(self):
        """eCW is not known to honour If-None-Exist: who relies on it must not be told that all is well."""
        body = bundle()
        body["entry"][0]["request"]["ifNoneExist"] = "identifier=1"
        assert refused(body)[0] == "305"

    def test_whose_full_url_is_no_uuid_is_refused(self):
        body = bundle()
        body["entry"][0]["fullUrl"] = "http://portal.example/DocumentReference/1"
        code, words = refused(body)
        assert code == "305"
        assert words == "The entry has no urn:uuid fullUrl, or another request than POST DocumentReference."

    def test_without_a_full_url_is_refused(self):
        body = bundle()
        del body["entry"][0]["fullUrl"]
        assert refused(body)[0] == "305"

    def test_that_holds_another_resource_is_refused(self):
        assert refused(bundle({**reference(), "resourceType": "Composition"})) == (
            "305",
            "The entry holds no DocumentReference.",
        )


class TestTheReferences:
    def test_without_a_subject_are_code_100(self):
        assert refused(bundle(reference(subject=None))) == ("100", "There is no valid reference to a Patient.")

    def test_to_a_group_instead_of_a_patient_are_code_100(self):
        assert refused(bundle(reference(subject={"reference": "Group/1"})))[0] == "100"

    def test_without_an_author_are_code_101(self):
        assert refused(bundle(reference(author=[]))) == ("101", "There is no valid reference to a Practitioner.")

    def test_to_a_device_as_author_are_code_101(self):
        assert refused(bundle(reference(author=[{"reference": "Device/scribe"}])))[0] == "101"

    def test_without_an_encounter_are_code_123(self):
        assert refused(bundle(reference(context={}))) == ("123", "There is no valid reference to a Encounter.")

    def test_without_any_context_are_code_123(self):
        assert refused(bundle(reference(context=None)))[0] == "123"

    def test_may_be_whole_addresses(self):
        assert referred({"reference": "https://fhir.example/fhir/r4/LAKESI/Patient/P1"}, "Patient", "100") == "P1"

    def test_may_hold_dots_dashes_and_underscores(self):
        assert referred({"reference": "Patient/a.B-c_9"}, "Patient", "100") == "a.B-c_9"

    def test_of_64_characters_are_the_longest_fhir_allows(self):
        assert referred({"reference": "Patient/" + "a" * 64}, "Patient", "100") == "a" * 64
        with pytest.raises(CodedRefusal):
            referred({"reference": "Patient/" + "a" * 65}, "Patient", "100")

    def test_with_a_query_behind_the_id_are_refused(self):
        with pytest.raises(CodedRefusal):
            referred({"reference": "Patient/P1?x=1"}, "Patient", "100")

    def test_that_are_mere_text_are_refused(self):
        with pytest.raises(CodedRefusal):
            referred("Patient/P1", "Patient", "100")


class TestTheAttachment:
    def test_that_is_missing_is_code_305(self):
        assert refused(bundle(reference() | {"content": []})) == (
            "305",
            "The content has no attachment with data in Base64.",
        )

    def test_that_is_no_base64_is_code_305(self):
        made = reference() | {"content": [{"attachment": {"contentType": "text/plain", "data": "not base64!"}}]}
        assert refused(bundle(made))[0] == "305"

    def test_without_a_type_is_code_305(self):
        made = reference() | {"content": [{"attachment": {"data": "QQ=="}}]}
        assert refused(bundle(made))[0] == "305"

    def test_of_an_unknown_type_is_code_114(self):
        assert refused(bundle(reference("x", kind="image/gif"))) == ("114", "This MIME type is not taken.")

    def test_over_the_limit_is_code_109(self):
        made = reference(b"a" * (LARGEST + 1), kind="text/plain")
        assert refused(bundle(made)) == ("109", "The document is too large.")

    def test_of_just_the_limit_is_taken(self):
        assert len(read_reference(reference(b"a" * LARGEST, kind="text/plain")).content) == LARGEST

    @pytest.mark.parametrize("kind", ["text/plain", "application/pdf", "application/xml", "text/xml"])
    def test_of_a_document_type_is_kept_as_it_is(self, kind):
        posted = read_reference(reference(b"\x00\x01 as it is", kind=kind))
        assert (posted.content_type, posted.content, posted.sections) == (kind, b"\x00\x01 as it is", ())

    def test_may_name_its_character_set(self):
        assert read_reference(reference("x", kind="text/plain; charset=utf-8")).content_type == "text/plain"


class TestTheIdentifiers:
    def test_of_a_clinical_note_is_its_msh_10(self):
        made = reference(masterIdentifier={"system": "urn:x", "value": "other"})
        assert read_reference(made).control_id == "M1"

    def test_of_a_document_is_its_master_identifier(self):
        made = reference("x", kind="text/plain", masterIdentifier={"system": "urn:x", "value": "D-17"})
        assert read_reference(made).control_id == "D-17"

    def test_of_a_document_may_be_missing(self):
        assert read_reference(reference("x", kind="text/plain")).control_id == ""

    def test_the_note_is_known_by_its_first_identifier(self):
        made = reference(identifier=[{"system": "urn:x", "value": "nt-1"}, {"system": "urn:y", "value": "nt-2"}])
        assert read_reference(made).note_id == "nt-1"

    def test_without_one_the_note_has_no_name(self):
        assert read_reference(reference()).note_id == ""

    def test_an_amended_document_says_so(self):
        assert read_reference(reference(docStatus="amended")).amended is True

    def test_a_final_document_is_no_amendment(self):
        assert read_reference(reference(docStatus="final")).amended is False


class TestTheHl7Within:
    def test_must_begin_with_msh(self):
        assert refused_hl7(PID + OBR + OBX) == ("301", "MSH is missing.")

    def test_must_name_prog_as_its_application_or_facility(self):
        assert refused_hl7(HEADER.replace("|PROG|PROG|PROG|", "|SCRIBE|CLINIC|PROG|") + PID + OBR + OBX) == (
            "306",
            "The PROG identifier is missing.",
        )

    def test_may_name_prog_in_msh_4_alone(self):
        content = HEADER.replace("|PROG|PROG|PROG|", "|SCRIBE|PROG|PROG|") + PID + OBR + OBX
        assert read_bundle(bundle(reference(content)))[0].sections == (Observation("HPI", "Cough."),)

    def test_must_be_of_the_documents_patient(self):
        content = HEADER + "PID|1||P2\r" + OBR + OBX
        assert refused_hl7(content) == ("100", "PID-3 is not the patient of the DocumentReference.")

    def test_must_have_a_pid(self):
        assert refused_hl7(HEADER + OBR + OBX)[0] == "100"

    def test_must_be_of_the_documents_encounter(self):
        content = HEADER + PID + "OBR|1|E2||HPI^HPI\r" + OBX
        assert refused_hl7(content) == ("303", "OBR-2 is not the encounter of the DocumentReference.")

    def test_must_name_its_section(self):
        assert refused_hl7(HEADER + PID + "OBR|1|E1||\r" + OBX) == ("302", "OBR-4 names no section.")

    def test_must_have_an_obr(self):
        assert refused_hl7(HEADER + PID) == ("307", "OBR is missing, or stands without its OBX.")

    def test_must_not_end_in_an_obr_alone(self):
        assert refused_hl7(HEADER + PID + OBR + OBX + OBR)[0] == "307"

    def test_must_have_an_obr_for_each_obx(self):
        assert refused_hl7(HEADER + PID + OBR + OBX + OBX) == ("307", "An OBX stands without an OBR of its own.")

    def test_must_not_hold_other_segments(self):
        assert refused_hl7(HEADER + PID + "NTE|1||hello\r" + OBR + OBX)[0] == "307"

    def test_must_be_ascii_where_it_declares_nothing(self):
        assert refused_hl7(HEADER + PID + OBR + "OBX|1|TX|||für\r") == (
            "108",
            "The bytes are not in the character set that MSH-18 declares.",
        )

    def test_must_close_its_escape_sequences(self):
        assert refused_hl7(HEADER + PID + OBR + "OBX|1|TX|||a\\F\r") == ("108", "An escape sequence is not closed.")

    def test_must_hold_no_control_characters(self):
        assert refused_hl7(HEADER + PID + OBR + "OBX|1|TX|||a\x0bb\r")[0] == "108"

    def test_may_declare_utf_8(self):
        header = HEADER.rstrip("\r") + "||||||UNICODE UTF-8\r"
        posted = read_bundle(bundle(reference(header + PID + OBR + "OBX|1|TX|||für\r")))[0]
        assert posted.sections == (Observation("HPI", "für"),)

    def test_keeps_its_sections_in_the_order_sent(self):
        posted = read_bundle(bundle(reference(hl7(("Plan", "three"), ("HPI", "one"), ("ROS", "two")))))[0]
        assert [section.field_id for section in posted.sections] == ["Plan", "HPI", "ROS"]

    def test_gives_line_breaks_back_as_lines(self):
        posted = read_bundle(bundle(reference(hl7(("HPI", "one\\.br\\two")))))[0]
        assert posted.sections == (Observation("HPI", "one\ntwo"),)


def test_a_refusal_quotes_nothing_of_the_note():
    """What is refused is logged by whoever sent it: the words may not carry a patient's story along."""
    for content in (hl7(("HPI", "syphilis\\Q\\")), hl7(("", "syphilis")), hl7(("HPI", "syphilis"), encounter="E2")):
        with pytest.raises(CodedRefusal) as caught:
            read_bundle(bundle(reference(content)))
        assert "syphilis" not in str(caught.value)


@pytest.mark.parametrize("name", ["subject", "author", "context", "content", "identifier", "masterIdentifier"])
@pytest.mark.parametrize("value", ["text", 7, True, ["text"], [[]], {"reference": 7}, {"encounter": "E1"}, [None]])
def test_an_element_of_another_shape_is_refused_or_ignored_and_never_breaks_the_server(name, value):
    if name in ("identifier", "masterIdentifier"):
        assert read_reference(reference() | {name: value}).note_id == ""
    else:
        codes = {"subject": "100", "author": "101", "context": "123", "content": "305"}
        assert refused(bundle(reference() | {name: value}))[0] == codes[name]


def test_data_that_is_not_even_ascii_is_no_base64():
    made = reference() | {"content": [{"attachment": {"contentType": "text/plain", "data": "für"}}]}
    assert refused(bundle(made)) == ("305", "The content has no attachment with data in Base64.")


def test_base64_with_line_breaks_is_refused():
    """ecw.md: no line breaks in the Base64; the sandbox is as strict, so that a sender notices."""
    wrapped = base64.encodebytes(hl7(("HPI", "a" * 200)).encode()).decode()
    made = reference() | {"content": [{"attachment": {"contentType": "text/hl7v2", "data": wrapped}}]}
    assert refused(bundle(made))[0] == "305"


class TestDocumentsBesideTheNote:
    KIND = {"type": {"coding": [{"system": "http://loinc.org", "code": "34109-9"}]}}

    def entry(self, **changes):
        return bundle(reference(b"%PDF", "application/pdf", **{**self.KIND, **changes}))["entry"][0]

    def test_are_those_whose_type_is_no_progress_note(self):
        (beside,) = read_bundle(bundle(reference(b"%PDF", "application/pdf", **self.KIND)))
        (note,) = read_bundle(bundle(reference(b"%PDF", "application/pdf")))
        assert (beside.beside, note.beside) == (True, False)

    def test_may_be_several_in_one_transaction(self):
        posted = read_bundle(bundle() | {"entry": [self.entry(), self.entry()]})
        assert [each.content for each in posted] == [b"%PDF", b"%PDF"]

    def test_do_not_come_together_with_a_note(self):
        assert refused(bundle() | {"entry": [self.entry(), bundle()["entry"][0]]})[0] == "305"

    def test_that_are_hl7_text_are_the_note_whatever_they_call_themselves(self):
        (posted,) = read_bundle(bundle(reference(**self.KIND)))
        assert (posted.beside, len(posted.sections)) == (False, 1)

    def test_may_be_pictures_which_a_note_may_not(self):
        assert read_bundle(bundle(reference(b"x", "image/png", **self.KIND)))[0].content_type == "image/png"
        assert refused(bundle(reference(b"x", "image/png")))[0] == "114"
        assert refused(bundle(reference(b"PK", "application/zip", **self.KIND)))[0] == "114"
