"""N15–N19: no byte of a note reaches a receiver that cannot prove who it is, or that we cannot prove ourselves to."""

import socket
import ssl
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from delivery.channels import mllp, tls
from delivery.channels.base import NoAnswer, Unavailable
from delivery.channels.mllp import Hl7Channel, MllpClient
from delivery.failures import CATALOGUE
from tests.channels.notes import CONTROL_ID, SETTINGS, note
from tests.channels.peers import Conversation, Peer, always, client_for, framed, message

NAME = "interface.ecw.test"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def stranger():
    return trustme.CA()


def pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def server(authority: trustme.CA, *names: str, clients: trustme.CA | None = None, **issue) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or (NAME,)), **issue).configure_cert(made)
    if clients:
        clients.configure_trust(made)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def identity(authority: trustme.CA, **issue) -> dict[str, str]:
    leaf = authority.issue_cert("portal@scribeport.test", **issue)
    return {
        "client_cert_pem": "".join(blob.bytes().decode() for blob in leaf.cert_chain_pems),
        "client_key_pem": leaf.private_key_pem.bytes().decode(),
    }


def secured(peer: Peer, authority: trustme.CA, **changes) -> MllpClient:
    return client_for(peer, **{"tls": True, "ca_pem": pem(authority), "server_name": NAME, **changes})


def refuses(client: MllpClient, peer: Peer, reason: str) -> None:
    """Opening fails for that reason, sending too, and nothing of a message ever reached the peer."""
    for attempt in (client.open, lambda: client.exchange(message(), CONTROL_ID)):
        with pytest.raises(Unavailable) as caught:
            attempt()
        assert caught.value.reason_code == reason
        assert caught.value.__cause__ is None
    time.sleep(0.05)
    assert peer.received == b""


def test_a_receiver_that_proves_itself_gets_the_message(authority):
    with Peer(always(), tls=server(authority)) as peer:
        client = secured(peer, authority)
        for _ in range(3):
            assert client.exchange(message(), CONTROL_ID).code == "AA"
        assert len(peer.talks) == 1
        assert client._sock.version() == "TLSv1.3"


def test_the_host_stands_for_the_server_name_when_none_is_set(authority):
    with Peer(always(), tls=server(authority, "127.0.0.1")) as peer:
        assert secured(peer, authority, server_name="").exchange(message(), CONTROL_ID).code == "AA"


def test_N15_an_expired_certificate_is_refused(authority):
    past = datetime.now(UTC) - timedelta(days=2)
    with Peer(always(), tls=server(authority, not_before=past - timedelta(days=9), not_after=past)) as peer:
        refuses(secured(peer, authority), peer, "tls_expired")


def test_N15_a_certificate_of_the_future_is_refused(authority):
    later = datetime.now(UTC) + timedelta(days=2)
    with Peer(always(), tls=server(authority, not_before=later, not_after=later + timedelta(days=9))) as peer:
        refuses(secured(peer, authority), peer, "tls_not_yet_valid")


def test_N15_a_certificate_of_another_host_is_refused(authority):
    with Peer(always(), tls=server(authority, "elsewhere.test")) as peer:
        refuses(secured(peer, authority), peer, "tls_wrong_host")


def test_N15_an_address_without_a_certificate_for_it_is_refused(authority):
    with Peer(always(), tls=server(authority)) as peer:
        refuses(secured(peer, authority, server_name=""), peer, "tls_wrong_host")


def test_N15_an_unknown_authority_is_refused(authority, stranger):
    with Peer(always(), tls=server(stranger)) as peer:
        refuses(secured(peer, authority), peer, "tls_unknown_ca")


def test_N15_without_a_ca_of_its_own_a_connection_trusts_only_the_systems_authorities(authority):
    with Peer(always(), tls=server(authority)) as peer:
        refuses(secured(peer, authority, ca_pem=""), peer, "tls_unknown_ca")


def test_N15_a_receiver_that_does_not_speak_tls_gets_no_message(authority):
    def plain(talk: Conversation) -> None:
        talk.sock.recv(65_536)
        talk.say(b"MSH|what is this?\r")

    with Peer(plain) as peer:
        with pytest.raises(Unavailable, match="tls_not_spoken"):
            secured(peer, authority).exchange(message(), CONTROL_ID)
        assert b"MSH" not in peer.received


def test_N15_a_receiver_that_stalls_the_handshake_meets_the_deadline(authority):
    stop = threading.Event()
    with Peer(lambda talk: stop.wait(5)) as peer:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="connect_timeout"):
            secured(peer, authority, connect_seconds=0.3).open()
        assert time.monotonic() - started < 1
        stop.set()


