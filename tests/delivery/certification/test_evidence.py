"""What a run leaves behind: artefacts that open and match, a report that is always the same and cannot be altered."""

import base64
import hashlib
import io
import json

import pypdf
import pytest
from django.db import connection, transaction

from audit.checkpoints import opened
from audit.models import AuditEvent
from delivery.certification import bundle, report
from delivery.certification.evidence import open_artefact
from delivery.certification.models import CertificationArtefact, CertificationResult
from delivery.certification.report_pdf import as_pdf
from delivery.models import Delivery
from portal.models import ApiKey, Location, Route
from tests.delivery.certification.conftest import failed, results

FEW = ("connections", "functional.FM-PROGRESS.in_person", "errors.cut_after", "security.audit")


@pytest.fixture
def run(clinic):
    return clinic.certify(*FEW)


def test_everything_a_run_claims_can_be_opened_and_held_against_its_hash(run):
    assert failed(run) == {}
    claims = report.statement(run)
    names = {row["name"]: row["sha256"] for row in claims["artefacts"]}
    for artefact in CertificationArtefact.objects.filter(run=run):
        assert hashlib.sha256(open_artefact(artefact)).hexdigest() == names[artefact.name] == artefact.sha256
    for test in claims["tests"]:
        account = json.loads(open_artefact(results(run)[test["name"]].artefact))
        assert account["passed"] is test["passed"]
        assert account["steps"], test["name"]
        for delivery in account["deliveries"]:
            for piece in delivery["artefacts"]:
                assert names[piece["name"]] == piece["sha256"]
    _the_note_has_its_message_answer_and_read_back(run)
    _the_proofs_lead_to_signed_roots(run)
    _the_report_is_the_same_every_time(run)
    _an_altered_result_is_seen(run)
    _nothing_of_the_run_is_left_open(run)


def _the_note_has_its_message_answer_and_read_back(run):
    account = json.loads(open_artefact(results(run)["functional.FM-PROGRESS.in_person"].artefact))
    [delivery] = account["deliveries"]
    kinds = [piece["name"].partition(delivery["control_id"])[2] for piece in delivery["artefacts"]]
    assert kinds == [".message", ".answer1.json", ".read-back.json"]
    stored = {row.name: row for row in CertificationArtefact.objects.filter(run=run)}
    message = open_artefact(stored[delivery["artefacts"][0]["name"]])
    assert message.startswith(b"MSH|")
    assert delivery["control_id"].encode() in message
    answer = json.loads(open_artefact(stored[delivery["artefacts"][1]["name"]]))
    assert any(line.startswith(f"MSA|AA|{delivery['control_id']}") for line in answer["answer"])
    looked = json.loads(open_artefact(stored[delivery["artefacts"][2]["name"]]))
    assert {row["outcome"] for row in looked} == {"verified"}
    assert all(row["sent"] == row["in_chart"] for row in looked)


def _the_proofs_lead_to_signed_roots(run):
    """Checked here a second time, from RFC 6962's own words."""
    proofs = json.loads(open_artefact(CertificationArtefact.objects.get(run=run, name="audit.json")))
    roots = {opened(note).splitlines()[2] for note in proofs["checkpoints"]}
    assert len(proofs["events"]) > 10
    told = {row["id"] for row in proofs["events"]}
    deliveries = [
        str(key)
        for key in Delivery.objects.filter(note__source_note_id__startswith="cert-").values_list("pk", flat=True)
    ]
    mine = AuditEvent.objects.filter(object_type="delivery", object_id__in=deliveries)
    assert {str(event.pk) for event in mine} <= told
    for row in proofs["events"]:
        joined, index, last = bytes.fromhex(row["leaf"]), row["index"], row["size"] - 1
        for beside in map(base64.b64decode, row["path"]):
            left = index % 2 == 1 or index == last
            joined = hashlib.sha256(b"\1" + (beside + joined if left else joined + beside)).digest()
            while left and index % 2 == 0 and index:
                index, last = index // 2, last // 2
            index, last = index // 2, last // 2
        assert base64.b64encode(joined).decode() in roots


def _the_report_is_the_same_every_time(run):
    assert report.as_json(run) == report.as_json(type(run).objects.get(pk=run.pk))
    assert as_pdf(run) == as_pdf(type(run).objects.get(pk=run.pk))
    assert bundle.as_html(run) == bundle.as_html(type(run).objects.get(pk=run.pk))
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(as_pdf(run))).pages)
    for words in (f"run {run.pk}", "NORTH", "FM-PROGRESS", run.report_sha256):
        assert words.lower() in text.replace("\n", "").lower()
    assert report.is_genuine(run)
    event = AuditEvent.objects.get(event="certification.end", object_id=str(run.pk))
    assert event.detail["report_sha256"] == run.report_sha256


def _an_altered_result_is_seen(run):
    """The rows refuse a change; were one forced past them, the signature would tell."""
    with pytest.raises(Exception, match="insert-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_certificationresult SET says = 'better'")
    run.by = "somebody else"
    assert not report.is_genuine(run)
    run.signature = run.signature[:-6] + "AAAAA="
    assert not report.is_genuine(run)


def _nothing_of_the_run_is_left_open(run):
    location = Location.objects.get(pk=run.location_id)
    assert not ApiKey.objects.filter(scribe__name__startswith="Certification", revoked_at=None).exists()
    [route] = Route.objects.filter(location=location, part="note")
    assert route.connection.name == "NORTH notes (HL7)"
    assert not location.practice.connections.filter(name__startswith="Certification relay", enabled=True).exists()
    assert CertificationResult.objects.filter(run=run).count() == len(FEW)
    assert run.state == "failed", "a run of some tests alone proves nothing as a whole"


def test_a_bundle_holds_the_report_in_three_forms_and_every_artefact(clinic, tmp_path):
    run = clinic.certify("connections", "security.bad_certificate")
    bundle.write(run, tmp_path)
    assert (tmp_path / "report.json").read_bytes() == report.as_json(run)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert "Every connection refused the impostor." in (tmp_path / "report.html").read_text()
    signed = opened((tmp_path / "report.sig").read_text())
    assert hashlib.sha256((tmp_path / "report.json").read_bytes()).hexdigest() in signed
    names = {path.name for path in (tmp_path / "artefacts").iterdir()}
    assert names == {"connections.json", "security.bad_certificate.json"}
