"""One contract for every way into eCW, each against the simulated eCW in a process of its own.

A way renders the golden note, refuses what it cannot express before a socket opens, is read back section by section,
and turns every fault of the receiver into the one error that decides rightly what happens next.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from lxml import etree

from delivery.channels.base import CannotExpress, Chart, ChartNote, NoAnswer, OutgoingNote, Refused, Unavailable
from delivery.channels.compare import ReadBack, compare
from delivery.channels.registry import channel_for, reader_for
from delivery.failures import CATALOGUE
from mapping.note import Contribution, FieldValue
from tests.channels.fhir_notes import Given, here
from tests.channels.notes import CONTROL_ID, NASTY, OTHER_ID, note
from tests.channels.sshd import Sshd
from tests.sandbox.desk import Process

pytestmark = [pytest.mark.process, pytest.mark.alike]  # channels know no database
CDA = {"hl7": "urn:hl7-org:v3"}

FIELDS = [
    ("NF-01", "Chief Complaint", 1),
    ("NF-02", "HPI", 2),
    ("NF-04", "Examination", 4),
    ("NF-06", "Treatment Plan", 6),
]
TEXTS = [
    "Cough for nine days.",
    "Dry cough, worse at night.\n• no fever\n\nTook honey & lemon.",
    "Lungs clear | SpO2 98 % ^ ~ \\ ok",
    "1) Fluids\n2) Return – if worse",
]
SCOPES = ["system/DocumentReference.write", "system/*.read"]


@dataclass(frozen=True)
class Way:
    """One way in, and the reader that proves it."""

    name: str
    kind: str
    reader: str
    grade: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def http(self) -> bool:
        return self.kind != "hl7"


def document(form: str) -> dict[str, Any]:
    return {"profile": "document", "document_form": form}


WAYS = [
    Way("hl7", "hl7", "openapi", "field"),
    Way("hl7-2.3-enhanced", "hl7", "openapi", "field", {"version": "2.3", "ack_mode": "enhanced"}),
    Way("openapi", "openapi", "openapi", "field"),
    Way("clinical-notes", "fhir", "openapi", "field", {"profile": "clinical-notes"}),
    Way("clinical-notes-by-fhir", "fhir", "fhir", "section", {"profile": "clinical-notes"}),
    Way("document-text", "fhir", "fhir", "section", document("text")),
    Way("document-ccda", "fhir", "fhir", "section", document("ccda")),
    Way("document-pdf", "fhir", "fhir", "document", document("pdf")),
    Way("ccda-folder", "ccda-folder", "partner", "section"),
    Way("ccda-sftp", "ccda-sftp", "partner", "section"),
]
BY_FIELD = [way for way in WAYS if way.grade == "field"]
HTTP = [way for way in WAYS if way.name in ("openapi", "clinical-notes", "document-text")]
PROVEN = [way for way in WAYS if way.grade != "document"]
READ_BY_ECW = [way for way in WAYS if way.reader != "partner"]
every = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    process = Process(tmp_path_factory.mktemp("sandbox"))
    yield process
    assert process.stop() == 0


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture
def sandbox(running, sshd):
    running.sshd = sshd
    for path in sshd.directory.iterdir():
        path.unlink()
    running.api("POST", "/reset")
    running.clinics()
    running.api("PUT", "/practices/LAKESI", {"facility": "NORTH", "template": "FM-PROGRESS", "per_minute": 5000})
    running.api("PUT", "/apps/portal", {"secret": "hush", "scopes": SCOPES})
    return running


def token(sandbox: Process) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": "portal",
        "client_secret": "hush",
        "scope": " ".join(SCOPES),
    }
    answer = httpx2.post(f"http://127.0.0.1:{sandbox.http}/oauth2/LAKESI/token", data=form)
    return str(answer.json()["access_token"])


class Partner:
    """Reads the documents that were left, as somebody would who has not read our code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, visit: Any) -> Chart:
        found = [self._document(path) for path in sorted(self.folder.glob("*.xml"))]
        return Chart(tuple(filing for filing, encounter in found if encounter == visit.encounter_id), {}, "section")

    def _document(self, path: Path) -> tuple[ChartNote, str]:
        root = etree.parse(str(path)).getroot()
        at = root.find("hl7:componentOf/hl7:encompassingEncounter/hl7:id", CDA)
        texts = root.iterfind(".//hl7:section/hl7:text", CDA)
        for line in root.iterfind(".//hl7:br", CDA):
            line.tail = "\n" + (line.tail or "")
        text = "\n\n".join("".join(each.itertext()) for each in texts)
        return ChartNote(path.stem, {}, text), at.get("extension") if at is not None else ""

    def close(self) -> None: ...