def test_N15_the_receivers_expiry_date_is_known_in_good_time(authority):
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20)
    with Peer(always(), tls=server(authority, not_after=ends)) as peer:
        client = secured(peer, authority)
        client.open()
        assert client.peer_expires == ends


def old_server(authority: trustme.CA, version: ssl.TLSVersion) -> ssl.SSLContext:
    made = server(authority)
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version = made.maximum_version = version
    return made


OLD_TLS = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")


@OLD_TLS
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_N16_a_receiver_that_only_speaks_old_tls_is_refused(authority, version):
    with Peer(always(), tls=old_server(authority, version)) as peer:
        refuses(secured(peer, authority), peer, "tls_version")


@OLD_TLS
def test_N16_the_old_server_of_that_test_does_serve_old_clients(authority):
    # Otherwise the test above would prove nothing about us.
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(old)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        Peer(always(), tls=old_server(authority, ssl.TLSVersion.TLSv1_1)) as peer,
        socket.create_connection(("127.0.0.1", peer.port)) as sock,
        old.wrap_socket(sock, server_hostname=NAME) as wrapped,
    ):
        assert wrapped.version() == "TLSv1.1"


def test_N16_no_setting_leads_below_tls_1_2_or_past_verification():
    for changes in ({}, {"relaxed_x509": True}, {"vpn": True}, {"server_name": NAME}):
        made = tls.context(replace(SETTINGS, tls=True, **changes))
        assert made.minimum_version == ssl.TLSVersion.TLSv1_2
        assert made.verify_mode == ssl.CERT_REQUIRED
        assert made.check_hostname


def careless_chain() -> tuple[str, str, str]:
    """An authority as old hospitals made them, without a key identifier, and a server's certificate and key of it."""
    now, day = datetime.now(UTC), timedelta(days=1)

    def certificate(name: str, key, issuer: str, by, *extensions):
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
        )
        for extension, critical in extensions:
            made = made.add_extension(extension, critical)
        return made.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName(NAME)])
    ca = certificate("Old CA", root, "Old CA", root, (x509.BasicConstraints(ca=True, path_length=None), False))
    cert = certificate(NAME, leaf, "Old CA", root, (names, False))
    key = leaf.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ca, cert, key.decode()


@pytest.fixture
def careless(tmp_path):
    ca, cert, key = careless_chain()
    path = tmp_path / "server.pem"
    path.write_text(cert + key)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    return ca, made


def test_N17_a_careless_old_authority_is_refused_by_name(careless):
    ca, context = careless
    with Peer(always(), tls=context) as peer:
        refuses(client_for(peer, tls=True, ca_pem=ca, server_name=NAME), peer, "tls_strict")


def test_N17_the_relaxed_setting_accepts_it_and_nothing_else(careless, stranger):
    ca, context = careless
    with Peer(always(), tls=context) as peer:
        relaxed = {"tls": True, "server_name": NAME, "relaxed_x509": True}
        assert client_for(peer, ca_pem=ca, **relaxed).exchange(message(), CONTROL_ID).code == "AA"
        seen = peer.received
        for changes, reason in (
            ({"ca_pem": pem(stranger)}, "tls_unknown_ca"),
            ({"ca_pem": ca, "server_name": "other.test"}, "tls_wrong_host"),
        ):
            with pytest.raises(Unavailable, match=reason):
                client_for(peer, **{**relaxed, **changes}).exchange(message(), CONTROL_ID)
        assert peer.received == seen


def test_N18_mutual_tls_with_the_right_certificate_works(authority, stranger):
    with Peer(always(), tls=server(authority, clients=stranger)) as peer:
        client = secured(peer, authority, **identity(stranger))
        assert client.exchange(message(), CONTROL_ID).code == "AA"


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("tickets", [0, 2])
@pytest.mark.parametrize("who", ["nobody", "a stranger"])
def test_N18_a_client_the_receiver_does_not_accept_sends_nothing(authority, stranger, newest, tickets, who):
    context = server(authority, clients=stranger)
    context.maximum_version = newest
    context.num_tickets = tickets
    with Peer(always(), tls=context) as peer:
        client = secured(peer, authority, **(identity(authority) if who == "a stranger" else {}))
        with pytest.raises(Unavailable) as caught:
            client.exchange(message(), CONTROL_ID)
        # TLS 1.2 has no alert of its own for a missing certificate.
        bare = newest == ssl.TLSVersion.TLSv1_2 and who == "nobody"
        assert caught.value.reason_code == ("tls_other" if bare else "tls_client_certificate")
        assert peer.received == b""


