"""The measuring of the log measures the real thing: a log that verifies."""

import io
import json

import pytest
from django.core.management import call_command
from django.db import connection

from audit import verify_log
from audit.bench import log_lines, verified
from audit.log_file import APART, RUN


@pytest.mark.parametrize("events", [1, RUN, RUN + 1, 3 * RUN, APART, APART + 1])
def test_the_log_it_makes_is_whole(tmp_path, capsys, events):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in log_lines(events)))
    assert verify_log.main([str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events"] == events


def test_and_not_whole_once_a_byte_is_changed(tmp_path, capsys):
    path = tmp_path / "log.jsonl"
    made = b"".join(line + b"\n" for line in log_lines(300))
    path.write_bytes(made.replace(b'"attempt":1', b'"attempt":2', 1))
    assert verify_log.main([str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["leaf"] == 0


def test_each_event_is_another(tmp_path):
    lines = [line for line in log_lines(20) if not line.startswith(b'{"+')]
    assert len(set(lines)) == 20
    assert 500 < len(lines[0]) < 2000  # of usual size


def test_verification_is_timed_as_an_auditor_runs_it(tmp_path):
    told = verified(500, tmp_path)
    assert told["whole"] is True
    assert told["events"] == 500
    assert told["events_s"] > 0
    assert told["ten_million_minutes"] > 0


def test_the_command_says_what_it_measured():
    out = io.StringIO()
    call_command("bench_audit", "--events", "300", "--seconds", "0", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["database"] == connection.vendor
    assert told["verify"]["whole"] is True
    assert "cost" not in told
