"""C-CDA by SFTP against a real OpenSSH server: left whole or not at all, never twice, never to a stranger."""

import signal
import socket
import threading
import time
from contextlib import closing

import paramiko
import pytest

from delivery.channels import drop
from delivery.channels.base import CannotExpress, NoAnswer, Refused, Rendered, Unavailable
from delivery.channels.ccda_sftp import SftpChannel
from delivery.channels.drop_settings import SftpSettings, fingerprint
from delivery.failures import CATALOGUE
from tests.channels.fhir_notes import here
from tests.channels.notes import CONTROL_ID, OTHER_ID, note
from tests.channels.sshd import PasswordSshd, Sshd, keypair
from tests.processes import listens, wait_until

pytestmark = [pytest.mark.process, pytest.mark.alike]  # channels know no database
NAME = f"{CONTROL_ID}.xml"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Sshd(tmp_path_factory.mktemp("sshd")).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    made = PasswordSshd(tmp_path_factory.mktemp("password")).start()
    yield made
    made.stop()


@pytest.fixture
def sshd(server):
    for path in server.directory.iterdir():
        path.unlink()
    return server


def channel(sshd, guard=lambda: True, secrets=None, resolve=here, **changes) -> SftpChannel:
    own = SftpSettings.read(sshd.settings(**changes), secrets or sshd.secrets(), "sandbox")
    return SftpChannel(own, resolve, guard)


def opening(sshd, **how) -> str:
    """The reason why no session came about; each is explained to people."""
    with closing(channel(sshd, **how)) as made, pytest.raises(Unavailable) as caught:
        made.open()
    assert caught.value.reason_code in CATALOGUE
    assert made.transport is None
    return caught.value.reason_code


def standing(sshd) -> list[str]:
    return sorted(path.name for path in sshd.directory.iterdir())


class TestLeaving:
    def test_a_document_stands_under_its_own_name_with_the_bytes_that_were_rendered(self, sshd):
        with closing(channel(sshd)) as made:
            made.open()
            rendered = made.render(note())
            assert made.send(rendered, CONTROL_ID).code == "left"
        assert standing(sshd) == [NAME]
        assert (sshd.directory / NAME).read_bytes() == rendered.body

    def test_a_repeat_of_the_same_bytes_is_recognised_and_changes_nothing(self, sshd):
        with closing(channel(sshd)) as made:
            rendered = made.render(note())
            made.send(rendered, CONTROL_ID)
            before = (sshd.directory / NAME).stat()
            assert made.send(rendered, CONTROL_ID).code == "already_there"
        after = (sshd.directory / NAME).stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)

    def test_other_bytes_under_the_name_are_never_written_over(self, sshd):
        (sshd.directory / NAME).write_bytes(b"somebody else's")
        with closing(channel(sshd)) as made, pytest.raises(Refused, match="file_name_taken"):
            made.send(made.render(note()), CONTROL_ID)
        assert (sshd.directory / NAME).read_bytes() == b"somebody else's"

    def test_a_file_of_the_same_length_and_other_content_is_not_taken_for_ours(self, sshd):
        with closing(channel(sshd)) as made:
            rendered = made.render(note())
            (sshd.directory / NAME).write_bytes(b"x" * len(rendered.body))
            with pytest.raises(Refused, match="file_name_taken"):
                made.send(rendered, CONTROL_ID)

    def test_a_half_written_file_of_an_earlier_try_is_replaced(self, sshd):
        (sshd.directory / f".{NAME}.part").write_bytes(b"half of")
        with closing(channel(sshd)) as made:
            made.send(made.render(note()), CONTROL_ID)
        assert standing(sshd) == [NAME]

    def test_the_names_beginning_is_the_connections(self, sshd):
        with closing(channel(sshd, file_prefix="north-")) as made:
            made.send(made.render(note()), CONTROL_ID)
        assert standing(sshd) == [f"north-{NAME}"]

    def test_without_a_directory_it_is_the_one_a_session_begins_in(self, sshd):
        with closing(channel(sshd, directory="")) as made:
            made.open()
            assert made.remote.path("x") == "./x"

    def test_what_cannot_be_said_is_refused_before_a_session_opens(self, sshd):
        with closing(channel(sshd)) as made, pytest.raises(CannotExpress, match="hl7_nothing_to_send"):
            made.render(note(values=()))
        assert made.transport is None

    def test_nothing_is_written_once_the_right_to_send_is_lost(self, sshd):
        with closing(channel(sshd, guard=lambda: False)) as made, pytest.raises(Unavailable, match="lease_lost"):
            made.send(made.render(note()), CONTROL_ID)
        assert standing(sshd) == []

    def test_nothing_gets_its_name_once_the_right_is_lost_meanwhile(self, sshd):
        answers = iter([True, False])
        with (
            closing(channel(sshd, guard=lambda: next(answers))) as made,
            pytest.raises(Unavailable, match="lease_lost"),
        ):
            made.send(made.render(note()), CONTROL_ID)
        assert standing(sshd) == [f".{NAME}.part"]

    @pytest.mark.parametrize("control_id", ["../../etc/cron.d/x0000", "A" * 19 + "/", "", "A" * 21, "A" * 19 + "\n"])
    def test_no_control_id_leads_out_of_the_directory(self, sshd, control_id):
        with closing(channel(sshd)) as made, pytest.raises(ValueError, match="control id"):
            made.send(made.render(note()), control_id)
        assert standing(sshd) == []


