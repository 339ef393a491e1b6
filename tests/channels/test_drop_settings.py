"""Settings of C-CDA by folder and SFTP: what cannot be used is said in plain words, and no secret is shown."""

import base64
import hashlib

import pytest

from delivery.channels.drop_settings import FolderSettings, SftpSettings, directory_of, fingerprints, inside
from delivery.channels.registry import channel_for, reader_for
from delivery.opening import settings_of
from portal.models import Connection

BLOB = b"\x00\x00\x00\x0bssh-ed25519" + b"\x00\x00\x00 " + b"k" * 32
KEY = "ssh-ed25519 " + base64.b64encode(BLOB).decode()
PRINT = "SHA256:" + base64.b64encode(hashlib.sha256(BLOB).digest()).decode().rstrip("=")
SFTP = {"host": "sftp.partner.test", "user": "scribeport", "host_key": KEY}
SECRET = {"password": "s3cret-word"}


def sftp(secrets=SECRET, **changes) -> SftpSettings:
    return SftpSettings.read({**SFTP, **changes}, secrets, "production")


class TestSftp:
    def test_the_usual(self):
        own = sftp()
        assert (own.port, own.directory, own.prefix, own.taken_away) == (22, ".", "", True)
        assert own.host_keys == (PRINT,)

    def test_no_secret_is_shown(self):
        own = sftp({"password": "s3cret-word", "private_key": "s3cret-key"})
        assert "s3cret" not in repr(own)

    @pytest.mark.parametrize(
        "changes, words",
        [
            ({"host": ""}, "Host must be"),
            ({"host": "user@host"}, "Host must be"),
            ({"host": "a b"}, "Host must be"),
            ({"port": 0}, "Port must be"),
            ({"port": 70000}, "Port must be"),
            ({"port": "x"}, "whole number"),
            ({"user": ""}, "user's name"),
            ({"user": "a b"}, "user's name"),
            ({"host_key": ""}, "host key is missing"),
            ({"host_key": "\n \n"}, "host key is missing"),
            ({"host_key": "MD5:00:11"}, "A host key is"),
            ({"host_key": "ssh-rsa AAAA*"}, "A host key is"),
            ({"directory": "../up"}, "must not contain"),
            ({"directory": "in/../../up"}, "must not contain"),
            ({"directory": "in\x00box"}, "must not contain"),
            ({"directory": "in\\box"}, "must not contain"),
            ({"file_prefix": "../x"}, "beginning may have"),
            ({"file_prefix": ".hidden"}, "beginning may have"),
            ({"file_prefix": "a/b"}, "beginning may have"),
            ({"file_prefix": "x" * 41}, "beginning may have"),
            ({"taken_away": "yes"}, "true or false"),
            ({"call_seconds": 0}, "seconds"),
            ({"connect_seconds": 61}, "seconds"),
        ],
    )
    def test_what_is_wrong_is_named(self, changes, words):
        with pytest.raises(ValueError, match=words):
            sftp(**changes)

    def test_without_password_and_key_nobody_can_sign_in(self):
        with pytest.raises(ValueError, match="password or a private key"):
            sftp({})

    def test_an_environment_nobody_knows(self):
        with pytest.raises(ValueError, match="Environment"):
            SftpSettings.read(SFTP, SECRET, "staging")

    def test_a_private_key_that_cannot_be_read_is_said_without_showing_it(self):
        with pytest.raises(ValueError, match="private key cannot be read") as caught:
            channel_for("ccda-sftp", SFTP, {"private_key": "s3cret"}, "sandbox", lambda host, port: (host, port))
        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize("form", [KEY, f"{KEY} comment", f"sftp.partner.test {KEY}", PRINT, f"\n  {KEY}\n\n"])
    def test_a_host_key_is_taken_in_every_form_that_partners_send(self, form):
        assert fingerprints(form) == (PRINT,)

    def test_two_keys_while_one_is_replaced(self):
        assert fingerprints(f"{KEY}\nSHA256:{'A' * 43}") == (PRINT, f"SHA256:{'A' * 43}")


class TestFolder:
    def read(self, folder, *roots, **changes) -> FolderSettings:
        return FolderSettings.read({"folder": str(folder), "allowed_folders": list(roots), **changes}, {}, "sandbox")

    def test_a_folder_below_an_allowed_one(self, tmp_path):
        own = self.read(tmp_path / "inbox", str(tmp_path))
        assert own.folder == (tmp_path / "inbox").resolve()

    @pytest.mark.parametrize("folder", ["", "relative", "inbox/../x", "/var/../etc", "/var\x00/x"])
    def test_no_path_that_says_something_else_than_it_is(self, folder):
        with pytest.raises(ValueError, match="whole path"):
            self.read(folder, "/")

    def test_none_outside_the_allowed_ones(self, tmp_path):
        with pytest.raises(ValueError, match="SCRIBEPORT_ALLOWED_FOLDERS"):
            self.read("/etc", str(tmp_path))
        with pytest.raises(ValueError, match="SCRIBEPORT_ALLOWED_FOLDERS"):
            self.read(f"{tmp_path}-beside", str(tmp_path))
        with pytest.raises(ValueError, match="SCRIBEPORT_ALLOWED_FOLDERS"):
            self.read(tmp_path)

    def test_no_link_that_leads_out(self, tmp_path):
        (tmp_path / "root").mkdir()
        (tmp_path / "root" / "way-out").symlink_to("/etc")
        with pytest.raises(ValueError, match="SCRIBEPORT_ALLOWED_FOLDERS"):
            inside(str(tmp_path / "root" / "way-out"), (str(tmp_path / "root"),))

    def test_a_connection_cannot_allow_itself_a_folder(self, tmp_path, settings):
        """What the installation allows stands over what the row says."""

        settings.ALLOWED_FOLDERS = [str(tmp_path)]
        row = Connection(kind="ccda-folder", settings={"folder": "/etc", "allowed_folders": ["/"]})
        assert settings_of(row)["allowed_folders"] == [str(tmp_path)]


@pytest.mark.parametrize("typed, read", [("", "."), ("in/box", "in/box"), ("/in", "/in"), ("a..b", "a..b")])
def test_a_directory_as_typed(typed, read):
    assert directory_of(typed) == read


@pytest.mark.parametrize("kind", ["ccda-folder", "ccda-sftp"])
def test_no_chart_is_read_through_one(kind):
    with pytest.raises(ValueError, match="cannot read a chart"):
        reader_for(kind, {}, {}, "sandbox", lambda host, port: (host, port))
