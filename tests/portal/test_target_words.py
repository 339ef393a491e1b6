"""Where connections may lead, address by address, each with its standard, and each refusal in its own words."""

import socket

import pytest

from portal.checks import networks
from portal.targets import Allowed, TargetRefused, allowed_networks, check_target, check_url

NO_RECEIVER = "This host leads to an address that no receiver can have."
OUTSIDE = (
    "This host lies outside the networks this installation may connect to. Whoever runs the server can add its "
    "network to SCRIBEPORT_ALLOWED_NETWORKS."
)
NO_NAME = "The host must be a name or an address alone: no user, path, port or spaces."
IN_FULL = "Write the address in full, as in 10.0.4.12."
NO_SERVICE = "This is not an address of a web service."


@pytest.fixture
def everywhere(settings):
    settings.ALLOWED_NETWORKS = ["0.0.0.0/0", "::/0"]


def told(host: str, port: int = 6661) -> str:
    with pytest.raises(TargetRefused) as caught:
        check_target(host, port)
    return str(caught.value)


def told_of_url(url: str, tls_required: bool = False) -> str:
    with pytest.raises(TargetRefused) as caught:
        check_url(url, tls_required=tls_required)
    return str(caught.value)


class TestAddressesThatNoReceiverHas:
    """Refused though every network is allowed."""

    @pytest.mark.parametrize(
        "address",
        [
            "0.0.0.0",  # RFC 1122, this host
            "0.255.255.255",
            "169.254.0.1",  # RFC 3927, link-local
            "169.254.169.254",  # AWS, Azure, Google: metadata
            "169.254.170.2",  # AWS: credentials of containers
            "100.100.100.200",  # Alibaba: metadata
            "192.0.0.192",  # Oracle: metadata
            "224.0.0.1",  # RFC 5771, multicast
            "239.255.255.255",
            "240.0.0.1",  # RFC 1112, reserved
            "255.255.255.255",  # RFC 919, broadcast
        ],
    )
    def test_of_version_4(self, everywhere, address):
        assert told(address) == NO_RECEIVER

    @pytest.mark.parametrize(
        "address",
        [
            "::",  # RFC 4291, unspecified
            "fe80::1",  # link-local
            "febf::1",
            "ff02::1",  # multicast
            "fd00:ec2::254",  # AWS: metadata by IPv6
        ],
    )
    def test_of_version_6(self, everywhere, address):
        assert told(address) == NO_RECEIVER

    @pytest.mark.parametrize(
        "address",
        [
            "::ffff:10.0.0.1",  # RFC 4291, 2.5.5.2: mapped
            "::ffff:a9fe:a9fe",
            "::ffff:0:10.0.0.1",  # RFC 2765: translated
            "::10.0.0.1",  # RFC 4291, 2.5.5.1: compatible
            "::7f00:1",
            "::2",
            "64:ff9b::10.0.0.1",  # RFC 6052: NAT64
            "64:ff9b:1::7f00:1",  # RFC 8215
            "2002:7f00:1::1",  # RFC 3056: 6to4
            "2001:0:7f00:1::1",  # RFC 4380: Teredo
        ],
    )
    def test_of_version_4_inside_version_6(self, everywhere, address):
        assert told(address) == NO_RECEIVER

    @pytest.mark.parametrize("address", ["::1", "127.0.0.1", "10.0.0.1", "2001:db8::1", "fd12::1", "192.0.0.193"])
    def test_leave_their_neighbours_alone(self, everywhere, address):
        assert check_target(address, 6661) == (address, 6661)


