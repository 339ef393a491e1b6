"""Whose message or call is at hand: the connection that a fault may be limited to.

An HL7 sender is known by its application (MSH-3), a FHIR or OAuth client by its client id, the Open API by its token.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from contextvars import ContextVar

at_hand: ContextVar[str] = ContextVar("at_hand", default="")


def claimed(header: str, form: Mapping[str, str]) -> str:
    """The client id that a call to the token endpoint says it is of, proven or not."""
    try:
        if header.startswith("Basic "):
            return base64.b64decode(header[6:]).decode().partition(":")[0]
        assertion = form.get("client_assertion", "").split(".")
        if len(assertion) == 3:
            body = json.loads(base64.urlsafe_b64decode(assertion[1] + "=" * (-len(assertion[1]) % 4)))
            return str(body.get("iss", "")) if isinstance(body, dict) else ""
    except (ValueError, binascii.Error):
        return ""
    return form.get("client_id", "")
