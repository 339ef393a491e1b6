"""The anchor that is a file: what stands in it, who may read it, and what a full disk or a crash leaves behind."""

import json
import os
import stat
from datetime import UTC, datetime

import pytest

from audit import anchors
from audit.anchors import FileAnchor, Unreachable


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    monkeypatch.setattr(anchors.timezone, "now", lambda: datetime(2026, 5, 2, 12, 0, tzinfo=UTC))


@pytest.fixture
def anchor(tmp_path) -> FileAnchor:
    return FileAnchor(tmp_path / "worm" / "audit.jsonl")


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_note_is_one_line_of_json_with_the_hour(anchor):
    anchor.put("scribeport/audit\n1\n\n— key x\n")
    assert anchor.path.read_bytes() == (
        '{"at": "2026-05-02T12:00:00.000000Z", "note": "scribeport/audit\\n1\\n\\n— key x\\n"}\n'.encode()
    )


def test_notes_come_back_in_the_order_they_were_put(anchor):
    for note in ("one", "two", "three"):
        anchor.put(note)
    assert list(anchor.notes()) == anchor.newest() == ["one", "two", "three"]


def test_nobody_but_the_owner_may_read_it(anchor):
    anchor.put("one")
    assert (mode(anchor.path), mode(anchor.path.parent)) == (0o600, 0o700)


def test_a_file_that_is_not_there_holds_nothing(anchor):
    assert list(anchor.notes()) == anchor.newest() == []


def test_asking_does_not_make_it(anchor):
    anchor.newest()
    assert not anchor.path.exists()


def test_what_stood_in_it_is_never_written_over(anchor):
    anchor.put("one")
    before = anchor.path.read_bytes()
    anchor.put("two")
    assert anchor.path.read_bytes().startswith(before)


def test_a_note_after_a_line_cut_short_is_not_lost_with_it(anchor):
    """A crash in the middle of a line leaves no line end: the next note must begin on a line of its own."""
    anchor.put("one")
    anchor.path.write_bytes(anchor.path.read_bytes() + b'{"at": "2026-05-02T12:00:0')
    anchor.put("two")
    assert list(anchor.notes()) == ["one", "two"]


def test_a_disk_that_takes_only_half_of_a_line_has_not_taken_the_note(anchor, monkeypatch):
    real = os.write
    monkeypatch.setattr(anchors.os, "write", lambda handle, data: real(handle, data[: len(data) // 2]))
    with pytest.raises(Unreachable, match="the disk is full"):
        anchor.put("one")
    assert list(anchor.notes()) == []


def test_the_note_is_offered_again_and_stands_once_the_disk_has_room(anchor, monkeypatch):
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(anchors.os, "write", lambda handle, data: real(handle, data[:10]))
        with pytest.raises(Unreachable):
            anchor.put("one")
    anchor.put("one")
    assert list(anchor.notes()) == ["one"]


def test_a_full_device_is_unreachable_and_named_by_its_kind_alone():
    with pytest.raises(Unreachable) as caught:
        FileAnchor(anchors.Path("/dev/full")).put("one")
    assert str(caught.value) == "OSError"


def test_a_folder_in_its_place_is_unreachable(anchor):
    anchor.path.mkdir(parents=True)
    with pytest.raises(Unreachable, match="IsADirectoryError"):
        anchor.put("one")


def test_only_the_end_of_a_long_file_is_read_for_the_newest(anchor):
    for number in range(8):
        anchor.put(f"{number}" * 20_000)
    assert [note[0] for note in anchor.newest()] == ["5", "6", "7"]
    assert len(list(anchor.notes())) == 8


@pytest.mark.parametrize(
    "line", ["", "not json", "[]", "7", "null", '{"at": "x"}', '{"note": 7}', '{"note": null}', '{"note"', "\ufffd"]
)
def test_a_line_that_is_no_note_is_passed_over(anchor, line):
    anchor.put("one")
    with anchor.path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    anchor.put("two")
    assert list(anchor.notes()) == ["one", "two"]


def test_bytes_that_are_no_text_cost_their_own_line_alone(anchor):
    anchor.put("one")
    with anchor.path.open("ab") as file:
        file.write(b"\xff\xfe\x00\n")
    anchor.put("two")
    assert anchor.newest() == ["one", "two"]


def test_its_lines_can_be_read_by_anybody(anchor):
    anchor.put("ein Siegel – für später")
    (line,) = anchor.path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {"at": "2026-05-02T12:00:00.000000Z", "note": "ein Siegel – für später"}
