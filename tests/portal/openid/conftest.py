"""A forging sign-in service that the portal is set up with, and the way there and back of one browser."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from django.urls import reverse

from portal.models import GroupRole, Role
from portal.openid import provider
from tests.portal.openid.forging import CLIENT, SECRET, Forger, claims, serve, signed

BACKENDS = ["django.contrib.auth.backends.ModelBackend", "portal.openid.backend.OpenIdBackend"]
METHODS = [{"kind": "redirect", "label": "The clinic's account", "url_name": "portal:openid"}, {"kind": "password"}]


@pytest.fixture
def service(settings):
    """The forger, trusted by the portal as its sign-in service."""
    provider.forget()
    forger = Forger(lambda nonce: signed(claims(forger.issuer, nonce)))
    server = serve(forger)
    settings.OPENID_ISSUER = forger.issuer
    settings.OPENID_CLIENT_ID, settings.OPENID_CLIENT_SECRET = CLIENT, SECRET
    settings.AUTHENTICATION_BACKENDS, settings.SIGN_IN_METHODS = BACKENDS, METHODS
    yield forger
    server.shutdown()
    server.server_close()
    provider.forget()


@pytest.fixture
def operators(cast):
    """The group of NORTH's operators."""
    return GroupRole.objects.create(
        practice=cast.practice, group="north-operators", location=cast.north, role=Role.OPERATOR
    )


def gone(client, **query):
    """Begin: what the browser is sent to the service with."""
    answer = client.get(reverse("portal:openid"), query)
    assert answer.status_code == 302, answer.content.decode()[:500]
    return dict(parse_qsl(urlsplit(answer.url).query))


def there_and_back(client, service, **query):
    """The whole way; the answer to the last step. `query` replaces what comes back in the address."""
    asked = gone(client)
    service.nonce = asked["nonce"]
    return client.get(reverse("portal:openid-callback"), {"code": "a-code", "state": asked["state"], **query})
