"""A part of the log as a file: a time that is complete between two checkpoints, a selection whose events are each proved."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit import verify_log
from audit.anchors import anchor_all
from audit.event import AuditEvent
from audit.log_file import PROVES, as_bytes
from audit.part_file import bounds, selected_log, time_log
from audit.sealed import Checkpoint
from tests.audit.log import note, seal_now

pytestmark = pytest.mark.django_db(transaction=True)
ANN, BOB = "1" * 32, "5" * 32
REAL = timezone.now


@pytest.fixture
def hours(monkeypatch):
    """Forty days of a log: at each of these many hours ago two events, sealed at once. The times of recording follow."""
    seen = {}

    def at(ago: float, *subjects: str) -> None:
        now = REAL() - timedelta(hours=ago)
        with monkeypatch.context() as then:
            then.setattr(timezone, "now", lambda: now)
            then.setattr("audit.record.datetime", Clock(now))
            keys = [key for subject in subjects for key in note(subject=subject)]
            seal_now()
        seen[ago] = keys

    for ago in (960, 700, 30, 20, 10, 5, 0.5):
        at(ago, ANN, BOB)
    return seen


class Clock:
    """datetime, standing still."""

    def __init__(self, now: datetime) -> None:
        self.standing = now

    def now(self, zone=None) -> datetime:
        return self.standing.astimezone(zone or UTC)


@pytest.fixture
def verified(tmp_path, capsys):
    def ask(lines, *arguments: str) -> dict:
        path = tmp_path / "part.jsonl"
        path.write_bytes(b"".join(as_bytes(lines)))
        verify_log.main([str(path), "--json", *arguments])
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return ask


def events_in(lines) -> list[str]:
    return [json.loads(line.content)["id"] for line in lines if line.event]


def ago(hours: float) -> datetime:
    return REAL() - timedelta(hours=hours)


def recorded(since: datetime | None, until: datetime | None) -> set[str]:
    found = AuditEvent.objects.filter(practice="lakeside")
    found = found.filter(at__gte=since) if since else found
    return {str(one.pk) for one in (found.filter(at__lt=until) if until else found)}


TIMES = [(None, None), (25, None), (25, 15), (None, 15), (800, 25), (2000, 900), (12, 11), (0.4, None), (25, 0.2)]


def test_a_time_holds_every_event_of_it_no_more_than_lies_between_its_checkpoints_and_is_complete(hours, verified):
    for since, until in TIMES:
        first, last = ago(since) if since else None, ago(until) if until else None
        held = set(events_in(time_log("lakeside", first, last)))
        assert recorded(first, last) <= held, (since, until)
        told = verified(time_log("lakeside", first, last))
        assert (told["whole"], told["events"], told["wrong"]) == (True, len(held), None), (since, until)
    held = events_in(time_log("lakeside", ago(25), ago(15)))
    assert set(held) == {str(key) for when in (20, 10) for key in hours[when]}
    # The bounds are said by the verifier and lie outside what was asked for.
    since, until = ago(25), ago(15)
    begins, ends = bounds("lakeside", since, until)
    assert begins.at <= since
    assert ends.at - timedelta(hours=1) >= until
    told = verified(time_log("lakeside", since, until))
    assert f"{begins.at:%Y-%m-%dT%H:%M:%S}" in told["proves"]
    assert f"an hour before {ends.at:%Y-%m-%dT%H:%M:%S}" in told["proves"]
    # Times the wrong way round are an empty part and no fault.
    told = verified(time_log("lakeside", ago(4), ago(25)))
    assert (told["whole"], told["events"]) == (True, 0)
    assert Checkpoint.objects.filter(tree__practice="lakeside").count() >= 7, "enough to say something"


def test_L12_removing_any_one_event_of_a_time_is_noticed(hours, verified, tmp_path, settings):
    lines = list(time_log("lakeside", ago(25), None))
    places = [at for at, line in enumerate(lines) if line.event]
    assert len(places) == 8
    for at in places:
        assert verified(lines[:at] + lines[at + 1 :])["whole"] is False
    # The time is held against the anchors within it, and not called short by later ones.
    anchor = tmp_path / "anchor.jsonl"
    settings.AUDIT_ANCHORS = [f"file://{anchor}"]
    anchor_all()
    assert verified(time_log("lakeside", ago(25), ago(15)), "--anchor", str(anchor))["whole"] is True


def test_what_is_not_sealed_yet_is_listed_apart_where_the_time_is_open_and_of_a_selection(hours, verified):
    note(subject=ANN)
    assert verified(time_log("lakeside", ago(25), None))["unsealed"] == 1
    assert verified(time_log("lakeside", ago(25), ago(15)))["unsealed"] == 0
    told = verified(selected_log("lakeside", of(ANN), []))
    assert (told["whole"], told["events"], told["unsealed"]) == (True, 7, 1)


def test_another_practices_events_are_in_no_part(hours):
    stranger = note(practice="harbor", subject=ANN)
    seal_now()
    ids = events_in(time_log("lakeside", ago(2), None)) + events_in(selected_log("lakeside", of(ANN), []))
    assert str(stranger[0]) not in ids


def of(subject: str):
    return AuditEvent.objects.filter(practice="lakeside", subject_bidx=subject).order_by("-at")


def test_a_selection_is_proved_event_by_event_and_says_what_it_does_not_prove(hours, verified):
    lines = list(selected_log("lakeside", of(BOB), ["who=7"]))
    opening = json.loads(lines[0].content)["+log"]
    assert (opening["part"], opening["filter"], opening["proves"]) == ("selection", ["who=7"], PROVES["selection"])
    assert set(events_in(lines)) == {str(one.pk) for one in of(BOB)}
    told = verified(lines)
    assert (told["whole"], told["events"]) == (True, 7)
    assert "not proved" in told["proves"]
    # One left out is not noticed, and that is what it says; one that was changed is named; none at all is no fault.
    told = verified(selected_log("lakeside", of(BOB).filter(at__gte=ago(25)), []))
    assert (told["whole"], told["events"]) == (True, 4)
    assert "not proved" in told["proves"]
    at = next(place for place, line in enumerate(lines) if line.event)
    changed = type(lines[at])(lines[at].content.replace(b"system.start", b"system.stop!"), event=True)
    assert verified([*lines[:at], changed, *lines[at + 1 :]])["wrong"] == "the event is not the one that was sealed"
    assert verified(selected_log("lakeside", AuditEvent.objects.none(), []))["events"] == 0


def test_the_command_exports_a_time_and_narrows_no_patients_proof_by_one(hours, tmp_path, capsys):
    path = tmp_path / "part.jsonl"
    call_command(
        "export_audit", "lakeside", str(path), "--since", f"{ago(25):%Y-%m-%dT%H:%M}", "--until", ago(15).isoformat()
    )
    capsys.readouterr()
    assert verify_log.main([str(path)]) == 0
    assert "none recorded from" in capsys.readouterr().out
    with pytest.raises(CommandError, match="proved whole"):
        call_command("export_audit", "lakeside", str(tmp_path / "x"), "--subject", ANN, "--since", "2026-01-01")
