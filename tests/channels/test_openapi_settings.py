"""Settings of an Open API connection: every refusal in plain words."""

import pytest

from delivery.channels.openapi import OpenApiSettings
from tests.channels.charts import LEAST, TOKEN
from tests.channels.test_tls import NAME, authority, pem, server, stranger  # noqa: F401

REFUSED = [
    ({"base_url": ""}, "must begin with https"),
    ({"base_url": "ftp://ecw.test"}, "must begin with https"),
    ({"base_url": "https://"}, "must begin with https"),
    ({"base_url": "https://ecw.test/a b"}, "must begin with https"),
    ({"base_url": "https://ecw.test:port"}, "not an address of a web service"),
    ({"base_url": "https://user:secret@ecw.test"}, "must not carry"),
    ({"base_url": "https://ecw.test?x=1"}, "must not carry"),
    ({"base_url": "https://ecw.test#x"}, "must not carry"),
    ({"practice_code": " "}, "Practice code is missing"),
    ({"facility": ""}, "Facility is missing"),
    ({"read_seconds": 0}, "read_seconds must be"),
    ({"read_seconds": 61}, "read_seconds must be"),
]


@pytest.mark.parametrize("changes, words", REFUSED)
def test_a_setting_that_cannot_be_is_refused_in_plain_words(changes, words):
    with pytest.raises(ValueError, match=words):
        OpenApiSettings.read({**LEAST, **changes}, TOKEN, "sandbox")


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "tökén"])
def test_a_token_that_cannot_be_is_refused(token):
    with pytest.raises(ValueError, match="token is missing"):
        OpenApiSettings.read(LEAST, {"token": token}, "sandbox")


def test_production_charts_are_read_by_https_only():
    with pytest.raises(ValueError, match="https:// only"):
        OpenApiSettings.read(LEAST, TOKEN, "production")
    assert OpenApiSettings.read({**LEAST, "base_url": "https://ecw.test/"}, TOKEN, "production").base_url == (
        "https://ecw.test"
    )


def test_an_unknown_environment_and_half_a_certificate_are_refused():
    with pytest.raises(ValueError, match="Environment must be"):
        OpenApiSettings.read(LEAST, TOKEN, "staging")
    with pytest.raises(ValueError, match="client certificate needs its key"):
        OpenApiSettings.read(LEAST, {**TOKEN, "client_key_pem": "x"}, "sandbox")


def test_the_token_does_not_show_when_settings_are_printed():
    assert "sandbox-token" not in repr(OpenApiSettings.read(LEAST, TOKEN, "sandbox"))
