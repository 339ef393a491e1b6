"""The measurement of the screens measures: seeded rows are like real ones, every screen answers, the object is whole."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from delivery.bench import crowd, site
from delivery.bench.results import percentile
from delivery.bench.screens import Timings, figures
from delivery.management.commands.bench_screens import Command
from delivery.models import Attempt, Delivery, NoteVersion, Tally
from delivery.patients import masks
from delivery.states import State
from tests.processes import ROOT, url_of

NUMBER = 1000
KEYS = {"first_screen_p95_ms", "filtered_page_p95_ms", "tick_p95_ms", "slowest_query_p95_ms"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A measurement's folder, as the started command finds it; its database and its keys are the test's own."""
    folder = tmp_path / "screens"
    own = {site.FOLDER: str(folder), site.SERVER: "", "SCRIBEPORT_DATA": str(settings.DATA_DIR), "REDIS_URL": ""}
    own |= {"SCRIBEPORT_QUEUE": "screens", "DATABASE_URL": url_of(str(connection.settings_dict["NAME"]))}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    folder.mkdir()
    return folder


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_the_command_seeds_measures_leaves_nothing_keeps_and_measures_again(place, settings, monkeypatch, capsys):
    """In a test's own database, foreign keys checked at the end like those of any other rows."""
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    seeded, seed = [], crowd.seed
    monkeypatch.setattr(crowd, "seed", lambda number: seeded.append(seed(number)) or seeded[0])
    call_command("bench_screens", "--json", deliveries=NUMBER, rounds=1)
    whole(json.loads(capsys.readouterr().out))
    assert not place.exists(), "nothing is left behind"
    the_rows_are_like_real_ones()
    assert crowd.again() == seeded[0]
    assert [one.pk for one in crowd.again().locations] == [one.pk for one in seeded[0].locations]

    place.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(Command, "measure", lambda *_args, **_options: {})
        call_command("bench_screens", keep=True)
    assert str(place) in capsys.readouterr().err
    command = [sys.executable, str(ROOT / "manage.py"), "bench_screens", "--json", "--rounds", "1"]
    elsewhere = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", site.FOLDER)}
    elsewhere["SCRIBEPORT_OWN_ENVIRONMENT"] = "1"
    again = subprocess.run([*command, "--seeded", str(place)], env=elsewhere, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr[-3000:]
    (line,) = again.stdout.splitlines()
    whole(json.loads(line))
    assert place.exists()


def the_rows_are_like_real_ones():
    assert Delivery.objects.count() == NoteVersion.objects.count() == NUMBER
    assert Delivery.objects.filter(state=State.READY).count() == crowd.WAITING
    states = set(Delivery.objects.values_list("state", flat=True).distinct())
    assert {State.VERIFIED.value, State.ACCEPTED.value} < states
    sent = Delivery.objects.exclude(state__in=crowd.UNSENT)
    assert set(Attempt.objects.values_list("delivery", flat=True)) == set(sent.values_list("pk", flat=True))
    assert sum(Tally.objects.values_list("number", flat=True)) == NUMBER
    newest = Delivery.objects.order_by("-pk")[0]
    assert newest.created_at > Delivery.objects.order_by("pk")[0].created_at
    assert masks([newest.note_version_id])[newest.note_version_id].startswith("J.D. ••")


def whole(found):
    assert found.keys() > KEYS
    assert (found["deliveries"], found["database"]) == (NUMBER, connection.vendor)
    assert all(value > 0 for key, value in found.items() if key.endswith("_p95_ms"))
    pages = {key for key in found if key.startswith("filtered_") and key.endswith("_p95_ms")} - KEYS
    assert found["filtered_page_p95_ms"] == percentile([found[key] for key in pages], 0.95)


def test_the_command_begins_anew_in_a_place_of_its_own_and_refuses_a_folder_that_is_none(tmp_path, monkeypatch):
    monkeypatch.delenv(site.FOLDER, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def begun(_program, words, environment):
        raise SystemExit([words, environment])

    monkeypatch.setattr(os, "execve", begun)
    with pytest.raises(SystemExit) as ended:
        call_command("bench_screens", database="sqlite")
    words, environment = ended.value.code
    assert words == [sys.executable, *sys.argv]
    (made,) = tmp_path.iterdir()
    assert environment[site.FOLDER] == environment["SCRIBEPORT_DATA"] == str(made)
    assert environment["DATABASE_URL"] == f"sqlite:///{made}/screens.sqlite3"
    with pytest.raises(CommandError, match="earlier --keep"):
        call_command("bench_screens", seeded=str(tmp_path / "nowhere"))


def test_the_figures_are_nearest_ranks_and_name_the_slowest_query():
    timings = Timings()
    timings.screens |= {"first_screen": [n / 1000 for n in range(1, 101)], "filtered_state": [0.2], "filtered_x": [0.4]}
    timings.queries |= {("first_screen", "SELECT 1"): [0.001] * 9, ("filtered_x", "SELECT 2"): [0.15] * 9}
    found = figures(timings)
    assert found["first_screen_p95_ms"] == 96.0
    assert found["filtered_page_p95_ms"] == 400.0
    assert (found["slowest_query_p95_ms"], found["slowest_query"]) == (150.0, "SELECT 2")
    assert (found["slowest_query_of"], found["queries_with_p95_over_100_ms"]) == ("filtered_x", 1)


def test_a_place_that_was_kept_is_found_again_by_its_folder_and_nobody_else_reads_its_addresses(tmp_path, monkeypatch):
    own = {"SCRIBEPORT_DATA": str(tmp_path), "SCRIBEPORT_QUEUE": "q1", "DATABASE_URL": "postgres://a:b@h/c"}
    for name, value in {**own, site.FOLDER: str(tmp_path), site.SERVER: "", "REDIS_URL": ""}.items():
        monkeypatch.setenv(name, value)
    site.here().keep()
    assert (tmp_path / site.KEPT).stat().st_mode & 0o077 == 0
    monkeypatch.setenv("DATABASE_URL", "sqlite:///other")
    assert site.kept(tmp_path).items() >= own.items()
    with pytest.raises(OSError):
        site.kept(tmp_path / "nowhere")