class TestAPassword:
    """A second OpenSSH server, which lets a user in by password alone."""

    def test_that_is_right_lets_us_in_and_the_document_stands_there(self, door):
        with closing(channel(door)) as made:
            made.open()
            rendered = made.render(note())
            assert made.send(rendered, CONTROL_ID).code == "left"
        assert (door.directory / NAME).read_bytes() == rendered.body

    @pytest.mark.parametrize("password", ["wrong", PasswordSshd.PASSWORD + " ", PasswordSshd.PASSWORD[:-1]])
    def test_that_is_not_exactly_right_is_denied(self, door, password):
        assert opening(door, secrets={"password": password}) == "sftp_denied"

    def test_that_is_right_for_another_user_is_denied(self, door):
        assert opening(door, user="root") == "sftp_denied"

    def test_is_what_this_server_takes_and_no_key(self, door):
        assert opening(door, secrets={"private_key": door.key.read_text()}) == "sftp_denied"

    def test_goes_to_nobody_whose_host_key_is_another(self, door, tmp_path):
        other = keypair(tmp_path / "other").with_suffix(".pub").read_text()
        assert opening(door, host_key=other) == "sftp_host_key"


class TestAStranger:
    def test_another_host_key_gets_nothing_and_stops_for_a_person(self, sshd, tmp_path):
        other = keypair(tmp_path / "other").with_suffix(".pub").read_text()
        assert opening(sshd, host_key=other) == "sftp_host_key"

    def test_of_two_pinned_keys_the_old_one_is_still_good(self, sshd, tmp_path):
        other = keypair(tmp_path / "other").with_suffix(".pub").read_text()
        with closing(channel(sshd, host_key=other + sshd.pinned())) as made:
            made.open()

    def test_a_fingerprint_pins_as_well_as_the_key(self, sshd):
        known = fingerprint(paramiko.Ed25519Key.from_private_key_file(str(sshd.host_key)).asbytes())
        with closing(channel(sshd, host_key=known)) as made:
            made.open()

    def test_a_key_that_the_server_does_not_know_is_denied(self, sshd, tmp_path):
        stranger = keypair(tmp_path / "stranger").read_text()
        assert opening(sshd, secrets={"private_key": stranger}) == "sftp_denied"

    def test_a_password_that_the_server_does_not_take_is_denied(self, sshd):
        assert opening(sshd, secrets={"password": "guess"}) == "sftp_denied"

    def test_a_port_that_speaks_no_ssh(self, sshd):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=lambda: listener.accept()[0].sendall(b"220 ready\r\n" * 40), daemon=True).start()
            assert opening(sshd, port=listener.getsockname()[1], connect_seconds=2) == "sftp_no_ssh"

    def test_a_port_where_nobody_listens(self, sshd):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        assert opening(sshd, port=port) == "connection_refused"

    def test_a_server_outside_the_allowed_networks(self, sshd):
        def refuse(host, port):
            raise ValueError("not allowed")

        assert opening(sshd, resolve=refuse) == "target_not_allowed"

    def test_a_directory_that_is_not_there(self, sshd):
        assert opening(sshd, directory="/no/such/place") == "folder_missing"

    def test_a_file_in_the_directorys_place(self, sshd):
        (sshd.directory / "a-file").write_text("x")
        assert opening(sshd, directory=str(sshd.directory / "a-file")) == "folder_missing"


