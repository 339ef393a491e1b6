"""What every connection over TLS has: whom it trusts, and how it proves who it is."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from portal import certificates
from portal.forms.connections import ConnectionForm
from portal.forms.widgets import SecretTextarea
from portal.models import Connection, Practice

CLIENT = ("client_cert_pem", "client_key_pem")
TLS_FIELDS = ("ca_pem", *CLIENT, "remove_client", "relaxed_x509")


class TlsForm(ConnectionForm):
    """Certificates are checked when they are typed, not when the first note is due."""

    secret_fields: ClassVar[tuple[str, ...]] = CLIENT

    ca_pem = forms.CharField(
        label="Certificate authority",
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 5, "class": "mono", "spellcheck": "false"}),
        help_text="PEM. Empty: the authorities this system trusts.",
    )
    client_cert_pem = forms.CharField(
        label="Client certificate", required=False, max_length=100_000, widget=SecretTextarea
    )
    client_key_pem = forms.CharField(label="Client key", required=False, max_length=100_000, widget=SecretTextarea)
    remove_client = forms.BooleanField(label="Remove the client certificate and its key", required=False)
    relaxed_x509 = forms.BooleanField(
        label="Accept certificates that break RFC 5280 in form",
        required=False,
        help_text="Some interface engines make such; chain, dates and name are checked all the same.",
    )

    def __init__(self, practice: Practice, connection: Connection | None, data: Any = None) -> None:
        super().__init__(practice, connection, data)
        if not connection or "client_cert_pem" not in connection.secrets():
            del self.fields["remove_client"]

    def clean_ca_pem(self) -> str:
        pem: str = self.cleaned_data["ca_pem"].strip()
        try:
            if pem:
                certificates.read(pem)
        except certificates.Unusable as wrong:
            raise ValidationError(str(wrong)) from None
        return pem

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._check_client()
        return cleaned

    def _check_client(self) -> None:
        certificate, key = self.cleaned_data.get("client_cert_pem", ""), self.cleaned_data.get("client_key_pem", "")
        if bool(certificate) != bool(key):
            self.add_error("client_cert_pem", "Give the certificate and its key together.")
        elif certificate:
            try:
                certificates.check_pair(certificate, key)
            except certificates.Unusable as wrong:
                self.add_error("client_cert_pem", str(wrong))

    def secrets(self) -> dict[str, str | None]:
        removed = CLIENT if self.cleaned_data.get("remove_client") else ()
        return {**super().secrets(), **dict.fromkeys(removed)}

    def settings(self) -> dict[str, Any]:
        return {name: value for name, value in super().settings().items() if name != "remove_client"}
