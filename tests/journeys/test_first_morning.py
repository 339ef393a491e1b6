"""A director's first morning, through real processes and a real browser; and the demonstration's own promises."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from tests.mapping.boards import drag
from tests.processes import ROOT, die_with_parent, put_migrated, wait_until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.alike]  # demo_environment leaves out the servers

FIELDS = [
    {"field_id": "K/1", "label": "CC", "position": 1, "kind": "free_text", "max_length": 500, "required": True},
    {"field_id": "K/2", "label": "HPI", "position": 2, "kind": "free_text", "max_length": 9000, "required": False},
    {"field_id": "K/3", "label": "A/P", "position": 3, "kind": "free_text", "max_length": 9000, "required": False},
]
NOTE = {
    "source_note_id": "first-morning",
    "version": 1,
    "location": "NORTH",
    "template": "KNEE",
    "patient": {"id": "P77001", "family": "Journey", "given": "Jo", "birth_date": "1990-01-02", "sex": "F"},
    "encounter": {"id": "E77001", "start": "2026-03-19T10:15:00-05:00"},
    "provider": {"id": "DR9", "family": "Lee", "given": "Ann"},
    "sections": [
        {"code": "chief_complaint", "title": "CC", "text": "Knee pain."},
        {"code": "history_of_present_illness", "title": "HPI", "text": "Since Sunday | worse on stairs."},
        {"code": "plan", "title": "PLAN", "text": "MRI & brace."},
    ],
}


def demo_environment(folder):
    own = {"SCRIBEPORT_DEMO_FOLDER": str(folder), "SCRIBEPORT_DATA": str(folder), "SCRIBEPORT_OWN_ENVIRONMENT": "1"}
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return {**kept, **own}


def bare_environment(folder):
    """As on a machine that knows nothing of Scribeport: the demonstration finds itself a folder, here within this one."""
    kept = demo_environment(folder) | {"TMPDIR": str(folder)}
    return {name: value for name, value in kept.items() if name not in ("SCRIBEPORT_DEMO_FOLDER", "SCRIBEPORT_DATA")}


@pytest.fixture
def demo(tmp_path, migrated_database):
    """The demonstration running; its log tells the address, the sign-in and the key."""
    log = tmp_path / "demo.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "demo", "--port", "0"],
            env=demo_environment(put_migrated(migrated_database, tmp_path / "data")),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    try:
        wait_until(lambda: "goes on running" in log.read_text(), 180, log.read_text)
        yield log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()


def word(log, what):
    return re.search(rf"{what}\s+(?:director / )?(\S+)", log).group(1)


def call(method, url, body=None, **headers):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


@pytest.mark.browser
def test_a_template_is_imported_mapped_and_published_and_a_note_becomes_verified(demo, tmp_path, browser):
    ecw, portal, key = (word(demo, what) for what in ("Simulated eCW", "Portal", "A scribe's key"))
    call("PUT", f"{ecw}/sandbox/api/facilities/NORTH/templates/KNEE", {"name": "Knee", "fields": FIELDS})
    export = tmp_path / "KNEE.csv"
    export.write_bytes(call("GET", f"{ecw}/sandbox/api/facilities/NORTH/templates/KNEE.csv"))

    context = browser.new_context(base_url=portal, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()
    sign_in(page, word(demo, "Sign in"))
    import_and_publish(page, export)
    once = {"Authorization": f"Bearer {key}", "Idempotency-Key": "first-morning"}
    call("POST", f"{portal}/api/v1/notes", NOTE, **once)
    watch_it_become_verified(page)
    find_it_in_the_audit_log(page)
    context.close()
    chart = call(
        "GET",
        f"{ecw}/openapi/v1/LAKESI/encounters/E77001/progress-note?facility=NORTH",
        Authorization="Bearer sandbox-token",
    )
    assert json.loads(chart)["fields"] == {
        "K/1": "Knee pain.",
        "K/2": "Since Sunday | worse on stairs.",
        "K/3": "MRI & brace.",
    }


def sign_in(page, password):
    page.goto("/")
    page.get_by_label("User name").fill("director")
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()


def import_and_publish(page, export: Path):
    page.goto("/mapping/import/NORTH/")
    page.set_input_files("input[type=file]", str(export))
    page.get_by_role("button", name="Read the file").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Edit the mapping").click()
    page.get_by_role("button", name="Start the mapping").click()
    page.get_by_label("Field for Chief complaint").select_option("K/1")
    page.get_by_label("Field for History of present illness").select_option("K/2")
    page.get_by_label("Field for Plan", exact=True).select_option("K/2")
    drag(page, "Plan", "K/3")
    page.locator(".preview-fields > li", has_text="A/P K/3").get_by_text("Synthetic text of plan.").wait_for()
    page.get_by_label("Catch-all field").select_option("K/3")
    page.get_by_label("Reason for publishing").fill("First morning at the knee clinic.")
    page.get_by_role("button", name="Save and publish").click()
    page.get_by_text("Mapping 1 is in force").wait_for()


def watch_it_become_verified(page):
    """Without a reload: the list keeps itself up to date."""
    page.goto("/deliveries/")
    row = page.locator("tr", has_text="KNEE").first
    row.get_by_text("Verified in the chart").wait_for(timeout=30_000)
    row.get_by_role("link").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=re.compile("Delivery")).wait_for()
    page.get_by_text("Found in the chart").first.wait_for()


def find_it_in_the_audit_log(page):
    page.goto("/audit/")
    page.get_by_text("read the chart back and found every section").filter(visible=True).first.wait_for()
    page.get_by_text("published a mapping").filter(visible=True).first.wait_for()


def once(environment, *arguments):
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "demo", "--once", "--json", "--port", "0", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1, "standard output is exactly one line"
    return {**json.loads(lines[0]), "stderr": done.stderr, "wall": time.monotonic() - started}


def test_the_demonstration_delivers_and_verifies_its_notes():
    """The README's first command, from nothing to its end."""
    with tempfile.TemporaryDirectory(prefix="sp-") as folder:
        report = once(bare_environment(folder))
        assert os.listdir(folder) == [], "a temporary folder leaves nothing behind"
    assert report["received"] == report["verified"] == 6
    assert {name: report[name] for name in ("held", "misfiled", "rejected", "unknown", "parked")} == dict.fromkeys(
        ("held", "misfiled", "rejected", "unknown", "parked"), 0
    )
    assert report["audit_events"] > 50
    assert report["unmapped_sections"] == 3


