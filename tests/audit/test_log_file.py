"""An exported log is verified by one standalone file: whole, or the first bad leaf is named; a patient's, that none is missing."""

import ast
import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from audit import verify_log
from audit.anchors import anchor_all
from audit.checkpoints import public_keys
from audit.event import AuditEvent
from audit.models import ConfigurationEntry
from audit.sealed import Leaf, Tree
from tests.audit.log import note, seal_now
from tests.audit.test_whole import as_owner, change, delete

pytestmark = pytest.mark.django_db(transaction=True)
ANN, BOB, CAL, DEE = ("1" * 32, "5" * 32, "9" * 32, "d" * 32)


@pytest.fixture
def log(monkeypatch):
    """Two months of two patients; the second month is the present one."""
    real = timezone.now
    with monkeypatch.context() as earlier:
        earlier.setattr(timezone, "now", lambda: real() - timedelta(days=32))
        for subject in (ANN, BOB, "", ANN):
            note(subject=subject)
        seal_now()
        anchor_all()
    for subject in (BOB, "", DEE, BOB):
        note(subject=subject, count=2)
        seal_now()
    anchor_all()


@pytest.fixture
def export(tmp_path, capsys):
    """Export as the command does; the file."""

    def make(*arguments: str, name: str = "audit.jsonl") -> Path:
        call_command("export_audit", "lakeside", str(tmp_path / name), *arguments)
        capsys.readouterr()
        return tmp_path / name

    return make


@pytest.fixture
def verified(capsys):
    """What the verifier says of a file."""

    def ask(path: Path, *arguments: str) -> dict:
        status = verify_log.main([str(path), "--json", *arguments])
        told = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert status == (0 if told["whole"] else 1)
        return told

    return ask


