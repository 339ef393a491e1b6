"""Through the running sandbox: one connection's fault leaves the others alone."""

import httpx2
import pytest

from delivery.channels.base import Refused
from tests.channels.test_contract import Clinic, Way, outgoing, running, sandbox, sshd, strike  # noqa: F401

pytestmark = pytest.mark.process


def test_of_two_hl7_senders_one_is_refused(sandbox):  # noqa: F811
    strike(sandbox, "ae", connection="NORTH-APP")
    with Clinic(sandbox, Way("a", "hl7", "openapi", "field"), sending_application="SOUTH-APP") as clinic:
        assert clinic.send(outgoing()) == "AA"
    struck = Clinic(sandbox, Way("a", "hl7", "openapi", "field"), sending_application="NORTH-APP")
    with struck as clinic, pytest.raises(Refused):
        clinic.send(outgoing(control_id="ZZZZZZZZZZZZZZZZZZZZ"))


@pytest.mark.parametrize("whose, struck", [("portal", True), ("another", False)])
def test_of_fhir_clients_the_one_that_is_named(sandbox, whose, struck):  # noqa: F811
    strike(sandbox, "fhir_status", status=403, connection=whose)
    with Clinic(sandbox, Way("f", "fhir", "openapi", "field", {"profile": "clinical-notes"})) as clinic:
        if struck:
            with pytest.raises(Refused):
                clinic.send(outgoing())
        else:
            clinic.send(outgoing())


@pytest.mark.parametrize("whose, status", [("portal", 503), ("another", 200)])
def test_of_clients_that_ask_for_a_token_the_one_that_is_named(sandbox, whose, status):  # noqa: F811
    strike(sandbox, "oauth_server_error", connection=whose)
    form = {
        "grant_type": "client_credentials",
        "client_id": "portal",
        "client_secret": "hush",
        "scope": "system/*.read",
    }
    answer = httpx2.post(f"http://127.0.0.1:{sandbox.http}/oauth2/LAKESI/token", data=form)
    assert answer.status_code == status