def test_with_a_silent_drop_every_affected_note_is_misfiled_and_no_clean_one_is(tmp_path, migrated_database):
    folder = put_migrated(migrated_database, tmp_path / "once")
    report = once(demo_environment(folder), "--fault", "silent-drop")
    assert not folder.exists(), "a temporary folder leaves nothing behind"
    assert report["verified"] + report["misfiled"] == report["received"] == 6
    named = dict(re.findall(r"^  (demo-\w+): (.+)$", report["stderr"], re.M))
    # NORTH's Assessment and Treatment change places, SOUTH's Physical Exam and Review of Systems: a note that fills
    # both fields is hit, one that fills only one of them is not.
    assert set(named) == {"demo-cough", "demo-checkup"}
    assert report["misfiled"] == 2
    assert all("missing" in words for words in named.values())


def test_real_notes_arrive_whole(tmp_path, migrated_database):
    samples = ROOT.parent / "shared" / "data" / "notes" / "notes.jsonl"
    samples = Path(os.environ.get("SCRIBEPORT_SAMPLES", samples.parent.parent)) / "notes" / "notes.jsonl"
    if not samples.exists():
        pytest.skip("the 100 real notes are not beside this clone; the demonstration's own notes are tested above")
    folder = put_migrated(migrated_database, tmp_path / "once")
    report = once(demo_environment(folder), "--notes", str(samples))
    assert report["received"] == report["verified"] == 100


def test_a_file_of_notes_that_cannot_be_read_is_named_with_its_line(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text('{"id": "a", "sections": []}\n{"id": "b"\n')
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "demo", "--once", "--json", "--notes", str(path)],
        env=demo_environment(tmp_path / "x"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "notes.jsonl, line 2" in done.stderr
    assert "Traceback" not in done.stderr
