"""From a messy workbook to a verified note: imported, mapped by mouse and keyboard, rehearsed, published, delivered."""

import json
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import watch
from tests.mapping.boards import drag
from tests.mapping.importers.workbooks import workbook
from tests.process.clinic import SHORT_TIMES, Clinic
from tests.sandbox.desk import Process as Sandbox

pytestmark = [pytest.mark.process, pytest.mark.browser, pytest.mark.slow]

LABELS = {
    "K1": "Reason for Appointment",
    "K2": "HPI",
    "K4": "IMP",
    "K5": "Plan",
    "K7": "Nurse's Notes",
    "K8": "Doctor's Notes",
}
EXPORT = workbook(
    ("Read me", [["Export of the knee clinic, 3 March"], [], ["Ask Ann before changing anything"]]),
    (
        "Felder",
        [
            ["Lakeside, all rights reserved"],
            ["Template: Knee Visit"],
            [],
            ["Lfd", "Kennung", "Feldtext", "Art", "Zeichen"],
            [],
            [1, "K1", "Reason for Appointment", "Free Text", 500],
            [2, "K2", "HPI", "Free Text", 6000],
            [],
            [3, None, "--- page 2 ---", None, None],
            [4, "K4", "IMP", "Free Text", 4000],
            [5, "K5", "Plan", "Free Text", 8000],
            [7, "K7", "Nurse's Notes", "Free Text", 8000],
            [8, "K8", "Doctor's Notes", "Free Text", 8000],
        ],
    ),
    ("Telefon", [["Template: Telephone"], ["Lfd", "Kennung", "Feldtext"], [1, "T1", "CC"], [2, "T2", "Plan"]]),
)
HOLDS = {"Lfd": "order", "Kennung": "id", "Feldtext": "label", "Art": "kind", "Zeichen": "max_length"}
NOTE = {
    "source_note_id": "knee-1",
    "version": 1,
    "location": "NORTH",
    "template": "KNEE-VISIT",
    "patient": {"id": "P88001", "family": "Journey", "given": "Kim", "birth_date": "1990-01-02", "sex": "F"},
    "encounter": {"id": "E88001", "start": "2026-03-19T10:15:00-05:00"},
    "provider": {"id": "DR9", "family": "Lee", "given": "Ann"},
    "sections": [
        {"code": "chief_complaint", "title": "CC", "text": "Knee pain."},
        {"code": "history_of_present_illness", "title": "HPI", "text": "Since Sunday | worse on stairs."},
        {"code": "assessment", "title": "IMP", "text": "Meniscus tear?"},
        {"code": "plan", "title": "PLAN", "text": "MRI & brace."},
    ],
}

# A rehearsal counts where it has a note to replay.
EARLIER = NOTE | {
    "source_note_id": "knee-0",
    "encounter": {"id": "E88000", "start": "2026-03-18T10:15:00-05:00"},
}


@pytest.fixture
def clinic(site):
    """The product's web and worker processes and the simulated eCW, which knows the knee clinic's template."""
    site.settings.update(SHORT_TIMES)
    made = Clinic(site, Sandbox(site.folder / "ecw"))
    try:
        made.open()
        made.worker()
        fields = [
            {"field_id": field_id, "label": label, "position": place}
            for place, (field_id, label) in enumerate(LABELS.items(), start=1)
        ]
        made.sandbox.api("PUT", "/facilities/NORTH/templates/KNEE-VISIT", {"name": "Knee Visit", "fields": fields})
        yield made
    finally:
        site.kill_all()
        made.sandbox.process.kill()
        made.sandbox.process.wait()
        made.sandbox.process.stdout.close()