def test_N18_a_receiver_without_session_tickets_is_waited_for_once(authority):
    context = server(authority)
    context.num_tickets = 0
    with Peer(always(), tls=context) as peer:
        client = secured(peer, authority)
        started = time.monotonic()
        client.open()
        assert mllp.SETTLING_SECONDS <= time.monotonic() - started < 1
        started = time.monotonic()
        client.exchange(message(), CONTROL_ID)
        assert time.monotonic() - started < mllp.SETTLING_SECONDS


def test_N18_our_own_expired_certificate_stops_us_before_connecting(authority):
    past = datetime.now(UTC) - timedelta(days=1)
    ours = identity(authority, not_before=past - timedelta(days=9), not_after=past)
    with Peer(always(), tls=server(authority, clients=authority)) as peer:
        client = secured(peer, authority, **ours)
        refuses(client, peer, "tls_client_certificate")
        assert not peer.talks
        assert not peer.handshake_errors
        assert tls.client_certificate_expires(client.settings) == past.replace(microsecond=0)


def test_N18_without_a_client_certificate_there_is_nothing_to_expire():
    assert tls.client_certificate_expires(SETTINGS) is None


def test_N19_a_new_authority_takes_effect_with_the_next_client(authority, stranger):
    with Peer(always(), tls=server(stranger)) as peer:
        with pytest.raises(Unavailable, match="tls_unknown_ca"):
            secured(peer, authority).open()
        assert secured(peer, stranger).exchange(message(), CONTROL_ID).code == "AA"


BAD_PEM = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"ca_pem": BAD_PEM}, "CA certificate of this connection cannot be read"),
        ({"ca_pem": "none"}, "CA certificate of this connection cannot be read"),
        ({"client_cert_pem": BAD_PEM, "client_key_pem": "x"}, "client certificate or its key cannot be read"),
    ],
)
def test_unreadable_certificates_are_refused_in_plain_words(changes, words):
    with pytest.raises(ValueError, match=words):
        MllpClient(replace(SETTINGS, tls=True, **changes), lambda host, port: (host, port))


def test_a_certificate_with_another_ones_key_is_refused(authority):
    one, other = identity(authority), identity(authority)
    mixed = {**one, "client_key_pem": other["client_key_pem"]}
    with pytest.raises(ValueError, match="do not belong together"):
        MllpClient(replace(SETTINGS, tls=True, **mixed), lambda host, port: (host, port))


def test_our_key_does_not_stay_on_the_disk(authority, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tls.context(replace(SETTINGS, tls=True, **identity(authority)))
    assert list(tmp_path.iterdir()) == []


def test_once_bytes_were_written_over_tls_a_failure_is_no_answer(authority):
    def leaves(talk: Conversation) -> None:
        talk.read()

    with Peer(leaves, tls=server(authority)) as peer, pytest.raises(NoAnswer, match="cut_after_send"):
        secured(peer, authority).exchange(message(), CONTROL_ID)


def test_N03_over_tls_too_a_closed_socket_is_replaced_before_sending(authority):
    def answers_once(talk: Conversation) -> None:
        talk.answer()

    with Peer(answers_once, always(), tls=server(authority)) as peer:
        client = secured(peer, authority)
        client.exchange(message(), CONTROL_ID)
        peer.threads[1].join()
        assert client.exchange(message(), CONTROL_ID).code == "AA"
        assert len(peer.talks) == 2


def test_N10_over_tls_too_stray_bytes_are_not_taken_for_the_next_answer(authority):
    sent = threading.Event()

    def strays(talk: Conversation) -> None:
        talk.answer()
        talk.say(b"stray")
        sent.set()
        talk.wait_for_end()

    with Peer(strays, always(), tls=server(authority)) as peer:
        client = secured(peer, authority)
        client.exchange(message(), CONTROL_ID)
        sent.wait(2)
        time.sleep(0.05)
        assert client.exchange(message(), CONTROL_ID).code == "AA"
        assert len(peer.talks) == 2


def test_a_long_note_goes_whole_over_tls(authority):
    with Peer(always(), tls=server(authority)) as peer:
        client = secured(peer, authority)
        channel = Hl7Channel(client.settings, lambda host, port: (host, port))
        rendered = channel.render(note(*["long " * 10_000] * 6))
        assert channel.send(rendered, CONTROL_ID).code == "AA"
        assert peer.received == framed(rendered.body)


def test_every_reason_of_a_failed_handshake_is_in_the_catalogue():
    reasons = {*tls._VERIFY_REASONS.values(), *(code for _, code in tls._ALERT_REASONS), "tls_strict", "tls_other"}
    assert reasons - set(CATALOGUE) == set()
