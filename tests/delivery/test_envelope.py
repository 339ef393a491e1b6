"""What stands around a message: where it goes, headers without a secret, MSH by name, and an answer with its headers."""

import httpx2
import pytest

from delivery.channels.rest import as_kept
from delivery.contents import lines
from delivery.envelope import MSH, msh, request_of
from portal.models import Connection, ConnectionKind

HL7 = [r"MSH|^~\&|SCRIBE|CLINIC|ECW||20260319||ORU^R01|C1|P|2.3", "PID|1||P1001||Okafor^Lena"]


def told(kind: str, **settings) -> dict[str, str]:
    return dict(request_of(Connection(kind=kind, settings=settings), "application/x"))


def test_the_fields_of_msh_have_the_standards_names_and_nothing_of_the_patient_is_among_them():
    shown = {one.address: (one.name, one.value) for one in msh("application/hl7-v2", HL7)}
    assert shown["MSH-3"] == ("Sending application", "SCRIBE")
    assert shown["MSH-9"] == ("Message type", "ORU R01")
    assert shown["MSH-10"] == ("Control id", "C1")
    assert "MSH-6" not in shown, "empty"
    assert not any("Okafor" in value for _, value in shown.values())
    assert list(MSH) == [f"MSH-{number}" for number in range(1, 22)]


@pytest.mark.parametrize("kind, content", [("application/fhir+json", ["{}"]), ("application/hl7-v2", ["PID|1"])])
def test_what_has_no_msh_shows_none(kind, content):
    assert msh(kind, content) == []


def test_a_post_says_its_address_and_its_headers_and_withholds_the_token():
    fhir = told("fhir", base_url="https://fhir.example.org/r4/ABC/")
    assert fhir["POST"] == "https://fhir.example.org/r4/ABC"
    assert (fhir["Authorization"], fhir["Expect"], fhir["Content-Type"]) == (
        "Bearer withheld",
        "100-continue",
        "application/x",
    )
    assert "Expect" not in told("fhir", base_url="https://x", expect_continue=False)
    openapi = told("openapi", base_url="https://api.example.org", practice_code="A B")
    assert openapi["POST"] == "https://api.example.org/openapi/v1/A%20B/progress-notes"
    assert openapi["Authorization"] == "Bearer withheld"


def test_mllp_says_whether_it_is_encrypted():
    assert told("hl7", host="ecw", port=2575, tls=True)["Encryption"] == "TLS"
    assert told("hl7", host="ecw", port=2575)["MLLP to"] == "ecw:2575"
    assert told("hl7", vpn=True)["Encryption"] == "none; a VPN carries it"
    assert told("hl7")["Encryption"] == "none"


@pytest.mark.parametrize("kind", ConnectionKind.values)
def test_every_way_is_told_even_where_its_settings_are_empty_or_wrong(kind):
    assert told(kind)
    assert request_of(Connection(kind=kind, settings={"host": 7, "base_url": [], "folder": None}), "") is not None
    assert request_of(None, "") == []


def test_no_secret_of_a_connection_is_told():
    for kind in ConnectionKind.values:
        settings = {"token": "T-123", "password": "T-123", "client_secret": "T-123", "private_key": "T-123"}
        assert "T-123" not in str(told(kind, **settings))


def test_an_answer_is_kept_with_its_status_and_headers_and_without_cookies():
    answer = httpx2.Response(
        201, headers={"Location": "/x/1", "Set-Cookie": "s=secret", "X-Long": "y" * 900}, content=b'{"a": 1}'
    )
    kept = lines(as_kept(answer))
    assert kept[0] == "HTTP 201"
    assert "location: /x/1" in [line.lower() for line in kept]
    assert "secret" not in "".join(kept)
    assert max(map(len, kept)) < 400
    assert kept[-2:] == ("", '{"a": 1}')