class Clinic:
    """A location's sending and reading connections, opened to the sandbox."""

    def __init__(self, sandbox: Process, way: Way, **changes: Any) -> None:
        base = f"http://127.0.0.1:{sandbox.http}"
        tokens = Given(token(sandbox))
        kinds = {
            "hl7": ({"host": "127.0.0.1", "port": sandbox.mllp, "receiving_facility": "NORTH", "ack_seconds": 0.5}, {}),
            "openapi": (
                {"base_url": base, "practice_code": "LAKESI", "facility": "NORTH", "read_seconds": 1},
                {"token": "sandbox-token"},
            ),
            "fhir": (
                {
                    "base_url": f"{base}/fhir/r4/LAKESI",
                    "client_id": "portal",
                    "client_auth": "client_secret_basic",
                    "call_seconds": 1,
                    "expect_continue": False,
                },
                {"client_secret": "hush"},
            ),
            **files(sandbox, way),
        }
        settings, secrets = kinds[way.kind]
        self.channel = channel_for(
            way.kind, {**settings, **way.settings, **changes}, secrets, "sandbox", here, credentials=tokens
        )
        if way.reader == "partner":
            self.reader: Any = Partner(sandbox.sshd.directory)
            return
        settings, secrets = kinds[way.reader]
        self.reader = reader_for(way.reader, {**settings, **changes}, secrets, "sandbox", here, credentials=tokens)

    def __enter__(self) -> "Clinic":
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        self.reader.close()

    def send(self, made: OutgoingNote) -> str:
        return self.channel.send(self.channel.render(made), made.control_id).code

    def look(self, made: OutgoingNote) -> ReadBack:
        return compare(made.values, self.reader.read(made.visit), made.control_id)


def files(sandbox: Process, way: Way) -> dict[str, Any]:
    """A folder and an SFTP server's directory, which are the same one here."""
    server = sandbox.sshd
    if way.kind == "ccda-sftp" and server.process is None:
        server.start()
    folder = {"folder": str(server.directory), "allowed_folders": [str(server.folder)]}
    return {"ccda-folder": (folder, {}), "ccda-sftp": (server.settings(), server.secrets())}


def outgoing(*texts: str, **changes: Any) -> OutgoingNote:
    filled = tuple(
        FieldValue(field_id, label, place, text, (Contribution(place, field_id.lower(), label, text),))
        for (field_id, label, place), text in zip(FIELDS, texts or TEXTS, strict=False)
    )
    return note(values=filled, **changes)


def strike(sandbox: Process, kind: str, **how: Any) -> None:
    sandbox.api("PUT", "/faults", {"seed": 0, "faults": [{"kind": kind, **how}]})


def outcomes(back: ReadBack) -> dict[str, str]:
    return {section.field_id: section.outcome for section in back.sections}


