"""The connection test against the simulated eCW itself: each step is made to fail there, and is the one that is named."""

import html

import pytest
from django.test import Client
from django.urls import reverse

from delivery.connection_steps import FAILED, NOT_REACHED, PASSED, STEPS, examine
from delivery.failures import CATALOGUE
from delivery.oauth import endpoints
from portal.models import Connection
from tests.delivery.fhir import PRACTICE, fhir_connection, register, words
from tests.delivery.test_connection_steps import changed, free_port

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = "no-such-host.invalid"


def http(ecw, scheme: str = "http", host: str = "127.0.0.1", port: int = 0) -> str:
    return f"{scheme}://{host}:{port or ecw.process.http}"


def openapi(ecw, cast, step: str) -> Connection:
    own = cast.reader
    match step:
        case "name":
            return changed(own, base_url=http(ecw, host=NOBODY))
        case "network":
            return changed(own, base_url=http(ecw, port=free_port()))
        case "tls":
            return changed(own, base_url=http(ecw, "https"))
        case "sign_in":
            return changed(own, {"token": "yesterdays"})
        case "rate":
            ecw.fault("read_rate_limit", per_minute=0)
        case "content":
            return changed(own, facility="NOWHERE")
    return own


def fhir(ecw, cast, step: str) -> Connection:
    endpoints._kept.clear()
    own = fhir_connection(cast, http(ecw))
    register(ecw.process, own, **({"scopes": ["system/DocumentReference.read"]} if step == "scope" else {}))
    base = f"/fhir/r4/{PRACTICE}"
    match step:
        case "name":
            return changed(own, base_url=http(ecw, host=NOBODY) + base)
        case "network":
            return changed(own, base_url=http(ecw, port=free_port()) + base)
        case "tls":
            return changed(own, base_url=http(ecw, "https") + base)
        case "sign_in":
            return changed(own, client_id="nobody-registered-this")
        case "rate":
            ecw.process.api("PUT", f"/practices/{PRACTICE}", {"per_minute": 0})
        case "content":
            token = http(ecw) + f"/oauth2/{PRACTICE}/token"
            return changed(own, base_url=http(ecw) + f"/openapi/v1/{PRACTICE}", token_url=token)
    return own


def hl7(ecw, cast, step: str) -> Connection:
    how = {"name": {"host": NOBODY}, "network": {"port": free_port()}, "tls": {"tls": True}}
    return changed(cast.hl7, **how.get(step, {}))


CASES = [
    *((openapi, step) for step in ("name", "network", "tls", "sign_in", "rate", "content")),
    *((fhir, step) for step in ("name", "network", "tls", "sign_in", "scope", "rate", "content")),
    *((hl7, step) for step in ("name", "network", "tls")),
]


@pytest.mark.parametrize(("way", "step"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_the_step_that_fails_is_the_one_that_is_named(ecw, cast, way, step):
    steps = examine(way(ecw, cast, step))
    failed = [one for one in steps if one.outcome == FAILED]
    assert [one.key for one in failed] == [step], steps
    assert failed[0].reason_code in CATALOGUE
    after = steps[list(STEPS).index(step) + 1 :]
    assert FAILED not in {one.outcome for one in after}
    assert {one.outcome for one in after} <= {NOT_REACHED, PASSED}, "what could still be seen is shown"


@pytest.mark.parametrize("way", [openapi, fhir, hl7])
def test_untouched_every_step_passes(ecw, cast, way):
    assert not [one for one in examine(way(ecw, cast, "")) if one.outcome in (FAILED, NOT_REACHED)]


@pytest.mark.parametrize(("way", "step"), [(openapi, "sign_in"), (fhir, "scope"), (hl7, "network")])
def test_the_page_names_the_step_the_reason_and_what_to_do(ecw, cast, way, step):
    own = way(ecw, cast, step)
    dana = Client()
    dana.force_login(cast.dana)
    dana.post(reverse("delivery:test-connection", args=[own.pk]))
    shown = html.unescape(words(dana.get(reverse("portal:connection", args=[own.pk])).content.decode()))
    assert f"The test stopped at: {STEPS[step]}." in shown
    (failed,) = [one for one in examine(own) if one.outcome == FAILED]
    assert CATALOGUE[failed.reason_code].todo in shown
