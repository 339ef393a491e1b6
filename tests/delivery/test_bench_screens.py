"""The measurement of the screens measures: seeded rows are like real ones, every screen answers, the object is whole."""

import json
import os
import subprocess
import sys

import pytest

from delivery.bench import crowd, site
from delivery.bench.results import percentile
from delivery.bench.screens import Timings, figures, measure
from delivery.models import Attempt, Delivery, NoteVersion, Tally
from delivery.patients import masks
from delivery.states import State
from tests.processes import ROOT

NUMBER = 1200
KEYS = {"first_screen_p95_ms", "filtered_page_p95_ms", "tick_p95_ms", "slowest_query_p95_ms"}


@pytest.fixture
def seeded(transactional_db, settings):
    """In a test's own database, foreign keys checked at the end like those of any other rows."""
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    return crowd.seed(NUMBER)


@pytest.mark.django_db(transaction=True)
def test_the_seeded_rows_are_whole_and_their_screens_answer(seeded):
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
    found = measure(seeded, rounds=1)
    assert found.keys() > KEYS
    assert all(value > 0 for key, value in found.items() if key.endswith("_p95_ms"))
    pages = {key for key in found if key.startswith("filtered_") and key.endswith("_p95_ms")} - KEYS
    assert found["filtered_page_p95_ms"] == percentile([found[key] for key in pages], 0.95)


def test_the_figures_are_nearest_ranks_and_name_the_slowest_query():
    timings = Timings()
    timings.screens |= {"first_screen": [n / 1000 for n in range(1, 101)], "filtered_state": [0.2], "filtered_x": [0.4]}
    timings.queries |= {("first_screen", "SELECT 1"): [0.001] * 9, ("filtered_x", "SELECT 2"): [0.15] * 9}
    found = figures(timings)
    assert found["first_screen_p95_ms"] == 96.0
    assert found["filtered_page_p95_ms"] == 400.0
    assert (found["slowest_query_p95_ms"], found["slowest_query"]) == (150.0, "SELECT 2")
    assert (found["slowest_query_of"], found["queries_with_p95_over_100_ms"]) == ("filtered_x", 1)


@pytest.mark.process
def test_the_command_prints_one_object_and_leaves_nothing_behind(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in ("SCRIBEPORT_DATA", site.FOLDER)}
    environment |= {"TMPDIR": str(tmp_path), "SCRIBEPORT_OWN_ENVIRONMENT": "1"}
    words = ["bench_screens", "--json", "--deliveries", "1000", "--rounds", "1", "--database", "sqlite"]
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert found.keys() > KEYS
    assert (found["deliveries"], found["database"]) == (1000, "sqlite")
    assert [path for path in tmp_path.iterdir() if "screens" in path.name] == []


@pytest.mark.django_db(transaction=True)
def test_what_was_seeded_before_is_taken_up_again_as_it_was_made(seeded):
    assert crowd.again() == seeded
    assert [one.pk for one in crowd.again().locations] == [one.pk for one in seeded.locations]


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


@pytest.mark.process
def test_the_command_keeps_a_database_measures_it_again_and_refuses_a_folder_that_is_none(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in ("SCRIBEPORT_DATA", site.FOLDER)}
    environment |= {"TMPDIR": str(tmp_path), "SCRIBEPORT_OWN_ENVIRONMENT": "1"}

    def bench(*words):
        command = [sys.executable, str(ROOT / "manage.py"), "bench_screens", "--json", "--rounds", "1", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    first = bench("--deliveries", "1000", "--database", "sqlite", "--keep")
    assert first.returncode == 0, first.stderr[-3000:]
    (folder,) = [path for path in tmp_path.iterdir() if "screens" in path.name]
    assert str(folder) in first.stderr
    second = bench("--seeded", str(folder))
    assert second.returncode == 0, second.stderr[-3000:]
    found = json.loads(second.stdout)
    assert (found["deliveries"], found["database"]) == (1000, "sqlite")
    assert folder.exists()
    refused = bench("--seeded", str(tmp_path / "nowhere"))
    assert refused.returncode != 0
    assert "earlier --keep" in refused.stderr