class TestTheNetworksThatAreAllowed:
    @pytest.mark.parametrize(
        "address, allowed",
        [
            ("127.0.0.1", True),
            ("127.255.255.255", True),
            ("10.0.0.0", True),
            ("10.255.255.255", True),
            ("11.0.0.0", False),
            ("9.255.255.255", False),
            ("172.15.255.255", False),
            ("172.16.0.0", True),
            ("172.31.255.255", True),
            ("172.32.0.0", False),
            ("192.167.255.255", False),
            ("192.168.0.0", True),
            ("192.169.0.0", False),
            ("100.64.0.1", False),  # RFC 6598, shared by providers: not ours
            ("fc00::1", True),
            ("fdff::1", True),
            ("fe00::1", False),
            ("2001:4860:4860::8888", False),
        ],
    )
    def test_by_default_are_this_host_and_the_private_ranges_to_the_last_address(self, address, allowed):
        if allowed:
            assert check_target(address, 6661) == (address, 6661)
        else:
            assert told(address) == OUTSIDE

    def test_none_at_all_lead_nowhere(self, settings):
        settings.ALLOWED_NETWORKS = []
        assert told("127.0.0.1") == OUTSIDE

    def test_of_one_port_allow_that_port_alone(self, settings):
        settings.ALLOWED_NETWORKS = ["10.20.0.0/16:6661"]
        assert check_target("10.20.1.1", 6661) == ("10.20.1.1", 6661)
        assert told("10.20.1.1", 6662) == OUTSIDE

    def test_are_read_with_and_without_a_port(self):
        one, two, three = allowed_networks(("10.20.0.0/16", "10.30.0.0/16:6661", "fd00:1::/64:6662"))
        assert (str(one.network), one.port) == ("10.20.0.0/16", 0)
        assert (str(two.network), two.port) == ("10.30.0.0/16", 6661)
        assert (str(three.network), three.port) == ("fd00:1::/64", 6662)

    def test_may_be_single_addresses(self):
        (one,) = allowed_networks(("203.0.113.9",))
        assert one == Allowed(one.network, 0)
        assert str(one.network) == "203.0.113.9/32"

    @pytest.mark.parametrize("text", ["10.0.0.1/8", "ten", "10.0.0.0/33", "10.0.0.0/8:port", ""])
    def test_that_are_none_are_refused(self, text):
        with pytest.raises(ValueError):
            allowed_networks((text,))

    def test_that_are_none_are_named_when_the_process_starts(self, settings):
        settings.ALLOWED_NETWORKS = ["10.0.0.1/8"]
        (error,) = networks(None)
        assert error.id == "portal.scribeport_allowed_networks"
        assert error.msg == "SCRIBEPORT_ALLOWED_NETWORKS cannot be read: 10.0.0.1/8 has host bits set"


class TestNames:
    def answer(self, monkeypatch, *addresses: str) -> None:
        rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 6661)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: rows)

    def test_are_replaced_by_the_address_that_was_checked(self, monkeypatch):
        self.answer(monkeypatch, "10.0.0.5")
        assert check_target("ecw.lakeside.example", 6661) == ("10.0.0.5", 6661)

    def test_of_several_good_addresses_give_the_first(self, monkeypatch):
        self.answer(monkeypatch, "10.0.0.5", "10.0.0.6")
        assert check_target("ecw.lakeside.example", 6661) == ("10.0.0.5", 6661)

    @pytest.mark.parametrize("addresses", [("10.0.0.5", "169.254.169.254"), ("169.254.169.254", "10.0.0.5")])
    def test_of_one_bad_address_lead_nowhere_wherever_it_stands(self, monkeypatch, addresses):
        self.answer(monkeypatch, *addresses)
        assert told("ecw.lakeside.example") == NO_RECEIVER

    def test_that_answer_otherwise_the_second_time_are_asked_once(self, monkeypatch):
        """DNS rebinding: the first answer is good, the next one is the metadata service."""
        answers = iter([["10.0.0.5"], ["169.254.169.254"]])
        asked = []

        def resolve(host, *args, **kwargs):
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 6661)) for each in next(answers)]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        assert check_target("rebind.example", 6661) == ("10.0.0.5", 6661)
        assert asked == ["rebind.example"]

    @pytest.mark.parametrize("host", ["ecw", "ecw.example", "ECW.Example.", "a-b.c_d.example", "x" * 63 + ".example"])
    def test_that_may_be_asked_for(self, monkeypatch, host):
        self.answer(monkeypatch, "10.0.0.5")
        assert check_target(host, 6661)[0] == "10.0.0.5"

    @pytest.mark.parametrize(
        "host",
        [
            "",
            " ",
            "a b",
            "user@host",
            "host:6661",
            "host/path",
            "http://host",
            "[::1]",
            "-a.example",
            "a-.example",
            "x" * 64 + ".example",
            "a..b",
            "host\n",
            "hôte.example",
            "a\x00b",
            "*.example",
        ],
    )
    def test_that_are_none(self, host):
        assert told(host) == NO_NAME

    @pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "example.1", "1."])
    def test_that_a_resolver_would_take_for_an_address(self, host):
        assert told(host) == IN_FULL


