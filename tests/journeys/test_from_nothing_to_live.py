"""A new practice from nothing to a live location, every step through the screens, in one run, its clicks counted.

`SCRIBEPORT_JOURNEY=docs/from-nothing-to-live.md python3 manage.py test tests/journeys/test_from_nothing_to_live.py` writes
the count into that page, between its two marks; without it the page must say what was counted.
"""

import json
import re
import urllib.request
from dataclasses import dataclass, field

import pytest

from tests.delivery.certification.tls_front import TlsFront
from tests.journeys.person import Person, count_into
from tests.process.clinic import SHORT_TIMES
from tests.processes import ROOT, Site, answers, free_port
from tests.sandbox.desk import Process as Sandbox

PAGE = ROOT / "docs" / "from-nothing-to-live.md"
pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.slow]

PASSWORD = "quiet-harbor-lantern-42"
PILOT_NOTES = 3  # as many as the pilot must have seen before it grows
LABELS = ["Chief Complaint", "HPI", "ROS", "Examination", "Assessment", "Treatment Plan", "Additional Notes"]
FIELDS = [
    {"field_id": f"HF-{place:02}", "label": label, "position": place, "kind": "free_text", "max_length": 9000}
    for place, label in enumerate(LABELS, start=1)
]
TEXTS = {
    "chief_complaint": "Cough for nine days.",
    "history_of_present_illness": "Dry cough | worse at night.",
    "physical_exam": "Lungs clear.",
    "assessment": "Viral cough & fatigue.",
    "plan": "Fluids, rest.",
}


