"""Which port can be listened on, and in which words it is said that one cannot."""

import io
import socket

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from delivery.management.commands import demo
from portal.listening import CannotListen, Taken, port_at
from portal.sole import NAME

HOST = "127.0.0.1"


@pytest.fixture
def taken():
    """A port somebody listens on."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def free() -> int:
    return port_at(HOST, 0)


def test_a_free_port_is_the_one_that_was_asked_for_and_stays_free():
    port = free()
    assert port_at(HOST, port) == port
    socket.create_server((HOST, port)).close()


def test_a_port_with_a_listener_is_taken_and_says_what_to_do(taken):
    with pytest.raises(Taken, match=rf"^Port {taken} of 127\.0\.0\.1 is taken by another program\. End that one, or"):
        port_at(HOST, taken)


@pytest.mark.parametrize(
    "host, port, words",
    [
        (HOST, 65_536, "65536 is no port"),
        (HOST, -1, "-1 is no port"),
        ("192.0.2.1", 8000, "192.0.2.1 is no address of this machine"),
        ("nowhere.invalid", 8000, "The host nowhere.invalid cannot be found"),
    ],
)
def test_what_cannot_be_listened_on_is_said_in_words(host, port, words):
    with pytest.raises(CannotListen, match=words) as caught:
        port_at(host, port)
    assert not isinstance(caught.value, Taken)


class TestTheDemonstration:
    def command(self) -> demo.Command:
        return demo.Command(stdout=io.StringIO(), stderr=io.StringIO(), no_color=True)

    def test_takes_the_port_that_was_asked_for(self):
        port = free()
        assert self.command().choose_port(port) == port

    def test_stops_where_that_one_is_taken_and_starts_nothing(self, taken, settings, tmp_path, monkeypatch):
        settings.DATA_DIR = tmp_path
        monkeypatch.setenv(demo.FOLDER, str(tmp_path))
        monkeypatch.setattr(demo.signal, "signal", lambda *_: None)
        with pytest.raises(CommandError, match=f"Port {taken} of 127.0.0.1 is taken"):
            call_command("demo", "--port", str(taken))
        assert [each.name for each in tmp_path.iterdir()] == [NAME], "no database, no log, no process"

    def test_otherwise_says_which_one_it_took_instead_of_the_usual(self, taken, monkeypatch):
        monkeypatch.setattr(demo, "PORT", taken)
        command = self.command()
        port = command.choose_port(None)
        assert port not in (0, taken)
        said = command.stderr.getvalue()
        assert said == f"Port {taken} is taken by another program: the portal listens on {port} instead.\n"

    def test_says_nothing_where_the_usual_one_is_free(self, monkeypatch):
        monkeypatch.setattr(demo, "PORT", free())
        command = self.command()
        assert command.choose_port(None) == demo.PORT
        assert command.stderr.getvalue() == ""


def test_run_stops_where_its_port_is_taken(taken, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    with pytest.raises(CommandError, match=f"Port {taken} of 127.0.0.1 is taken"):
        call_command("run", "--port", str(taken))
