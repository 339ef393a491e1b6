"""The settings of an Open API connection, checked once and then frozen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from delivery.channels.hl7_settings import PROCESSING_IDS
from delivery.channels.setting_values import seconds, text, yes_or_no

_TOKEN = re.compile(r"[\x21-\x7e]+")  # what may stand in a header (RFC 6750 allows less)


@dataclass(frozen=True)
class OpenApiSettings:
    """Where and as whom notes are written and charts read. `read_seconds` is the deadline of a whole call."""

    base_url: str
    practice_code: str
    facility: str
    token: str = field(repr=False)
    read_seconds: float = 15.0
    ca_pem: str = ""
    relaxed_x509: bool = False
    texts_choose_template: bool = False  # no call of its own has the visit's note made of its template before them
    client_cert_pem: str = field(default="", repr=False)
    client_key_pem: str = field(default="", repr=False)

    @property
    def notes_url(self) -> str:
        """Where notes are written: the encounter stands in the body, out of everybody's access logs."""
        return f"{self.base_url}/openapi/v1/{quote(self.practice_code, safe='')}/progress-notes"

    @property
    def templates_url(self) -> str:
        """Where a visit's note is made of a template; the encounter stands in the body here too."""
        return f"{self.base_url}/openapi/v1/{quote(self.practice_code, safe='')}/visit-templates"

    def post_headers(self) -> dict[str, str]:
        """What a note or a template is posted with, beside its content type."""
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}

    def note_url(self, encounter_id: str) -> str:
        """Where what stands in the chart of a visit is read."""
        practice, encounter = quote(self.practice_code, safe=""), quote(encounter_id, safe="")
        return f"{self.base_url}/openapi/v1/{practice}/encounters/{encounter}/progress-note"

    @classmethod
    def read(cls, settings: Mapping[str, Any], secrets: Mapping[str, str], environment: str) -> "OpenApiSettings":
        """From a Connection's settings and opened secrets; ValueError says in plain words what is wrong."""
        made = cls(
            base_url=_base_url(text(settings, "base_url").strip(), environment),
            practice_code=text(settings, "practice_code").strip(),
            facility=text(settings, "facility").strip(),
            token=text(secrets, "token").strip(),
            read_seconds=seconds(settings, "read_seconds", 15.0, most=60.0),
            ca_pem=text(settings, "ca_pem"),
            relaxed_x509=yes_or_no(settings, "relaxed_x509"),
            texts_choose_template=yes_or_no(settings, "texts_choose_template"),
            client_cert_pem=text(secrets, "client_cert_pem"),
            client_key_pem=text(secrets, "client_key_pem"),
        )
        if made.practice_code in ("", ".", ".."):  # a step in an address, which quoting leaves as it is
            raise ValueError("Practice code is missing.")
        if not made.facility:
            raise ValueError("Facility is missing: it names the location at eCW.")
        if not _TOKEN.fullmatch(made.token):
            raise ValueError("The token is missing, or holds characters that no token has.")
        if bool(made.client_cert_pem) != bool(made.client_key_pem):
            raise ValueError("A client certificate needs its key, and a client key its certificate.")
        return made


def _base_url(url: str, environment: str) -> str:
    """Without a slash at its end."""
    if environment not in PROCESSING_IDS:
        raise ValueError(f"Environment must be one of {', '.join(PROCESSING_IDS)}.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("The base address is not an address of a web service.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or re.search(r"[\s\\\x00-\x1f\x7f]", url):
        raise ValueError("The base address must begin with https:// and name a host.")
    if parts.scheme == "http" and environment == "production":
        raise ValueError("A production chart is read by https:// only.")
    if parts.username is not None or "?" in url or "#" in url:
        raise ValueError("The base address must not carry a user name, ? or #.")
    return url.rstrip("/")