@every
class TestEveryWay:
    def test_delivers_the_golden_note_and_proves_it_as_far_as_it_says(self, sandbox, way):
        made = outgoing("Cough.", "Dry cough.", "Lungs clear.", "Fluids.")
        with Clinic(sandbox, way) as clinic:
            assert not clinic.look(made).found
            clinic.send(made)
            back = clinic.look(made)
            assert back.found
            assert back.grade == way.grade
            assert back.verified == (way.grade != "document")

    def test_renders_equal_bytes_for_equal_notes(self, sandbox, way):
        with Clinic(sandbox, way) as clinic:
            made = outgoing("Cough.", "Dry cough.", "Lungs clear.", "Fluids.")
            assert clinic.channel.render(made) == clinic.channel.render(made)

    @pytest.mark.parametrize(
        "reason, broken",
        [
            ("hl7_nothing_to_send", ()),
            ("hl7_empty_value", (FieldValue("NF-01", "Chief Complaint", 1, "  ", ()),)),
            ("hl7_field_twice", (FieldValue("NF-01", "A", 1, "a", ()), FieldValue("NF-01", "B", 2, "b", ()))),
            ("obx_order", (FieldValue("NF-02", "A", 2, "a", ()), FieldValue("NF-01", "B", 1, "b", ()))),
        ],
    )
    def test_refuses_what_no_chart_may_get_before_a_socket_opens(self, sandbox, way, reason, broken):
        with Clinic(sandbox, way) as clinic, pytest.raises(CannotExpress, match=reason):
            clinic.channel.render(note(values=broken))
        assert sandbox.filings() == []

    def test_puts_no_text_of_the_note_into_an_exception(self, sandbox, way):
        with Clinic(sandbox, way) as clinic, pytest.raises(CannotExpress) as caught:
            clinic.channel.render(outgoing("secret \ud800 words"))
        assert "secret" not in str(caught.value)
        assert caught.value.__context__ is None

    def test_sends_two_notes_of_one_visit_and_finds_each_by_its_identity(self, sandbox, way):
        first = outgoing("First.", "One.", "Two.", "Three.")
        second = outgoing("Other.", "Four.", "Five.", "Six.", control_id=OTHER_ID, note_id="0198-other")
        with Clinic(sandbox, way) as clinic:
            clinic.send(first)
            assert not clinic.look(second).found
            clinic.send(second)
            assert clinic.look(second).found
            assert clinic.look(first).found

    def test_sends_the_same_bytes_again_without_a_second_text_in_a_file(self, sandbox, way):
        made = outgoing("Cough.", "Dry cough.", "Lungs clear.", "Fluids.")
        with Clinic(sandbox, way) as clinic:
            clinic.send(made)
            clinic.send(made)
            assert clinic.look(made).found
        if way.reader == "partner":
            assert len(list(sandbox.sshd.directory.iterdir())) == 1


@pytest.mark.parametrize("way", READ_BY_ECW, ids=lambda way: way.name)
class TestAReader:
    def test_an_expired_token_or_dead_server_while_reading_never_says_not_there(self, sandbox, way):
        made = outgoing("Cough.", "Dry cough.", "Lungs clear.", "Fluids.")
        with Clinic(sandbox, way) as clinic:
            clinic.send(made)
            for kind in ("read_unauthorized", "read_http_500"):
                strike(sandbox, kind)
                with pytest.raises(Unavailable) as caught:
                    clinic.look(made)
                assert caught.value.reason_code in CATALOGUE


@pytest.mark.parametrize("way", PROVEN, ids=lambda way: way.name)
def test_every_difficult_text_comes_back_identical(sandbox, way):
    with Clinic(sandbox, way) as clinic:
        for number, text in enumerate([*NASTY, *TEXTS]):
            made = outgoing("Plain words.", text, control_id=f"T{number:019}", note_id=f"t{number}")
            made = replace(made, visit=replace(made.visit, encounter_id=f"T-{number}"))
            clinic.send(made)
            assert clinic.look(made).verified, text


@pytest.mark.parametrize("way", BY_FIELD, ids=lambda way: way.name)
class TestAFaultBehindAPositiveAnswer:
    def test_a_section_dropped_in_silence_is_missing(self, sandbox, way):
        strike(sandbox, "silent_drop", field_id="NF-02")
        with Clinic(sandbox, way) as clinic:
            clinic.send(outgoing())
            back = clinic.look(outgoing())
            assert outcomes(back) == {"NF-01": "verified", "NF-02": "missing", "NF-04": "verified", "NF-06": "verified"}
            assert not back.verified

    def test_a_section_moved_is_found_where_it_went(self, sandbox, way):
        strike(sandbox, "move_field", **{"from": "NF-02", "to": "NF-03"})
        with Clinic(sandbox, way) as clinic:
            clinic.send(outgoing())
            back = clinic.look(outgoing())
            assert outcomes(back)["NF-02"] == "moved"
            assert back.sections[1].found_in == "NF-03"

    def test_a_section_cut_short_is_altered(self, sandbox, way):
        strike(sandbox, "truncate", field_id="NF-04", length=7)
        with Clinic(sandbox, way) as clinic:
            clinic.send(outgoing())
            assert outcomes(clinic.look(outgoing()))["NF-04"] == "altered"

    def test_a_note_filed_twice_is_duplicated(self, sandbox, way):
        strike(sandbox, "duplicate_filing")
        with Clinic(sandbox, way) as clinic:
            clinic.send(outgoing())
            assert set(outcomes(clinic.look(outgoing())).values()) == {"duplicated"}


