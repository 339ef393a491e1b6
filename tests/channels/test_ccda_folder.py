"""C-CDA into a folder: whole or not at all, never over another file, never out of the folder; each failure named."""

import errno
import os
import resource
from contextlib import closing, contextmanager

import pytest
from lxml import etree

from delivery.channels import ccda_folder, drop
from delivery.channels.base import NoAnswer, Refused, Rendered, Unavailable
from delivery.channels.ccda_folder import Folder, FolderChannel
from delivery.channels.drop_settings import FolderSettings
from delivery.failures import CATALOGUE
from tests.channels.notes import CONTROL_ID, OTHER_ID, note

NAME = f"{CONTROL_ID}.xml"
PART = f".{NAME}.part"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "inbox"
    made.mkdir()
    return made


def channel(folder, guard=lambda: True, **changes) -> FolderChannel:
    own = {"folder": str(folder), "allowed_folders": [str(folder.parent)], **changes}
    return FolderChannel(FolderSettings.read(own, {}, "sandbox"), guard)


def send(folder, control_id=CONTROL_ID, **how) -> str:
    with closing(channel(folder, **how)) as made:
        return made.send(made.render(note()), control_id).code


def fails(folder, **how) -> str:
    with pytest.raises(Unavailable) as caught:
        send(folder, **how)
    assert caught.value.reason_code in CATALOGUE
    return caught.value.reason_code