@dataclass
class World:
    """The installation, the simulated eCW behind it, and what the person was shown once."""

    site: Site
    ecw: Sandbox
    address: str
    one_time: str
    keys: dict[str, str] = field(default_factory=dict)

    def scribe_posts(self, location: str, number: int, provider: str = "DR7") -> None:
        """The scribe's own deed, with the key that the person handed over."""
        note = {
            "source_note_id": f"journey-{number}",
            "version": 1,
            "location": location,
            "patient": {"id": f"P{number}", "family": "Journey", "given": "Jo", "birth_date": "1990-01-02", "sex": "F"},
            "encounter": {"id": f"E{number}", "start": "2026-03-19T10:15:00-05:00"},
            "provider": {"id": provider, "family": "Lee", "given": "Ann"},
            "sections": [{"code": code, "title": code.upper(), "text": text} for code, text in TEXTS.items()],
        }
        headers = {
            "Authorization": f"Bearer {self.keys[location]}",
            "Idempotency-Key": f"journey-{number}",
            "Content-Type": "application/json",
        }
        asked = urllib.request.Request(f"{self.address}/api/v1/notes", json.dumps(note).encode(), headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert answer.status == 201


@pytest.fixture
def world(site: Site, tmp_path):
    """An installation with one invited director and nothing else, and the clinic's template at the simulated eCW."""
    site.settings |= SHORT_TIMES
    ecw = Sandbox(tmp_path / "ecw")
    try:
        ecw.api("PUT", "/facilities/HARBOR/templates/HARBOR-PN", {"name": "Harbor Progress Note", "fields": FIELDS})
        made = json.loads(site.manage("create_practice", "harbor", "Harbor Family Medicine", "dana", "--json"))
        site.module("worker", "delivery.chaos.worker")
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8", "--no-control-socket"]
        site.module("web", "gunicorn", *options, "portal.wsgi", ready=answers(f"{address}/healthz"), seconds=90)
        yield World(site, ecw, address, made["one_time_password"])
    finally:
        site.kill_all()
        ecw.stop()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()


@pytest.fixture
def other_page(browser):
    """The browser of the clinician, who is another person at another desk."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()


def test_a_new_practice_goes_from_nothing_to_a_live_location(world, page, other_page):
    person = Person(page)
    clinician = Person(other_page, person.stages)
    with TlsFront(world.ecw.mllp, "TLSv1_2") as lines, TlsFront(world.ecw.http, "TLSv1_2") as charts:
        sign_in(person, world)
        a_location(person, "Harbor Clinic, trial", "HARBOR-T", "Sandbox")
        a_scribe(person, world, "HARBOR-T", "Sandbox")
        agreements(person)
        sandbox = ("HARBOR-T sends", "HARBOR-T reads")
        connections(person, sandbox, "Sandbox", world.ecw.mllp, f"http://127.0.0.1:{world.ecw.http}", "")
        routes(person, "Harbor Clinic, trial", *sandbox)
        a_template(person, "Harbor Clinic, trial")
        a_mapping(person)
        probe(person, "Harbor Clinic, trial")
        a_first_note(person, world)
        a_change_rehearsed(person)
        certification(person)
        a_location(person, "Harbor Clinic", "HARBOR", "Production")
        a_scribe_key(person, world, "HARBOR", "Production")
        live = ("HARBOR sends", "HARBOR reads")
        connections(
            person, live, "Production", lines.port, f"https://localhost:{charts.port}", charts.ca_pem, lines.ca_pem
        )
        routes(person, "Harbor Clinic", *live)
        a_template(person, "Harbor Clinic")
        the_same_mapping(person)
        a_clinician(person, world)
        a_pilot(person)
        release(person)
        the_pilots_notes(clinician, world)
        everybody(person)
        a_note_of_another_provider(clinician)
        it_is_live(person)
    count_into(PAGE, person.stages)


def sign_in(person, world):
    with person.at("Signing in, and a password of one's own"):
        person.page.goto(world.address)
        choose_a_password(person, "dana", world)
        person.sees("No location is open to you")


def choose_a_password(person, name, world):
    """The one-time password that was handed over, replaced at once."""
    person.write("User name", name)
    person.paste("Password", world.one_time)
    person.button("Sign in")
    person.paste("Old password", world.one_time)
    person.write("New password", PASSWORD)
    person.write("New password confirmation", PASSWORD)
    person.button("Replace password")


def a_location(person, name, code, environment):
    with person.at(f"A location: {environment.lower()}"):
        person.menu("Settings")
        person.link("New location")
        person.write("Name", name)
        person.write("Code", code)
        if environment != "Sandbox":
            person.tick(environment)
        person.button("Create location")
        person.sees(f"{name} is created.")


def a_scribe(person, world, code, environment):
    with person.at("The scribe and its key"):
        person.menu("Settings")
        person.link("Scribes & API keys")
        person.write("Vendor or product", "Murmur")
        person.button("Add scribe")
    a_scribe_key(person, world, code, environment)


def a_scribe_key(person, world, code, environment):
    with person.at(f"A key for the scribe: {environment.lower()}"):
        person.menu("Settings")
        person.link("Scribes & API keys")
        person.link("New key")
        if environment != "Sandbox":
            person.tick(environment)
        person.button("Make key")
        world.keys[code] = person.page.locator(".secret code").inner_text()
        person.button("Copy")
        person.link("I have copied it")


def agreements(person):
    with person.at("The two agreements"):
        person.menu("Settings")
        person.link("Agreements")
        for kind, party in (("scribe vendor", "Murmur Inc."), ("eClinicalWorks", "eClinicalWorks LLC")):
            person.choose("Kind", f"Business associate agreement with {kind if 'eC' in kind else 'the ' + kind}")
            if "eC" not in kind:
                person.choose("Scribe", "Murmur")
            person.write("Signed with", party)
            person.write("In force since", "2026-01-05")
            person.button("Record agreement")
            person.sees(f"The agreement with {party} is recorded.")


def connections(person, names, environment, port, base, charts_ca, lines_ca=""):
    sends, reads = names
    with person.at(f"The connections: {environment.lower()}"):
        a_connection(person, "HL7 v2 over MLLP", sends, environment)
        person.write("Host", "127.0.0.1" if not lines_ca else "localhost")
        person.write("Port", str(port))
        person.write("Receiving facility", "HARBOR")
        if lines_ca:
            person.paste("Certificate authority", lines_ca)
        else:
            person.tick("Encrypt with TLS")
        person.button("Create connection")
        connection_test(person)
        a_connection(person, "Open API", reads, environment)
        person.write("Base address", base)
        person.write("Practice code", "HARBOR")
        person.write("Facility", "HARBOR")
        person.paste("Access token", "sandbox-token")
        if charts_ca:
            person.paste("Certificate authority", charts_ca)
        person.button("Create connection")
        connection_test(person)


def a_connection(person, kind, name, environment):
    person.menu("Connections")
    person.click(person.page.locator("summary", has_text="New connection").first)
    person.link(kind)
    person.write("Name", name)
    if environment != "Sandbox":
        person.tick(environment)


def connection_test(person):
    person.button("Test now")
    person.sees("Nothing was written")
    assert not person.page.get_by_text("Failed", exact=True).count(), person.page.inner_text("main")


def open_location(person, name):
    person.menu("Settings")
    person.link(name)


def routes(person, location, sends, reads):
    with person.at("Which connection sends, and which reads back"):
        open_location(person, location)
        person.choose("Reading connection", reads)
        person.tick("File it, under its title, in the catch-all field")
        person.button("Save settings")
        person.choose("Note sections: first", sends)
        person.button("Save routes")
        person.sees("Routes are changed")


def a_template(person, location):
    with person.at("The template, read from eCW"):
        person.menu("Templates & mapping")
        person.link("Import a template", card_of(person, location))
        person.button("Read from eCW")
        person.sees("7 fields accepted")
        person.button("Save")
        person.sees("saved as version 1")


def card_of(person, location):
    return person.page.locator("section.card", has=person.page.get_by_role("heading", name=location, exact=True))


def a_mapping(person):
    with person.at("The mapping, from suggestions"):
        person.link("Edit the mapping")
        person.button("Start the mapping")
        person.button("Accept the chosen suggestions")
        person.choose("Catch-all field", "7 · Additional Notes (HF-07)")
        person.write("Reason for publishing", "First mapping.")
        person.button("Save and publish")
        person.sees("is in force")


def probe(person, location):
    with person.at("The probe"):
        open_location(person, location)
        person.link("What each way can do here")
        person.button("Probe now")
        person.sees("Nothing that was there before has vanished", 30)


def a_first_note(person, world):
    with person.at("A first note of the scribe, looked at"):
        world.scribe_posts("HARBOR-T", 1)
        person.menu("Deliveries")
        person.sees("Verified in the chart", 30)


def a_change_rehearsed(person):
    with person.at("A change of the mapping, rehearsed over that note"):
        person.menu("Templates & mapping")
        person.click(person.page.get_by_role("link", name=re.compile("^Mapping of Harbor")).first)
        person.button("Edit as a draft")
        person.choose("Field for Patient instructions", "6 · Treatment Plan (HF-06)")
        person.button("Rehearse")
        person.sees("No note loses a section")
        person.write("Reason for publishing", "Instructions belong to the plan.")
        person.click(person.page.get_by_role("button", name=re.compile("^Publish mapping")))
        person.sees("is in force")


def certification(person):
    with person.at("Certification"):
        person.menu("Overview")
        person.click(person.page.locator(".path a", has_text="Certification passed").first)
        person.write("Notes in the load test", "12")
        person.button("Begin a run")
        person.sees("of 19 tests made", 30)
        person.sees(re.compile(r"passed on \d{4}-"), 90)


def the_same_mapping(person):
    with person.at("The same mapping for production"):
        person.menu("Templates & mapping")
        person.link("Mapping of Harbor Progress Note", card_of(person, "Harbor Clinic, trial"))
        person.link("Copy to other locations")
        person.tick("Harbor Clinic: Harbor Progress Note")
        person.button("Make drafts there")
        person.link("Mapping of Harbor Progress Note", card_of(person, "Harbor Clinic"))
        person.write("Reason for publishing", "As certified.")
        person.button("Save and publish")
        person.sees("is in force")


def release(person):
    with person.at("Released: live"):
        person.menu("Overview")
        person.click(person.page.locator(".path a", has_text="Released for production").first)
        person.write("Reason", "Certified and agreed.")
        person.button("Release")
        person.sees("is released")


def a_clinician(person, world):
    with person.at("A clinician, invited"):
        person.menu("Settings")
        person.link("People")
        person.link("Invite")
        person.write("User name", "ann")
        person.choose("Role", "Clinician")
        person.choose("At", "HARBOR")
        person.button("Invite")
        world.one_time = person.page.locator(".secret code").inner_text()
        person.button("Copy")
        person.link("Done")


def a_pilot(person):
    with person.at("The pilot, begun"):
        open_location(person, "Harbor Clinic")
        person.link("Pilot")
        person.write("Who begins, by the scribe’s provider id", "DR7")
        person.write("Then so many of a hundred providers", "")
        person.write("Notes, at least", str(PILOT_NOTES))
        person.button("Begin the pilot")
        person.sees("The pilot has begun")


def the_pilots_notes(clinician, world):
    """Three of the named provider, and one of another, which waits until that provider joins."""
    with clinician.at("The clinician signs in"):
        clinician.page.goto(world.address)
        choose_a_password(clinician, "ann", world)
    for number in range(2, 2 + PILOT_NOTES):
        world.scribe_posts("HARBOR", number)
    world.scribe_posts("HARBOR", 2 + PILOT_NOTES, "DR9")
    with clinician.at("The pilot's notes, read, judged and released"):
        for _ in range(PILOT_NOTES):
            released(clinician)
        clinician.menu("Deliveries")
        charted(clinician, PILOT_NOTES)
        clinician.sees("Its provider is not in the pilot yet")


def released(clinician):
    """One note that waits for a clinician: opened, judged in one press, signed off."""
    clinician.menu("Deliveries")
    clinician.row(clinician.page.locator("tbody tr", has_text="Waits for a clinician").first)
    clinician.link("Review")
    clinician.button("Send")
    clinician.sees("Thank you: kept with the note.")
    clinician.button("Sign off and release")


def charted(clinician, notes):
    """Wait until so many stand in the list as verified."""
    clinician.page.locator("tbody tr", has_text="Verified in the chart").nth(notes - 1).wait_for(timeout=30_000)


def everybody(person):
    with person.at("The pilot, widened to everybody"):
        person.menu("Overview")
        way = card_of(person, "Harbor Clinic").locator(".path")
        person.click(way.get_by_role("link", name=re.compile("^Open.*The pilot met its numbers")))
        person.sees("All hold")
        person.button("Next step")
        person.sees("One step further. A new window begins.")


def a_note_of_another_provider(clinician):
    with clinician.at("The note of a provider who joined"):
        released(clinician)
        clinician.menu("Deliveries")
        charted(clinician, PILOT_NOTES + 1)


def it_is_live(person):
    """The overview has no way left to go for it."""
    with person.at("Live"):
        person.menu("Overview")
        card_of(person, "Harbor Clinic").wait_for()
        assert card_of(person, "Harbor Clinic").locator(".path").count() == 0
