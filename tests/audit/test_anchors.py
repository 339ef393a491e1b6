"""Checkpoints reach places outside the database; what these remember tells a shortened or restored log."""

import json
import socket

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from audit.anchors import (
    FileAnchor,
    SyslogAnchor,
    Unreachable,
    WebhookAnchor,
    accept_loss,
    anchor_all,
    anchor_at,
    anchored,
    missing_from_database,
)
from audit.checkpoints import opened, read_statement
from audit.event import AuditEvent
from audit.sealed import AnchorReceipt, Checkpoint, LostCheckpoint, Tree
from audit.standing import place_of, standing
from audit.whole import verify
from tests.audit.log import note, seal_now
from tests.emptying import empty_database

pytestmark = pytest.mark.django_db(transaction=True)


class Remembering:
    """An anchor of one's own, as `python:` names it."""

    taken: list[str] = []

    def __init__(self, address: str) -> None:
        self.name = address

    def put(self, note: str) -> None:
        self.taken.append(note)


def test_the_file_gets_each_trees_newest_signed_checkpoint(anchor_file):
    note("lakeside", count=2)
    note("harbor")
    seal_now()
    assert anchor_all() == []
    notes = [json.loads(line)["note"] for line in anchor_file.read_text().splitlines()]
    said = {one.origin.split("/")[2]: one.size for one in (read_statement(opened(text)) for text in notes)}
    assert said == {"lakeside": 2, "harbor": 1}
    assert AnchorReceipt.objects.count() == 2
    assert oct(anchor_file.stat().st_mode & 0o777) == "0o600"


def test_an_anchored_checkpoint_carries_the_head_map():
    note(subject="a" * 32, count=3)
    note(subject="b" * 32)
    seal_now()
    anchor_all()
    said = read_statement(opened(Checkpoint.objects.latest("pk").note))
    assert said.heads == 2
    assert len(said.heads_root) == 32


def test_nothing_new_is_anchored_twice(anchor_file):
    note()
    seal_now()
    anchor_all()
    anchor_all()
    assert len(anchor_file.read_text().splitlines()) == 1


