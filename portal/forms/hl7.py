"""The settings of an HL7 connection; docs/channels/hl7.md says what each changes in a message."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.forms.tls import TLS_FIELDS, TlsForm
from portal.models import Connection, ConnectionKind, Environment, Practice
from portal.targets import check_target

VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1")
ACK_MODES = {
    "original": "Original: one answer, AA, AE or AR (MSH-15 and MSH-16 empty)",
    "enhanced": "Enhanced: CA, CE or CR first, then AA, AE or AR (MSH-15 and MSH-16 AL)",
}
PROCESSING_ID = {Environment.SANDBOX: "T", Environment.PRODUCTION: "P"}  # HL7 table 0103
# Receivers route on these fields raw: what would need escaping (HL7 v2.5.1, 2.7) is refused.
NOT_IN_HEADER = re.compile(r"[|^~\\&\x00-\x1f\x7f\ud800-\udfff]")


def header_text(value: str) -> None:
    """A text that may stand in a message header as it is."""
    if NOT_IN_HEADER.search(value):
        raise ValidationError("This must not contain | ^ ~ \\ & or control characters.")


def _header(label: str, help_text: str, *, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=required, max_length=180, validators=[header_text]
    )


def _whole(label: str, least: int, most: int, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, **more)


class Hl7Form(TlsForm):
    """HL7 v2 over MLLP: where it listens, how it is encrypted, what the header says."""

    kind = ConnectionKind.HL7_MLLP
    assumed = frozenset(
        {"receiving_application", "receiving_facility", "version", "ack_mode"}
        | {"document_code", "document_field", "document_form"}
    )
    wide = frozenset({"name", "ca_pem"})
    sections = (
        ("", "", ("name", "environment", "enabled")),
        ("Where it listens", "", ("host", "port", "sockets", "ack_seconds")),
        (
            "Encryption",
            "TLS 1.2 or newer; the receiver's certificate and name are always checked.",
            ("tls", "vpn", "server_name", *TLS_FIELDS),
        ),
        (
            "Message header",
            "As agreed with eClinicalWorks for this interface.",
            (
                "sending_application",
                "sending_facility",
                "receiving_application",
                "receiving_facility",
                "version",
                "ack_mode",
            ),
        ),
        (
            "Documents",
            "How files attached to a note are named and spelled, as agreed with eClinicalWorks.",
            ("document_code", "document_field", "document_form"),
        ),
        (
            "Probe",
            "A probe sends one synthetic note twice and looks at the chart. In production it needs a test patient that "
            "eCW keeps for such purposes; in the sandbox none.",
            ("test_patient_id", "test_encounter_id"),
        ),
    )

    host = forms.CharField(max_length=253, help_text="Name or address of the interface.")
    port = _whole("Port", 1, 65535)
    sockets = _whole("Parallel connections", 1, 16, initial=2, help_text="Notes of one encounter always stay in order.")
    ack_seconds = _whole("Wait for an answer", 5, 60, initial=30, help_text="Seconds; then the outcome is unknown.")
    tls = forms.BooleanField(label="Encrypt with TLS", required=False, initial=True)
    vpn = forms.BooleanField(
        label="A VPN or point-to-point link carries this connection",
        required=False,
        help_text="Needed in production where TLS is off.",
    )
    server_name = forms.CharField(
        label="Name in the certificate", required=False, max_length=253, help_text="If it differs from the host."
    )
    sending_application = _header("Sending application", "MSH-3")
    sending_facility = _header("Sending facility", "MSH-4")
    receiving_application = _header("Receiving application", "MSH-5")
    receiving_facility = _header("Receiving facility", "MSH-6: names the location at eCW.", required=True)
    version = forms.ChoiceField(label="HL7 version", choices=[(each, each) for each in VERSIONS], help_text="MSH-12")
    ack_mode = forms.ChoiceField(label="Acknowledgement", choices=list(ACK_MODES.items()))
    document_code = _header("Code of documents", "OBR-4. Empty: DOCUMENT")
    document_field = _header("Field of documents", "OBX-3. Empty: DOCUMENT")
    document_form = forms.ChoiceField(
        label="Spelling of a document's type",
        required=False,
        choices=[
            ("mime", "application^pdf: its media type, in two"),
            ("table", "AP^PDF: by HL7's tables 0191 and 0291, as far as they go"),
            ("short", "^PDF: the subtype alone"),
        ],
        help_text="OBX-5",
    )
    test_patient_id = _header("Test patient", "PID-3. Never a real patient.")
    test_encounter_id = _header("Test encounter", "PV1-19")

    def __init__(self, practice: Practice, connection: Connection | None, data: Any = None) -> None:
        super().__init__(practice, connection, data)
        usual = {
            "sending_application": "SCRIBEPORT",
            "receiving_application": "ECW",
            "version": "2.5.1",
            "ack_mode": "original",
        }
        self.initial = {**usual, "tls": connection is None, **self.initial}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "host" in cleaned and "port" in cleaned:
            self.check_reachable("host", lambda: check_target(cleaned["host"], cleaned["port"]))
        if self.production and not (cleaned.get("tls") or cleaned.get("vpn")):
            self.add_error("tls", "Production needs TLS, or a VPN or point-to-point link that you state below.")
        return cleaned

    def settings(self) -> dict[str, Any]:
        chosen = self.connection.environment if self.connection else self.cleaned_data["environment"]
        return {**super().settings(), "processing_id": PROCESSING_ID[Environment(chosen)]}
