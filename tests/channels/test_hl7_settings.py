"""Settings of an HL7 connection: defaults, and every refusal in plain words."""

import pytest

from delivery.channels.hl7 import Hl7Settings

LEAST = {"host": "ecw.example.org", "port": 2575, "receiving_facility": "NORTH"}
PEM = {"client_cert_pem": "cert", "client_key_pem": "key"}


def read(environment="sandbox", secrets=None, **changes) -> Hl7Settings:
    return Hl7Settings.read({**LEAST, **changes}, secrets or {}, environment)


def test_the_least_settings_are_enough_for_a_sandbox():
    made = read()
    assert (made.version, made.processing_id, made.ack_mode, made.ack_seconds) == ("2.5.1", "T", "original", 30)


def test_production_calls_its_messages_production():
    assert read("production", tls=True).processing_id == "P"


def test_a_vpn_may_carry_a_production_connection_when_somebody_says_so():
    assert read("production", vpn=True).tls is False


def test_a_port_typed_as_text_is_a_port():
    assert read(port=" 2575 ").port == 2575


def test_unknown_settings_are_left_to_others():
    assert read(settle_seconds=5).port == 2575


def test_S21_secrets_do_not_show_when_settings_are_printed():
    assert "key" not in repr(read(secrets={**PEM, "client_key_pem": "-----secret key-----"})).replace("client_key", "")


REFUSED = [
    ({"host": ""}, "Host is missing."),
    ({"host": None}, "Host is missing."),
    ({"host": "http://ecw/"}, "Host must be a name"),
    ({"host": "user@ecw"}, "Host must be a name"),
    ({"host": 5}, "host must be text."),
    ({"port": 0}, "Port must be"),
    ({"port": 65_536}, "Port must be"),
    ({"port": "many"}, "port must be a whole number."),
    ({"port": True}, "port must be a whole number."),
    ({"sockets": 0}, "Sockets must be"),
    ({"receiving_facility": ""}, "MSH-6"),
    ({"receiving_facility": "NORTH|SOUTH"}, r"MSH-6\) must not contain"),
    ({"receiving_application": "E^CW"}, r"MSH-5\) must not contain"),
    ({"sending_application": "S&P"}, r"MSH-3\) must not contain"),
    ({"sending_facility": "A\rB"}, r"MSH-4\) must not contain"),
    ({"sending_facility": "A~B"}, r"MSH-4\) must not contain"),
    ({"sending_facility": "A\\B"}, r"MSH-4\) must not contain"),
    ({"sending_facility": "x" * 181}, "longer than 180"),
    ({"version": "2.9"}, "HL7 version must be one of"),
    ({"ack_mode": "sometimes"}, "Acknowledgement mode must be"),
    ({"processing_id": "P"}, "must be T or D"),
    ({"ack_seconds": 0}, "ack_seconds must be"),
    ({"ack_seconds": 61}, "ack_seconds must be"),
    ({"ack_seconds": "soon"}, "ack_seconds must be a number"),
    ({"ack_seconds": float("nan")}, "ack_seconds must be"),
    ({"connect_seconds": -1}, "connect_seconds must be"),
    ({"tls": "yes"}, "tls must be true or false."),
]


@pytest.mark.parametrize("changes, words", REFUSED)
def test_S16_a_setting_that_cannot_be_is_refused_in_plain_words(changes, words):
    with pytest.raises(ValueError, match=words):
        read(**changes)


def test_production_in_clear_text_is_refused():
    with pytest.raises(ValueError, match="Turn TLS on"):
        read("production")


def test_a_production_connection_cannot_call_its_messages_tests():
    with pytest.raises(ValueError, match="must be P"):
        read("production", tls=True, processing_id="T")


def test_an_unknown_environment_is_refused():
    with pytest.raises(ValueError, match="Environment must be"):
        read("staging")


@pytest.mark.parametrize("name", PEM)
def test_half_a_client_certificate_is_refused(name):
    with pytest.raises(ValueError, match="client certificate needs its key"):
        read(secrets={name: PEM[name]})