def test_an_anchor_that_is_away_is_told_later_and_the_others_at_once(settings, anchor_file, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    settings.AUDIT_ANCHORS = [f"file://{blocked}/audit.jsonl", f"file://{anchor_file}"]
    note()
    seal_now()
    # (both files have one name: receipts are told apart by it, so give the second its own)
    other = anchor_file.with_name("second.jsonl")
    settings.AUDIT_ANCHORS = [f"file://{blocked}/audit.jsonl", f"file://{other}"]
    assert [failure.split(":")[:2] for failure in anchor_all()] == [["file", "audit.jsonl"]]
    assert len(other.read_text().splitlines()) == 1
    blocked.unlink()
    assert anchor_all() == []
    assert len((blocked / "audit.jsonl").read_text().splitlines()) == 1
    assert len(other.read_text().splitlines()) == 1


def test_syslog_gets_one_line_of_rfc_5424_over_udp_and_tcp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        SyslogAnchor("127.0.0.1", receiver.getsockname()[1]).put("a note\n— with a line\n")
        line = receiver.recv(65536).decode()
    assert line.startswith("<109>1 20")
    assert json.loads(line[line.index("{") :]) == {"note": "a note\n— with a line\n"}
    assert "\n" not in line
    with socket.create_server(("127.0.0.1", 0)) as server:
        SyslogAnchor("127.0.0.1", server.getsockname()[1], stream=True).put("a note")
        with server.accept()[0] as connection:
            length, rest = connection.makefile("rb").read().split(b" ", 1)
    assert int(length) == len(rest)


def test_a_syslog_that_nobody_listens_to_is_unreachable_over_tcp():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(Unreachable):
        SyslogAnchor("127.0.0.1", port, stream=True).put("a note")


@pytest.mark.parametrize("status, taken", [(200, True), (204, True), (302, False), (403, False), (503, False)])
def test_a_webhook_counts_only_with_a_good_answer(httpserver, status, taken):
    httpserver.expect_request("/witness", method="POST", data="a note — signed\n".encode()).respond_with_data(
        "", status=status, headers={"Location": "http://127.0.0.1:1/"} if status == 302 else {}
    )
    anchor = WebhookAnchor(httpserver.url_for("/witness"))
    if taken:
        anchor.put("a note — signed\n")
    else:
        with pytest.raises(Unreachable, match=str(status)):
            anchor.put("a note — signed\n")


def test_addresses_name_the_kinds_of_anchor_and_one_of_your_own():
    assert isinstance(anchor_at("file:///var/anchor/audit.jsonl"), FileAnchor)
    assert anchor_at("syslog://siem.example") == SyslogAnchor("siem.example", 514)
    assert anchor_at("syslog+tcp://siem.example:601") == SyslogAnchor("siem.example", 601, stream=True)
    assert anchor_at("https://witness.example/x?key=1").name == "webhook:witness.example", "no query in a receipt"
    own = anchor_at("python:tests.audit.test_anchors.Remembering?a=b")
    own.put("told")
    assert Remembering.taken == ["told"]
    for wrong in ("", "file://", "ftp://x/y", "audit.jsonl"):
        with pytest.raises(ImproperlyConfigured):
            anchor_at(wrong)


def test_a_line_cut_short_or_forged_in_the_file_is_passed_over(anchor_file):
    note()
    seal_now()
    anchor_all()
    whole = anchor_file.read_text()
    forged = whole.replace("\\n1\\n", "\\n9\\n", 1)
    anchor_file.write_text("not json\n[]\n" + forged + whole + whole[:40])
    assert [one.size for one in anchored()] == [1]
    assert missing_from_database() == []


def test_L03_a_log_cut_off_behind_its_anchor_is_noticed_at_once():
    """L02 and L03: the anchor remembers what the database has forgotten."""
    note(count=2)
    seal_now()
    anchor_all()
    assert missing_from_database() == []
    empty_database()
    (lost,) = missing_from_database()
    assert lost.size == 2
    (found,) = verify().findings
    assert "the anchor knows 2 leaves" in found.what


def test_accepting_the_loss_is_recorded_and_the_tree_begins_anew_beside_the_old():
    note(count=2)
    seal_now()
    anchor_all()
    note(count=2)
    seal_now()
    anchor_all()
    empty_database()
    assert accept_loss() == 1
    assert missing_from_database() == []
    assert {(one.size) for one in LostCheckpoint.objects.all()} == {2, 4}
    told = AuditEvent.objects.get(event="audit.loss")
    assert told.detail["size"] == 4
    note()
    seal_now()
    tree = Tree.objects.get(practice="lakeside")
    assert (tree.part, tree.origin.endswith(".2"), tree.size) == (2, True, 1)
    anchor_all()
    assert missing_from_database() == []
    assert verify().findings == (), "the loss is known; nothing else is wrong"


def test_the_page_is_told_what_is_sealed_what_is_anchored_and_what_is_neither():
    assert (standing("lakeside").sealed, standing("lakeside").anchored) == (None, None)
    (key,) = note()
    event = AuditEvent.objects.get(pk=key)
    assert place_of(event).state == "unsealed"
    assert (standing("lakeside").waiting, standing("lakeside").oldest_waiting) == (1, event.at)
    seal_now()
    assert place_of(event).state == "sealed"
    assert standing("lakeside").waiting == 0
    anchor_all()
    assert place_of(event).state == "anchored"
    now = standing("lakeside")
    assert (now.sealed.size, now.anchored.checkpoint.size, now.same_disk_only) == (1, 1, True)
    later = AuditEvent.objects.get(pk=note()[0])
    seal_now()
    assert place_of(later).state == "sealed", "the anchored checkpoint is older"
    assert standing("harbor").sealed is None


def test_nothing_of_a_rolled_back_pass_is_anchored(anchor_file):
    with pytest.raises(RuntimeError), transaction.atomic():
        note()
        raise RuntimeError
    seal_now()
    anchor_all()
    assert not anchor_file.exists()