def test_the_verifier_is_one_small_file_of_the_standard_library_and_one_signature_check():
    source = Path(verify_log.__file__).read_text()
    assert len(source.splitlines()) <= 250
    tree = ast.parse(source)
    names = {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert names - set(sys.stdlib_module_names) == {"cryptography"}


def test_a_whole_log_is_called_whole_by_a_process_that_has_nothing_of_ours(log, export, tmp_path):
    copy = tmp_path / "elsewhere" / "verify_log.py"
    copy.parent.mkdir()
    copy.write_text(Path(verify_log.__file__).read_text())
    key = public_keys()[0].hex()
    done = subprocess.run(
        [sys.executable, "-I", copy.name, str(export()), "--key", key], cwd=copy.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("whole: 12 events in 2 trees until 20")
    assert key in done.stdout


def test_the_command_says_what_it_wrote_and_the_export_is_an_event(log, tmp_path, capsys):
    path = tmp_path / "audit.jsonl"
    call_command("export_audit", "lakeside", str(path), "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["events"] == 12
    event = AuditEvent.objects.get(event="audit.export")
    assert (event.detail["rows"], event.detail["sha256"]) == (12, told["sha256"])
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".part"] == []


def test_events_that_are_not_sealed_are_listed_and_not_called_proved(log, export, verified):
    note(count=3)
    told = verified(export())
    assert (told["whole"], told["events"], told["unsealed"]) == (True, 12, 3)


def test_however_many_are_not_sealed_they_are_listed_in_order(log, export, verified):
    note(subject=ANN, count=600)
    path = export()
    told = verified(path)
    assert (told["whole"], told["unsealed"]) == (True, 600)
    after = [json.loads(line) for line in lines_of(path)[-601:-1]]
    assert [one["at"] for one in after] == sorted(one["at"] for one in after)


def test_the_log_of_events_of_no_practice_is_exported_by_a_dash(log, tmp_path, verified):
    note("", count=2)
    seal_now()
    call_command("export_audit", "-", str(tmp_path / "site.jsonl"))
    told = verified(tmp_path / "site.jsonl")
    assert (told["whole"], told["tree"].split("/")[2]) == (True, "-")


def test_a_file_that_cannot_be_written_is_said_in_words(log, tmp_path):
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_audit", "lakeside", str(tmp_path / "no" / "such" / "folder"))


@pytest.mark.parametrize(
    "attack, place",
    [
        (lambda keys: change(keys[6], reason="forged", row_mac=True), 2),
        (lambda keys: delete("audit_auditevent", keys[7]), 3),
        (lambda keys: (delete("audit_auditevent", keys[7]), delete("audit_leaf", keys[7])), 3),
        (lambda keys: change(keys[0], actor_id="nobody"), 0),
    ],
)
def test_what_was_done_in_the_database_is_named_in_its_export(log, export, verified, attack, place):
    keys = list(AuditEvent.objects.order_by("at", "id").values_list("pk", flat=True))
    attack(keys)
    told = verified(export())
    assert (told["whole"], told["leaf"]) == (False, place)


def test_a_configuration_entry_that_was_edited_or_left_out_is_named(cast, export, verified):
    seal_now()
    assert verified(export())["whole"]
    spoken = AuditEvent.objects.filter(event="config.change", practice="lakeside").latest("at")
    entry = ConfigurationEntry.objects.get(pk=spoken.detail["entry"])
    with as_owner() as cursor:
        cursor.execute("UPDATE audit_configurationentry SET object_repr = 'forged' WHERE id = %s", [entry.pk])
    assert "entry of this event was changed" in verified(export())["wrong"]
    delete("audit_configurationentry", entry.pk)
    assert verified(export())["whole"] is False


def test_a_log_shortened_with_its_checkpoints_is_whole_by_itself_and_not_by_the_anchor(
    log, export, verified, anchor_file
):
    """Why an anchor is needed: L02."""
    assert verified(export(), "--anchor", str(anchor_file))["whole"]
    tree = Tree.objects.latest("month")
    with as_owner() as cursor:
        cursor.execute("DELETE FROM audit_anchorreceipt")
        cursor.execute("DELETE FROM audit_checkpoint WHERE tree_id = %s AND size > 4", [tree.pk])
        cursor.execute("DELETE FROM audit_leaf WHERE tree_id = %s AND seq >= 4", [tree.pk])
        cursor.execute("UPDATE audit_tree SET size = 4 WHERE id = %s", [tree.pk])
    path = export()
    told = verified(path, "--anchor", str(anchor_file))
    assert (told["whole"], told["leaf"]) == (False, 4)
    assert "an anchored checkpoint knows 8 events" in told["wrong"]


def test_a_month_that_is_missing_is_noticed(log, export, verified):
    lines = export().read_bytes().splitlines(keepends=True)
    second = next(at for at, line in enumerate(lines) if at > 1 and line.startswith(b'{"+tree"'))
    path = export(name="without.jsonl")
    path.write_bytes(b"".join(lines[:1] + lines[second:]))
    assert "the month before is not in the file" in verified(path)["wrong"]


def test_another_key_than_the_one_you_were_given_does_not_count(log, export, verified):
    told = verified(export(), "--key", "ab" * 32)
    assert told["whole"] is False
    assert "key that counts" in told["wrong"]


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def forgeries(lines: list[bytes]) -> Iterator[list[bytes]]:
    """Each line but the first in turn: one bit of it changed, left out, said twice, in the place of the one before."""
    for at in range(1, len(lines)):
        middle = len(lines[at]) // 2
        changed = lines[at][:middle] + bytes([lines[at][middle] ^ 1]) + lines[at][middle + 1 :]
        yield [*lines[:at], changed, *lines[at + 1 :]]
        yield lines[:at] + lines[at + 1 :]
        yield [*lines[:at], lines[at], *lines[at:]]
        yield [*lines[: at - 1], lines[at], lines[at - 1], *lines[at + 1 :]]


def proving(lines: list[bytes]) -> list[bytes]:
    """The lines that prove: leaf hashes only tell where it is, and that nothing is unsealed is said by the end too."""
    return [line for line in lines if not line.startswith((b'{"+leaves"', b'{"+unsealed":0'))]


def test_no_line_of_an_exported_log_can_be_changed_left_out_repeated_or_moved(log, export, verified):
    lines = lines_of(export())
    key, path = public_keys()[0].hex(), export(name="changed.jsonl")
    tried = 0
    for forged in forgeries(lines):
        # The same checkpoint, or the same end, said twice states nothing new.
        doubled = {line[:6] for line in forged if forged.count(line) > lines.count(line)} & {b'{"+che', b'{"+end'}
        if proving(forged) == proving(lines) or doubled:
            continue
        path.write_bytes(b"".join(forged))
        assert verified(path, "--key", key)["whole"] is False, set(forged) ^ set(lines)
        tried += 1
    assert tried > 50


def test_events_written_behind_the_end_are_noticed(log, export, verified):
    path = export()
    event = next(line for line in lines_of(path) if not line.startswith(b'{"+'))
    path.write_bytes(path.read_bytes() + event)
    assert verified(path)["wrong"] == "the file goes on behind its end"


# One patient, and nothing missing


def test_L12_one_patients_events_are_proved_complete_without_showing_anybody_elses(log, export, verified):
    """L12."""
    path = export("--subject", BOB)
    told = verified(path)
    assert (told["whole"], told["events"], told["trees"]) == (True, 5, 2)
    text = path.read_text()
    assert set(re.findall(r'"subject_bidx":"(\w*)"', text)) == {BOB}


def test_a_patient_of_whom_there_is_nothing_gets_that_proved(log, export, verified):
    for subject in (CAL, "0" * 32, "f" * 32):
        assert verified(export("--subject", subject))["events"] == 0


def test_a_patients_events_since_the_last_checkpoint_are_listed_as_not_proved(log, export, verified):
    note(subject=ANN)
    seal_now()
    note(subject=ANN)
    told = verified(export("--subject", ANN))
    assert (told["whole"], told["events"], told["unsealed"]) == (True, 2, 2)


def test_L12_removing_any_one_event_of_a_patient_is_noticed(log, export, verified):
    """15 of reliability §8: removing any one row fails the verification."""
    lines = lines_of(export("--subject", BOB))
    events = [at for at, line in enumerate(lines) if not line.startswith(b'{"+')]
    assert len(events) == 5
    for at in events:
        path = export("--subject", BOB, name="without.jsonl")
        end = json.loads(lines[-1])
        end["+end"]["events"] -= 1
        kept = lines[: at - 1] + lines[at + 1 : -1] + [json.dumps(end, separators=(",", ":")).encode() + b"\n"]
        path.write_bytes(b"".join(kept))
        assert "1 of the patient's events are missing" in verified(path)["wrong"]


@pytest.mark.parametrize(
    "forge",
    [
        lambda head: head["entry"].update(count=head["entry"]["count"] - 1),
        lambda head: head["entry"].update(subject="0" * 32),
        lambda head: head["entry"].update(path=[]),
        lambda head: head.update(before=head.pop("entry")),
        lambda head: head.clear(),
    ],
)
def test_a_forged_number_of_a_patients_events_is_noticed(log, export, verified, forge):
    lines = lines_of(export("--subject", BOB))
    at = next(at for at, line in enumerate(lines) if line.startswith(b'{"+head"'))
    head = json.loads(lines[at])
    forge(head["+head"])
    lines[at] = json.dumps(head).encode() + b"\n"
    path = export("--subject", BOB, name="forged.jsonl")
    path.write_bytes(b"".join(lines))
    assert verified(path)["whole"] is False


def test_anothers_event_cannot_stand_in_for_a_patients(log, export, verified):
    """The proof of a place is good; that the event is this patient's is looked at as well."""
    bobs, anns = lines_of(export("--subject", BOB)), lines_of(export("--subject", ANN))
    take = next(at for at, line in enumerate(anns) if line.startswith(b'{"+proof"'))
    at = next(at for at, line in enumerate(bobs) if line.startswith(b'{"+proof"'))
    path = export(name="mixed.jsonl")
    path.write_bytes(b"".join(bobs[:at] + anns[take : take + 2] + bobs[at + 2 :]))
    assert "another patient's" in verified(path)["wrong"]


def test_before_the_first_head_map_a_patients_export_waits_and_says_so(tmp_path):
    note(subject=ANN)
    seal_now()
    with pytest.raises(CommandError, match="try again in a minute"):
        call_command("export_audit", "lakeside", str(tmp_path / "x"), "--subject", ANN)
    assert list(tmp_path.glob("x*")) == []


def test_many_leaves_come_in_runs_and_checkpoints_apart(export, verified, monkeypatch):
    monkeypatch.setattr("audit.log_file.RUN", 4)
    monkeypatch.setattr("audit.log_file.APART", 10)
    for _ in range(9):
        note(count=3)
        seal_now()
    path = export()
    told = verified(path)
    assert (told["whole"], told["events"]) == (True, 27)
    kinds = [json.loads(line) for line in lines_of(path) if line.startswith(b'{"+')]
    assert sum("+checkpoint" in one for one in kinds) == 3
    runs = [one["+leaves"] for one in kinds if "+leaves" in one]
    assert sum(len(base64.b64decode(run)) // 32 for _, run in runs) == Leaf.objects.count() == 27


# The command that attacks


@pytest.mark.alike  # a file is judged
def test_a_thousandfold_attack_is_told_as_numbers(tmp_path):
    """`tamper` starts itself anew in its own folder: a real process, here with a few attacks."""
    done = subprocess.run(
        [sys.executable, "manage.py", "tamper", "--attacks", "35", "--json"],
        capture_output=True, text=True, timeout=120, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["attacks"], told["detected"], told["located"]) == (35, 35, 35)
    assert told["exposed"]["detected"] == 0, "what is not protected is said, not hidden"
    assert len(told["kinds"]) >= 7
