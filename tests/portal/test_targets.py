"""Where a connection may lead, and the known ways around such a check."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.targets import NEVER, TargetRefused, check_target, check_url

PRIVATE = [ipaddress.ip_network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
EVERYTHING = ["0.0.0.0/0", "::/0"]


def answer(monkeypatch, *addresses):
    """What the name server says; the real one is not ours to plant names in."""
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 6661)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: rows)


@pytest.mark.parametrize(
    "host, address",
    [
        ("127.0.0.1", "127.0.0.1"),
        ("10.1.2.3", "10.1.2.3"),
        ("172.31.255.254", "172.31.255.254"),
        ("192.168.4.4", "192.168.4.4"),
        ("::1", "::1"),
        ("fd12:3456::1", "fd12:3456::1"),
    ],
)
def test_private_addresses_are_allowed_by_default(host, address):
    assert check_target(host, 6661) == (address, 6661)


def test_a_name_gives_the_address_it_was_checked_for():
    address, port = check_target("localhost", 6661)
    assert ipaddress.ip_address(address).is_loopback
    assert port == 6661


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",  # the cloud's metadata
        "169.254.1.1",
        "fe80::1",
        "fe80::1%lo",
        "fd00:ec2::254",
        "100.100.100.200",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1",
        "224.0.0.1",
        "255.255.255.255",
        "ff02::1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "127.0.0.1.",
        "user@127.0.0.1",
        "127.0.0.1:6661",
        "127.0.0.1/x",
        "http://127.0.0.1",
        "[::1]",
        "127.0.0.1 ",
        "127.0.0.1\n",
        "127.0.0.1\x00",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "",
        ".",
        "-x.example",
        "a" * 64 + ".example",
        "x." * 200 + "example",
    ],
)
def test_S08_what_no_receiver_can_be_is_refused_even_where_every_network_is_allowed(settings, host):
    settings.ALLOWED_NETWORKS = EVERYTHING
    with pytest.raises(TargetRefused):
        check_target(host, 6661)


def test_public_addresses_need_to_be_allowed(settings):
    with pytest.raises(TargetRefused, match="SCRIBEPORT_ALLOWED_NETWORKS"):
        check_target("203.0.113.9", 443)
    settings.ALLOWED_NETWORKS = ["203.0.113.0/24"]
    assert check_target("203.0.113.9", 443) == ("203.0.113.9", 443)
    with pytest.raises(TargetRefused):
        check_target("127.0.0.1", 443)


def test_a_network_can_be_allowed_for_one_port_only(settings):
    settings.ALLOWED_NETWORKS = ["10.20.0.0/16:6661", "fd00:1::/64:6662"]
    assert check_target("10.20.3.4", 6661)
    assert check_target("fd00:1::5", 6662)
    for host, port in [("10.20.3.4", 6662), ("fd00:1::5", 6661)]:
        with pytest.raises(TargetRefused):
            check_target(host, port)


@pytest.mark.parametrize("port", [5432, 6379, 0, -1, 65536])
def test_S08_our_own_database_and_broker_and_impossible_ports_are_refused(port):
    with pytest.raises(TargetRefused):
        check_target("127.0.0.1", port)


def test_the_ports_this_installation_uses_are_its_own_too(settings):
    assert check_target("127.0.0.1", 16379)
    settings.REDIS_URL = "redis://:secret@127.0.0.1:16379/3"
    with pytest.raises(TargetRefused):
        check_target("127.0.0.1", 16379)


@pytest.mark.parametrize("bad", ["169.254.169.254", "203.0.113.9", "::ffff:10.0.0.1"])
def test_one_bad_address_among_good_ones_refuses_the_name(monkeypatch, bad):
    answer(monkeypatch, "10.0.0.5", bad)
    with pytest.raises(TargetRefused):
        check_target("ecw.example", 6661)


def test_S08_a_name_that_resolves_differently_later_cannot_move_the_connection(monkeypatch):
    answer(monkeypatch, "10.0.0.5")
    assert check_target("ecw.example", 6661) == ("10.0.0.5", 6661)


def test_an_unknown_name_is_an_oserror_for_the_retry_to_judge(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(OSError):
        check_target("nowhere.example", 6661)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_passes_exactly_when_it_is_private(address):
    expected = any(address in network for network in PRIVATE)
    try:
        assert check_target(str(address), 6661) == (str(address), 6661)
        passed = True
    except TargetRefused:
        passed = False
    assert passed == expected


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_never_passes_when_it_is_on_the_list_of_never(address):
    try:
        check_target(str(address), 6661)
    except TargetRefused:
        return
    assert not any(address in network for network in NEVER)
    assert address in ipaddress.ip_network("fc00::/7") or address == ipaddress.ip_address("::1")


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:{}", "::ffff:0:{}", "64:ff9b::{}"]))
def test_an_ipv4_address_inside_an_ipv6_one_never_passes(address, form):
    with pytest.raises(TargetRefused):
        check_target(form.format(address), 6661)


@given(st.ip_addresses(v=4).filter(lambda address: int(address) > 0xFF), st.sampled_from([str, hex, oct]))
def test_S08_an_address_written_as_one_number_never_passes(address, form):
    with pytest.raises(TargetRefused):
        check_target(form(int(address)).replace("o", ""), 6661)


@given(st.text(max_size=40))
def test_whatever_is_typed_with_a_path_is_answered_not_crashed(host):
    with pytest.raises(TargetRefused):
        check_target(host + "/", 6661)


@pytest.mark.parametrize(
    "url, expected",
    [
        ("http://127.0.0.1:8081", ("127.0.0.1", 8081)),
        ("https://127.0.0.1/base", ("127.0.0.1", 443)),
        ("http://[::1]:8081/", ("::1", 8081)),
    ],
)
def test_a_base_url_gives_the_address_to_connect_to(url, expected):
    assert check_url(url, tls_required=False) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://user@127.0.0.1/",
        "http://user:secret@127.0.0.1/",
        "http://@127.0.0.1/",
        "http://127.0.0.1\\@10.0.0.1/",
        "http://127.0.0.1/?x=1",
        "http://127.0.0.1/#x",
        "http://127.0.0.1?",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:abc/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:6379/",
        "http://127.0.0.1:0/",
        "https://127.0.0.1:00/fhir",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "//127.0.0.1/",
        "127.0.0.1",
        "http:///x",
        "http://127.0.0.1\n/",
        "ht\ttp://127.0.0.1/",
        "http://[::1",
    ],
)
def test_a_base_url_that_tries_something_is_refused(url):
    with pytest.raises(TargetRefused):
        check_url(url, tls_required=False)


def test_production_needs_https():
    assert check_url("https://10.0.0.9/", tls_required=True) == ("10.0.0.9", 443)
    with pytest.raises(TargetRefused, match="https"):
        check_url("http://10.0.0.9/", tls_required=True)