# fault, its settings, the error, and whether the note stands in the chart all the same
OVER_HTTP = [
    ("fhir_status", {"status": 503}, NoAnswer, False),
    ("fhir_status", {"status": 403}, Refused, False),
    ("fhir_status", {"status": 404}, (Refused, Unavailable), False),
    ("fhir_status", {"status": 429}, Unavailable, False),
    ("fhir_code", {"code": "139"}, Refused, False),
    ("fhir_code", {"code": "2027"}, Refused, False),
    ("fhir_unauthorized", {}, Unavailable, False),
    ("fhir_login_page", {}, NoAnswer, False),
    ("fhir_no_answer", {}, NoAnswer, False),
    ("fhir_error_filed", {"status": 500}, NoAnswer, True),
    ("fhir_cut_filed", {}, NoAnswer, True),
    ("fhir_slow", {"seconds": 1.6}, NoAnswer, True),
]


@pytest.mark.parametrize("way", HTTP, ids=lambda way: way.name)
@pytest.mark.parametrize("kind, how, error, filed", OVER_HTTP, ids=lambda value: str(value) if value else "")
def test_every_fault_of_an_http_receiver_becomes_the_error_that_decides_rightly(sandbox, way, kind, how, error, filed):
    strike(sandbox, kind, **how)
    with Clinic(sandbox, way) as clinic:
        with pytest.raises(error) as caught:
            clinic.send(outgoing())
        assert caught.value.reason_code in CATALOGUE
        assert clinic.look(outgoing()).found is filed


OVER_MLLP = [
    ("ae", {"text": "no"}, Refused, False),
    ("ar", {"text": "no"}, Refused, False),
    ("drop_ack", {}, NoAnswer, True),
    ("delay_ack", {"seconds": 1.5}, NoAnswer, True),
    ("cut_after_file", {}, NoAnswer, True),
    ("endless_ack", {}, NoAnswer, True),
    ("no_file_no_ack", {}, NoAnswer, False),
    ("cut_before_file", {}, NoAnswer, False),
]


@pytest.mark.parametrize("kind, how, error, filed", OVER_MLLP, ids=lambda value: str(value) if value else "")
def test_every_fault_of_an_mllp_receiver_becomes_the_error_that_decides_rightly(sandbox, kind, how, error, filed):
    strike(sandbox, kind, **how)
    with Clinic(sandbox, WAYS[0]) as clinic:
        with pytest.raises(error) as caught:
            clinic.send(outgoing())
        assert caught.value.reason_code in CATALOGUE
        assert clinic.look(outgoing()).found is filed


@pytest.mark.parametrize("way", BY_FIELD, ids=lambda way: way.name)
class TestAVisitThatMayNotBeWritten:
    def test_a_locked_encounter_is_refused_and_its_reason_is_known(self, sandbox, way):
        sandbox.api("PUT", "/facilities/NORTH/encounters/E5001", {"signed": True})
        with Clinic(sandbox, way) as clinic, pytest.raises(Refused) as caught:
            clinic.send(outgoing())
        assert caught.value.reason_code in ("ae", "ecw_139")

    def test_another_patients_encounter_is_refused(self, sandbox, way):
        made = outgoing(control_id=OTHER_ID)
        other = replace(made.visit, patient=replace(made.visit.patient, id="P2002"))
        with Clinic(sandbox, way) as clinic:
            clinic.send(outgoing())
            with pytest.raises(Refused) as caught:
                clinic.send(replace(made, visit=other))
        assert caught.value.reason_code in ("ae", "ecw_303")
        assert [row["control_id"] for row in sandbox.filings()] == [CONTROL_ID]