@pytest.fixture
def page(clinic, browser, troubles):
    """The director's browser, signed in; it may talk to the portal only, and no error may show in it."""
    home = f"http://127.0.0.1:{clinic.port}"
    troubles.expect("422")  # a page that says what is to be corrected
    context = browser.new_context(base_url=home, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    watch(context, home, troubles)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("User name").fill("director")
    page.get_by_label("Password").fill(clinic.password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()
    yield page
    context.close()
    assert troubles.unexpected() == []


def test_a_section_dragged_on_the_board_is_verified_in_the_field_it_was_dragged_to(clinic, page):
    import_answering_once(page)
    publish_the_suggestions(page)
    post(clinic, EARLIER)
    send_two_sections_elsewhere(page)
    rehearse_and_publish(page)
    post(clinic, NOTE)
    watch_it_become_verified(page)
    assert clinic.sandbox.note("E88001")[1]["fields"] == {
        "K1": "Knee pain.",
        "K2": "Since Sunday | worse on stairs.",
        "K7": "MRI & brace.",
        "K8": "Meniscus tear?",
    }


def choose_the_file(page: Page) -> None:
    page.goto("/mapping/import/NORTH/")
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    page.set_input_files("input[type=file]", {"name": "knee (final) 2.xlsx", "mimeType": kind, "buffer": EXPORT})
    page.get_by_role("button", name="Read the file").click()


def import_answering_once(page: Page) -> None:
    """What the columns hold is asked on the first day and remembered on the second."""
    choose_the_file(page)
    for header, meaning in HOLDS.items():
        page.get_by_label(f"What column {header} holds").first.select_option(meaning)
    page.get_by_role("button", name="Read the file so").click()
    page.get_by_text("6 fields accepted").wait_for()
    page.get_by_text("it has no field identifier").wait_for()
    choose_the_file(page)
    page.get_by_text("6 fields accepted").wait_for()
    page.get_by_text("2 fields accepted").wait_for()
    page.get_by_label("Import without the refused row").check()
    with page.expect_navigation():  # else the next address may be asked for before this one is saved
        page.get_by_role("button", name="Save", exact=True).click()


def publish_the_suggestions(page: Page) -> None:
    page.goto("/mapping/")
    page.get_by_role("link", name="Mapping of Knee Visit").click()
    page.get_by_role("button", name="Start the mapping").click()
    page.get_by_role("button", name="Accept the chosen suggestions").click()
    page.get_by_text("added to the draft").wait_for()
    for section, field_id in {"Plan": "K5", "Assessment": "K4", "Chief complaint": "K1"}.items():
        expect(page.get_by_label(f"Field for {section}", exact=True)).to_have_value(field_id)
    page.get_by_label("Catch-all field").select_option("K8")
    page.get_by_label("Reason for publishing").fill("As the labels say.")
    page.get_by_role("button", name="Save and publish").click()
    page.get_by_text("Mapping 1 is in force").wait_for()


def send_two_sections_elsewhere(page: Page) -> None:
    """The plan by mouse, the assessment by keyboard; the preview marks what each changes."""
    page.get_by_role("button", name="Edit as a draft").click()
    page.locator(".preview-fields").wait_for()
    drag(page, "Plan", "K7")
    changed = page.locator(".preview-fields .is-changed")
    changed.filter(has_text="Nurse's Notes K7").get_by_text("Synthetic text of plan.").wait_for()
    changed.filter(has_text="Plan K5").wait_for()
    page.get_by_role("button", name="Move Assessment to another field", exact=True).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.locator("#board-said", has_text="Assessment goes to 6 · Doctor's Notes (K8).").wait_for(state="attached")
    changed.filter(has_text="Doctor's Notes K8").get_by_text("Synthetic text of assessment.").wait_for()


def rehearse_and_publish(page: Page) -> None:
    """Publishing what nobody rehearsed is refused, with the way out beside it."""
    page.get_by_label("Reason for publishing").fill("The nurse does what is planned.")
    page.get_by_role("button", name="Save and publish").click()
    page.get_by_role("heading", name="This change was not rehearsed").wait_for()
    page.get_by_role("button", name="Rehearse it now").click()
    page.get_by_text("The last 1 note of this template").wait_for()
    page.get_by_text("Plan goes to Nurse's Notes (K7), to Plan (K5) before.").wait_for()
    page.get_by_text("Assessment goes to Doctor's Notes (K8), to IMP (K4) before.").wait_for()
    page.get_by_label("Reason for publishing").fill("The nurse does what is planned.")
    page.get_by_role("button", name="Publish mapping 2").click()
    page.get_by_text("Mapping 2 is in force").wait_for()


def post(clinic: Clinic, note: dict[str, object]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{clinic.port}/api/v1/notes",
        json.dumps(note).encode(),
        {
            "Authorization": f"Bearer {clinic.secret}",
            "Idempotency-Key": str(note["source_note_id"]),
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 201


def watch_it_become_verified(page: Page) -> None:
    """The list keeps itself up to date; the delivery's own page names the field each section was found in."""
    page.goto("/deliveries/")
    row = page.locator("tr", has_text="KNEE-VISIT").first
    row.get_by_text("Verified in the chart").wait_for()
    row.get_by_role("link").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Sections").click()
    for field_id in ("K1", "K2", "K7", "K8"):
        page.get_by_role("listitem").filter(has_text=field_id).get_by_text("Verified").wait_for()
