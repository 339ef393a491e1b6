"""NUL in an address or a form is refused plainly, on both databases alike."""

import pytest


@pytest.mark.parametrize("address", ["/?location=%00", "/deliveries/?provider=a%00b", "/?a=1&b=%00", "/no%00page/"])
def test_an_address_with_nul_is_a_bad_request(client, cast, address):
    client.force_login(cast.dana)
    assert client.get(address).status_code == 400


def test_a_form_with_nul_is_a_bad_request(client, cast):
    client.force_login(cast.dana)
    answer = client.post("/sign-in/", "username=a%00b", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400


def test_what_has_none_passes(client, cast):
    client.force_login(cast.dana)
    assert client.get("/?location=NORTH").status_code == 200