class TestPorts:
    @pytest.mark.parametrize("port", [0, -1, 65536, 100000])
    def test_that_are_none(self, port):
        assert told("127.0.0.1", port) == "The port must be a number from 1 to 65535."

    @pytest.mark.parametrize("port", [5432, 6379])
    def test_of_our_own_database_and_broker(self, port):
        words = f"Port {port} belongs to Scribeport's own database or message broker."
        assert told("127.0.0.1", port) == words

    def test_of_a_broker_elsewhere_are_its_own_too(self, settings):
        settings.REDIS_URL = "redis://broker.example:7000/0"
        assert told("10.0.0.1", 7000) == "Port 7000 belongs to Scribeport's own database or message broker."

    @pytest.mark.parametrize("port", [1, 443, 2575, 65535])
    def test_that_are_free(self, port):
        assert check_target("127.0.0.1", port) == ("127.0.0.1", port)


class TestAddressesOfWebServices:
    @pytest.mark.parametrize(
        "url, found",
        [
            ("http://127.0.0.1", ("127.0.0.1", 80)),
            ("https://127.0.0.1", ("127.0.0.1", 443)),
            ("https://127.0.0.1:8443/fhir/r4/LAKESI", ("127.0.0.1", 8443)),
            ("HTTPS://127.0.0.1/x", ("127.0.0.1", 443)),
            ("http://[::1]:8080/", ("::1", 8080)),
        ],
    )
    def test_give_the_address_and_port_to_connect_to(self, url, found):
        assert check_url(url, tls_required=False) == found

    @pytest.mark.parametrize(
        "url", ["ftp://127.0.0.1", "file:///etc/passwd", "gopher://127.0.0.1", "127.0.0.1", "//x", ""]
    )
    def test_of_another_kind(self, url):
        assert told_of_url(url) == "The address must begin with https:// and name a host."

    @pytest.mark.parametrize(
        "url", ["http://a b/", "http://a\n/", "http://a\\b", "http://a:port/", "http://[::1", "http://a\x00"]
    )
    def test_that_are_none(self, url):
        assert told_of_url(url) == NO_SERVICE

    @pytest.mark.parametrize(
        "url", ["http://user@127.0.0.1/", "http://user:pw@127.0.0.1/", "http://:pw@127.0.0.1/", "http://@127.0.0.1"]
    )
    def test_with_somebody_in_them(self, url):
        assert told_of_url(url) == "The address must not carry a user name or password."

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1/?a=1", "http://127.0.0.1/#x", "http://127.0.0.1/?", "http://127.0.0.1/#"]
    )
    def test_with_more_behind_the_path(self, url):
        assert told_of_url(url) == "The address must end before any ? or #."

    def test_without_tls_where_it_is_required(self):
        assert told_of_url("http://127.0.0.1/", tls_required=True) == "Production is reached by https:// only."

    def test_that_lead_where_no_receiver_is(self):
        assert told_of_url("http://169.254.169.254/latest/meta-data/") == NO_RECEIVER

    def test_that_hide_the_host_behind_an_at_sign(self):
        assert told_of_url("http://127.0.0.1@169.254.169.254/") == "The address must not carry a user name or password."

    def test_never_repeat_a_password_that_was_typed(self):
        assert "hush" not in told_of_url("http://user:hush@127.0.0.1/")
