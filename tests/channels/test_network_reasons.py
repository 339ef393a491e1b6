"""Which reason each failure of a socket, a name or a handshake is given; and settings taken out of their row."""

import errno
import socket
import ssl
import time

import pytest

from delivery.channels import network, tls
from delivery.channels.network import NotConnected, checked, dial, left
from delivery.channels.setting_values import seconds, text, whole, yes_or_no
from delivery.failures import CATALOGUE


def here(host: str, port: int) -> tuple[str, int]:
    return host, port


def unverified(code: int) -> ssl.SSLCertVerificationError:
    """OpenSSL's word on a certificate: X509_V_ERR_… of openssl/x509_vfy.h."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


class TestAFailureBeforeAnythingWasSent:
    def test_of_a_closed_port_is_a_refused_connection(self):
        assert network.reason(ConnectionRefusedError(errno.ECONNREFUSED, "refused")) == "connection_refused"

    def test_of_waiting_too_long_is_a_connect_timeout(self):
        assert network.reason(TimeoutError()) == "connect_timeout"

    def test_of_the_kernels_own_time_is_a_connect_timeout(self):
        assert network.reason(OSError(errno.ETIMEDOUT, "timed out")) == "connect_timeout"

    @pytest.mark.parametrize("kind", [ConnectionResetError, ConnectionAbortedError, BrokenPipeError])
    def test_of_a_peer_that_hung_up_is_a_closed_line(self, kind):
        assert network.reason(kind()) == "peer_closed"

    @pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL])
    def test_of_a_way_that_is_not_there_is_unreachable(self, number):
        assert network.reason(OSError(number, "no way")) == "unreachable"

    def test_of_what_nobody_foresaw_is_unreachable(self):
        assert network.reason(RuntimeError("?")) == "unreachable"

    def test_of_a_certificate_is_what_the_certificate_is_faulted_for(self):
        assert network.reason(unverified(10)) == "tls_expired"


class TestACertificate:
    @pytest.mark.parametrize(
        "code, reason_code",
        [
            (9, "tls_not_yet_valid"),
            (10, "tls_expired"),
            (18, "tls_unknown_ca"),  # self-signed
            (19, "tls_unknown_ca"),  # self-signed in the chain
            (20, "tls_unknown_ca"),  # no local issuer
            (21, "tls_unknown_ca"),  # the first cannot be verified
            (23, "tls_revoked"),
            (62, "tls_wrong_host"),
            (64, "tls_wrong_host"),  # of an address
        ],
    )
    def test_is_faulted_by_openssls_own_code(self, code, reason_code):
        assert tls.reason(unverified(code)) == reason_code
        assert reason_code in CATALOGUE

    @pytest.mark.parametrize("code", [24, 79, 85, 89, 92, 94])
    def test_that_breaks_a_rule_of_form_is_called_so(self, code):
        assert tls.reason(unverified(code)) == "tls_strict"


class TestAHandshake:
    @pytest.mark.parametrize(
        "said, reason_code",
        [
            ("TLSV1_ALERT_PROTOCOL_VERSION", "tls_version"),
            ("UNSUPPORTED_PROTOCOL", "tls_version"),
            ("WRONG_VERSION_NUMBER", "tls_not_spoken"),
            ("HTTP_REQUEST", "tls_not_spoken"),
            ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "tls_client_certificate"),
            ("SSLV3_ALERT_BAD_CERTIFICATE", "tls_client_certificate"),
            ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "tls_client_certificate"),
            ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "tls_client_certificate"),
            ("TLSV1_ALERT_UNKNOWN_CA", "tls_client_certificate"),
            ("TLSV1_ALERT_ACCESS_DENIED", "tls_client_certificate"),
        ],
    )
    def test_that_the_other_side_ends_is_told_by_its_alert(self, said, reason_code):
        assert tls.reason(alert(said)) == reason_code
        assert reason_code in CATALOGUE

    @pytest.mark.parametrize("said", ["TLSV1_ALERT_INTERNAL_ERROR", "NO_CIPHERS_AVAILABLE", "", "SOMETHING_NEW"])
    def test_that_ends_for_another_reason_is_called_other(self, said):
        assert tls.reason(alert(said)) == "tls_other"

    def test_without_a_reason_is_called_other(self):
        assert tls.reason(ssl.SSLError(1, "no words")) == "tls_other"

    def test_that_takes_too_long_is_a_connect_timeout(self):
        assert tls.reason(TimeoutError()) == "connect_timeout"

    def test_on_a_line_that_was_cut_is_called_other(self):
        assert tls.reason(ConnectionResetError()) == "tls_other"


class TestATarget:
    def test_that_is_allowed_is_the_address_to_connect_to(self):
        assert checked(lambda host, port: ("192.0.2.7", port), "ecw.example.org", 2575) == ("192.0.2.7", 2575)

    def test_that_is_not_allowed_has_that_reason(self):
        def refuse(host, port):
            raise ValueError("not there")

        with pytest.raises(NotConnected) as caught:
            checked(refuse, "169.254.169.254", 80)
        assert caught.value.reason == "target_not_allowed"
        assert caught.value.__cause__ is None

    def test_whose_name_is_unknown_has_that_reason(self):
        def unknown(host, port):
            raise socket.gaierror(-2, "Name or service not known")

        with pytest.raises(NotConnected) as caught:
            checked(unknown, "nowhere.invalid", 2575)
        assert caught.value.reason == "dns"

    def test_that_listens_is_connected_to(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            made = dial(here, "127.0.0.1", listener.getsockname()[1], time.monotonic() + 5)
            with made:
                assert made.getpeername() == listener.getsockname()

    def test_that_does_not_listen_is_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(NotConnected) as caught:
            dial(here, "127.0.0.1", port, time.monotonic() + 5)
        assert caught.value.reason == "connection_refused"

    def test_is_not_even_tried_after_the_deadline(self):
        with pytest.raises(NotConnected) as caught:
            dial(here, "127.0.0.1", 9, time.monotonic() - 1)
        assert caught.value.reason == "connect_timeout"

    def test_is_dialled_under_the_address_that_was_checked_and_no_other(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with dial(lambda host, _: ("127.0.0.1", port), "a-name.invalid", 1, time.monotonic() + 5) as made:
                assert made.getpeername()[1] == port


class TestADeadline:
    def test_in_the_future_leaves_the_seconds_until_then(self):
        assert left(time.monotonic() + 10) == pytest.approx(10, abs=0.5)

    def test_that_is_over_is_a_timeout(self):
        with pytest.raises(TimeoutError):
            left(time.monotonic() - 0.001)


class TestASettingOfText:
    def test_is_the_text(self):
        assert text({"host": "ecw"}, "host") == "ecw"

    def test_that_is_missing_is_the_default(self):
        assert text({}, "host") == ""
        assert text({}, "receiving_application", "ECW") == "ECW"

    def test_of_null_is_the_default(self):
        assert text({"host": None}, "host", "here") == "here"

    def test_that_is_empty_stays_empty(self):
        assert text({"host": ""}, "host", "here") == ""

    @pytest.mark.parametrize("wrong", [1, True, ["a"], {"a": 1}, 1.5])
    def test_of_another_kind_is_refused_by_name(self, wrong):
        with pytest.raises(ValueError, match=r"^host must be text\.$"):
            text({"host": wrong}, "host")


class TestASettingOfAWholeNumber:
    def test_is_the_number(self):
        assert whole({"port": 2575}, "port", 0) == 2575

    def test_typed_as_text_is_the_number(self):
        assert whole({"port": " 2575 "}, "port", 0) == 2575

    def test_that_is_missing_is_the_default(self):
        assert whole({}, "sockets", 1) == 1

    @pytest.mark.parametrize("wrong", ["", "25.75", "-1", "0x10", "many", None, 2.0, True, [1]])
    def test_of_another_kind_is_refused_by_name(self, wrong):
        with pytest.raises(ValueError, match=r"^port must be a whole number\.$"):
            whole({"port": wrong}, "port", 0)


class TestASettingOfSeconds:
    @pytest.mark.parametrize("given, meant", [(30, 30.0), (0.5, 0.5), ("12.5", 12.5), ("60", 60.0)])
    def test_is_so_many_seconds(self, given, meant):
        assert seconds({"ack_seconds": given}, "ack_seconds", 30.0, most=60.0) == meant

    def test_that_is_missing_is_the_default(self):
        assert seconds({}, "ack_seconds", 30.0, most=60.0) == 30.0

    @pytest.mark.parametrize("wrong", [0, -1, 60.001, "61", "inf", "nan", float("nan"), float("inf")])
    def test_outside_its_bounds_is_refused_with_the_bounds(self, wrong):
        with pytest.raises(ValueError, match=r"^ack_seconds must be more than 0 and at most 60 seconds\.$"):
            seconds({"ack_seconds": wrong}, "ack_seconds", 30.0, most=60.0)

    @pytest.mark.parametrize("wrong", ["soon", "", None, [1], {}, True, False])
    def test_that_is_no_number_is_refused_by_name(self, wrong):
        with pytest.raises(ValueError, match=r"^ack_seconds must be a number of seconds\.$"):
            seconds({"ack_seconds": wrong}, "ack_seconds", 30.0, most=60.0)


class TestASettingOfYesOrNo:
    def test_is_what_was_said(self):
        assert yes_or_no({"tls": True}, "tls") is True
        assert yes_or_no({"tls": False}, "tls") is False

    def test_that_is_missing_is_no(self):
        assert yes_or_no({}, "tls") is False

    @pytest.mark.parametrize("wrong", ["true", "yes", 1, 0, None, ""])
    def test_of_anything_else_is_refused_by_name(self, wrong):
        with pytest.raises(ValueError, match=r"^tls must be true or false\.$"):
            yes_or_no({"tls": wrong}, "tls")