class TestALineThatIsCut:
    def test_killed_before_the_last_step_nothing_was_delivered(self, tmp_path):
        own = Sshd(tmp_path).start()
        with closing(channel(own, guard=killing(own, at=2))) as made, pytest.raises(NoAnswer, match="file_cut"):
            made.send(made.render(note()), CONTROL_ID)
        # The last step was asked for and never answered: a doubt. The look settles it: the temporary file is there.
        assert standing(own) == [f".{NAME}.part"]
        again = Sshd.__new__(Sshd)
        again.__dict__ = own.__dict__ | {"process": None}
        again.start()
        with closing(channel(again)) as made:
            assert made.find(made.render(note()).body, CONTROL_ID) == drop.NOT_THERE
            assert made.send(made.render(note()), CONTROL_ID).code == "left"
            assert made.find(made.render(note()).body, CONTROL_ID) == drop.THERE
        again.stop()
        assert standing(own) == [NAME]

    def test_killed_with_half_of_it_written_it_has_no_name(self, tmp_path):
        own = Sshd(tmp_path).start()
        part = own.directory / f".{NAME}.part"

        def killer() -> None:
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and not (part.exists() and part.stat().st_size):
                time.sleep(0.001)
            own.stop()

        with closing(channel(own)) as made:
            made.open()
            threading.Thread(target=killer).start()
            with pytest.raises(Unavailable, match="file_not_finished"):
                made.send(Rendered(b"x" * 50_000_000, drop.CONTENT_TYPE), CONTROL_ID)
        assert standing(own) == [part.name]
        assert 0 < part.stat().st_size < 50_000_000

    def test_killed_before_writing_it_is_not_sent_and_goes_again(self, tmp_path):
        own = Sshd(tmp_path).start()
        with closing(channel(own, guard=killing(own, at=1))) as made, pytest.raises(Unavailable) as caught:
            made.send(made.render(note()), CONTROL_ID)
        assert caught.value.reason_code == "file_not_finished"
        assert NAME not in standing(own)

    def test_a_server_that_falls_silent_is_given_up_in_time(self, tmp_path):
        own = Sshd(tmp_path).start()
        try:
            with closing(channel(own, call_seconds=0.5)) as made:
                made.open()
                own.sessions(signal.SIGSTOP)
                with pytest.raises(Unavailable, match="file_not_finished"):
                    made.send(made.render(note()), CONTROL_ID)
        finally:
            own.stop()
        assert standing(own) == []

    def test_a_session_that_ended_while_idle_is_renewed_before_the_next_document(self, sshd):
        with closing(channel(sshd)) as made:
            made.open()
            made._transport().close()
            assert made.send(made.render(note()), CONTROL_ID).code == "left"


def killing(sshd, at: int):
    """A guard that ends the server the moment it is asked for the `at`th time, and lets the sender go on."""
    asked = []

    def guard() -> bool:
        asked.append(1)
        if len(asked) == at:
            sshd.stop()
        return True

    return guard


class TestLookingForADocument:
    def test_it_is_there_by_its_name_and_its_bytes(self, sshd):
        with closing(channel(sshd)) as made:
            rendered = made.render(note())
            made.send(rendered, CONTROL_ID)
            assert made.find(rendered.body, CONTROL_ID) == drop.THERE
            assert made.find(rendered.body + b" ", CONTROL_ID) == drop.CANNOT_SAY

    def test_gone_it_may_have_been_taken(self, sshd):
        with closing(channel(sshd)) as made:
            assert made.find(made.render(note()).body, OTHER_ID) == drop.CANNOT_SAY

    def test_gone_where_nobody_takes_any_it_was_never_left(self, sshd):
        with closing(channel(sshd, taken_away=False)) as made:
            assert made.find(made.render(note()).body, OTHER_ID) == drop.NOT_THERE

    def test_a_server_that_is_away_cannot_be_asked(self, tmp_path):
        own = Sshd(tmp_path).start()
        made = channel(own)
        own.stop()
        wait_until(lambda: not listens(own.port)(), 10)  # its child may hold the socket for a moment longer
        with closing(made), pytest.raises(Unavailable, match="connection_refused"):
            made.find(b"x", CONTROL_ID)