def standing(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def nobody():
    """Without root's rights, which know no denial."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


class TestLeaving:
    def test_a_document_stands_there_alone_and_can_be_read_as_one(self, folder):
        assert send(folder) == "left"
        assert standing(folder) == [NAME]
        assert etree.parse(str(folder / NAME)).getroot().tag == "{urn:hl7-org:v3}ClinicalDocument"

    def test_a_repeat_is_recognised_and_changes_nothing(self, folder):
        send(folder)
        before = (folder / NAME).stat()
        assert send(folder) == "already_there"
        after = (folder / NAME).stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)

    def test_no_other_file_is_written_over(self, folder):
        (folder / NAME).write_text("another's")
        with pytest.raises(Refused, match="file_name_taken"):
            send(folder)
        assert (folder / NAME).read_text() == "another's"
        assert standing(folder) == [NAME]

    def test_one_that_takes_the_name_at_the_last_moment_is_not_written_over_either(self, folder):
        def guard(asked=[]):  # noqa: B006  # counts over the calls of one test
            asked.append(1)
            if len(asked) == 2:
                (folder / NAME).write_text("quicker")
            return True

        with pytest.raises(Refused, match="file_name_taken"):
            send(folder, guard=guard)
        assert (folder / NAME).read_text() == "quicker"

    def test_a_link_in_a_documents_place_is_not_followed(self, folder, tmp_path):
        target = tmp_path / "victim"
        target.write_text("kept")
        (folder / NAME).symlink_to(target)
        with pytest.raises(Refused, match="file_name_taken"):
            send(folder)
        (folder / NAME).unlink()
        (folder / PART).symlink_to(target)
        assert send(folder) == "left"
        assert target.read_text() == "kept"

    def test_two_notes_have_two_documents(self, folder):
        send(folder)
        send(folder, OTHER_ID)
        assert standing(folder) == sorted([NAME, f"{OTHER_ID}.xml"])

    def test_where_a_file_system_knows_no_links_it_is_renamed(self, folder, monkeypatch):
        def no_links(*_, **__):
            raise OSError(errno.EOPNOTSUPP, "no links")

        monkeypatch.setattr(ccda_folder.os, "link", no_links)
        assert send(folder) == "left"
        assert standing(folder) == [NAME]
        opened = Folder(folder)
        opened.write("again.part", b"x")
        with pytest.raises(FileExistsError):
            opened.name_finally("again.part", NAME)
        opened.close()

    def test_a_share_that_failed_at_the_last_step_leaves_a_doubt(self, folder, monkeypatch):
        def broken(*_, **__):
            raise OSError(errno.EIO, "share gone")

        monkeypatch.setattr(ccda_folder.os, "link", broken)
        with pytest.raises(NoAnswer, match="file_cut"):
            send(folder)

    @pytest.mark.parametrize("control_id", ["../" * 6 + "xx", "A/" * 10, ".", "", "A" * 20 + "\x00"])
    def test_no_control_id_leads_out_of_the_folder(self, folder, control_id):
        with pytest.raises(ValueError, match="control id"):
            send(folder, control_id)
        assert standing(folder) == []


class TestWhatFails:
    def test_a_folder_that_is_not_there(self, folder):
        folder.rmdir()
        assert fails(folder) == "folder_missing"

    def test_a_folder_that_may_not_be_written_to(self, folder):
        folder.chmod(0o555)
        folder.parent.chmod(0o755)
        with nobody():
            assert fails(folder) in ("folder_denied", "folder_missing")
        assert standing(folder) == []

    def test_a_full_disk_leaves_nothing_behind(self, folder):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, hard))
        try:
            assert fails(folder) == "disk_full"
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert standing(folder) == []
        assert send(folder) == "left"

    def test_the_right_to_send_is_asked_for_before_writing_and_before_naming(self, folder):
        assert fails(folder, guard=lambda: False) == "lease_lost"
        assert standing(folder) == []
        answers = iter([True, False])
        assert fails(folder, guard=lambda: next(answers)) == "lease_lost"
        assert standing(folder) == [PART]

    def test_what_reads_otherwise_than_it_was_written_gets_no_name(self, folder, monkeypatch):
        monkeypatch.setattr(Folder, "write", lambda self, name, body: (folder / name).write_bytes(body[:-1]))
        assert fails(folder) == "file_not_whole"
        assert standing(folder) == [PART]

    def test_a_folder_that_leads_elsewhere_since_it_was_allowed(self, folder, tmp_path_factory):
        made = channel(folder)
        folder.rmdir()
        folder.symlink_to(tmp_path_factory.mktemp("elsewhere"))
        with pytest.raises(Unavailable, match="target_not_allowed"):
            made.open()

    @pytest.mark.parametrize("number", sorted(ccda_folder.REASONS))
    def test_every_error_of_the_system_that_is_known_has_a_reason_that_is_explained(self, number):
        assert ccda_folder.reason(OSError(number, "x")) in CATALOGUE

    def test_any_other_error_says_so(self):
        assert ccda_folder.reason(OSError(errno.ELOOP, "x")) == "folder_failed"
        assert "folder_failed" in CATALOGUE


class TestLooking:
    def find(self, folder, body=None, **how) -> str:
        with closing(channel(folder, **how)) as made:
            return made.find(body or made.render(note()).body, CONTROL_ID)

    def test_left_it_is_there(self, folder):
        send(folder)
        assert self.find(folder) == drop.THERE

    def test_changed_by_somebody_it_cannot_be_said(self, folder):
        send(folder)
        assert self.find(folder, b"other") == drop.CANNOT_SAY

    def test_under_its_temporary_name_alone_it_was_not_left(self, folder):
        (folder / PART).write_text("half")
        assert self.find(folder) == drop.NOT_THERE

    def test_nowhere_it_may_have_been_taken_unless_nobody_takes_any(self, folder):
        assert self.find(folder) == drop.CANNOT_SAY
        assert self.find(folder, taken_away=False) == drop.NOT_THERE

    def test_the_prefix_belongs_to_the_name(self, folder):
        send(folder, file_prefix="north_")
        assert standing(folder) == [f"north_{NAME}"]
        assert self.find(folder, file_prefix="north_") == drop.THERE
        assert self.find(folder) == drop.CANNOT_SAY


def test_a_folder_may_be_written_to_and_not_read(folder):
    """A drop box: what cannot be read is compared by its size."""
    folder.parent.chmod(0o755)
    folder.chmod(0o777)
    (folder / NAME).write_bytes(b"12345")
    (folder / NAME).chmod(0o000)
    with closing(Folder(folder)) as opened, nobody():
        assert opened.digest(NAME, b"abcde") == drop.sha256(b"abcde")
        assert opened.digest(NAME, b"abcd") == ""


def test_a_document_of_any_bytes_comes_back(folder):
    with closing(channel(folder)) as made:
        body = bytes(range(256)) * 300
        made.send(Rendered(body, drop.CONTENT_TYPE), CONTROL_ID)
    assert (folder / NAME).read_bytes() == body
