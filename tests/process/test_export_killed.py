"""P08: a worker is killed while it makes the export of every note: the next one makes it anew, and nothing half is left."""

import json

import pytest

from delivery.bench.notes import note
from tests.process.clinic import change, rows
from tests.processes import Site, wait_until

pytestmark = pytest.mark.process

NOTES = 600
ASK = """
from audit.record import Actor, acting
from delivery.bench import release
from portal.exports.asking import begin
from portal.models import User
with acting(Actor("command", "tests", "tests")):
    made = release.seed({notes}) if not User.objects.exists() else None
    director = made.director if made else User.objects.get()
    print(begin(director, "ehi", {{"format": "zip", "patient": ""}}).pk)
"""
FETCH = """
import json, sys, tempfile
from pathlib import Path
from django.http import Http404
from audit.record import Actor, acting
from delivery.bench.release import equal
from portal.exports.asking import fetch
from portal.exports.tables import ExportJob
job = ExportJob.objects.get(pk={pk})
with acting(Actor("command", "tests", "tests")), tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "all.zip"
    try:
        with path.open("wb") as file:
            file.writelines(fetch(job))
    except Http404:
        print("nothing to fetch")
    else:
        print(json.dumps(equal(path, {notes})))
"""


def shell(site: Site, words: str) -> str:
    return site.manage("shell", "--verbosity", "0", "-c", words).strip()


def asked(site: Site) -> int:
    return int(shell(site, ASK.format(notes=NOTES)))


def of(site: Site, pk: int) -> tuple:
    """State, notes done, pieces, tries and trouble of an export, as they stand in the database."""
    (row,) = rows(
        site.database_url,
        "SELECT state, done, (SELECT count(*) FROM portal_exportpiece p WHERE p.job_id = j.id), tries, trouble "
        f"FROM portal_exportjob j WHERE id = {pk}",
    )
    return row


def killed_half_way(site: Site, pk: int, tries: int) -> None:
    """A worker takes it, makes a part of it, and is killed with all its threads."""
    worker = site.module("worker", "delivery.chaos.worker")

    def half_way() -> bool:
        state, done, pieces, tried, _ = of(site, pk)
        return (state, tried) == ("running", tries) and done > 0 and pieces >= 1  # none done: pieces of the try before

    wait_until(half_way, 90, lambda: f"{of(site, pk)}\n{worker.log()[-2000:]}")
    worker.kill()
    state, done, pieces, *_ = of(site, pk)
    assert (state, pieces >= 1) == ("running", True)
    assert done < NOTES, "it was killed too late to say anything"


def lease_runs_out(site: Site) -> None:
    """Two minutes later."""
    change(
        site.database_url, "UPDATE portal_exportjob SET held_until = '2026-01-01 00:00:00+00' WHERE state = 'running'"
    )


def left_behind(site: Site) -> bytes:
    """Every byte the killed worker left: the pieces in the database, and files in the installation's folder."""
    pieces = rows(site.database_url, "SELECT sealed_body FROM portal_exportpiece")
    files = [
        path.read_bytes()
        for path in site.folder.rglob("*")
        if path.is_file() and not path.name.startswith("site.sqlite3")
    ]
    return b"".join([*(bytes(piece) for (piece,) in pieces), *files])


def nothing_readable(site: Site) -> None:
    left = left_behind(site)
    assert b"PK\x03\x04" not in left, "a part of the archive lies open"
    for number in range(0, NOTES, 40):
        one = note("release", number)
        for words in (one["patient"]["id"], *(section["text"][:60] for section in one["sections"])):
            assert words.encode() not in left


def test_P08_an_export_whose_worker_is_killed_is_made_anew_or_has_failed_and_nothing_of_it_can_be_read(site):
    pk = asked(site)
    killed_half_way(site, pk, tries=1)
    nothing_readable(site)
    assert shell(site, FETCH.format(pk=pk, notes=NOTES)) == "nothing to fetch"
    lease_runs_out(site)
    worker = site.module("worker", "delivery.chaos.worker")
    wait_until(lambda: of(site, pk)[0] == "done", 120, lambda: f"{of(site, pk)}\n{worker.log()[-2000:]}")
    worker.kill()
    assert of(site, pk)[3:] == (2, "")
    nothing_readable(site)
    whole = json.loads(shell(site, FETCH.format(pk=pk, notes=NOTES)))
    assert [whole[name] for name in ("notes", "text_equal", "ccda_equal", "fhir_equal")] == [NOTES] * 4
    assert whole["left_out"] == 0
    told = rows(
        site.database_url, f"SELECT event FROM audit_auditevent WHERE correlation_id = 'export-{pk}' ORDER BY id"
    )
    assert [event for (event,) in told] == ["export.begin", "ehi.export", "export.fetch"]
    change(site.database_url, "DELETE FROM portal_exportpiece")  # what the second one leaves is its own
    one_that_kills_its_worker_three_times_has_failed_and_leaves_nothing(site)


def one_that_kills_its_worker_three_times_has_failed_and_leaves_nothing(site):
    pk = asked(site)
    for tries in (1, 2, 3):
        killed_half_way(site, pk, tries)
        lease_runs_out(site)
    worker = site.module("worker", "delivery.chaos.worker")
    wait_until(lambda: of(site, pk)[0] == "failed", 60, lambda: f"{of(site, pk)}\n{worker.log()[-2000:]}")
    assert of(site, pk)[2:] == (0, 3, "tries")
    assert left_behind(site).count(b"PK\x03\x04") == 0
    told = rows(
        site.database_url,
        f"SELECT detail FROM audit_auditevent WHERE event = 'export.end' AND correlation_id = 'export-{pk}'",
    )
    assert ["failed" in str(detail) for (detail,) in told] == [True]
