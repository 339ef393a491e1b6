"""Every page of templates and mappings, with a day's work on it: it fits phone, tablet and desk, and axe finds nothing."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from delivery import rehearsal as rehearsals
from mapping import urls as mapping_urls
from mapping.importers.base import ImportedField, ImportedTemplate
from mapping.imports import save
from mapping.models import Rehearsal, Template
from mapping.note import RuleSpec
from mapping.publishing import publish, save_rules, start_draft
from mapping.queries import spec_of
from portal.models import Membership
from tests.browsing import assert_looks_right, photograph
from tests.cast import NORTH_FIELDS, make_template
from tests.delivery.rows import make_delivery, note_version
from tests.mapping.importers.workbooks import workbook
from tests.mapping.rehearsing import rehearsed

pytestmark = [pytest.mark.browser, pytest.mark.slow]
# Addresses that only take a form or answer with a part of a page; test_browser.py and test_board_browser.py press them.
NOT_PAGES = {"import-columns", "import-save", "defaults", "check", "accept", "return"}
# Looked at with their own data in test_default_browser.py.
PRACTICE_DEFAULT = {"default", "make-default"}
LONG = "History of the Present Illness, Interval History and Patient-Reported Outcome Measures since the Last Visit"
NOTES = [
    [("chief_complaint", "CC", "Cough.", "", ""), ("plan", "PLAN", "Rest and fluids.", "", "")],
    [("plan", "PLAN", "Inhaler twice a day.", "", ""), ("review_of_systems", "ROS", "Negative.", "", "")],
    [("chief_complaint", "CC", "Knee pain.", "", ""), ("social_history", "SH", "Never smoked.", "", "")],
    [("chief_complaint", "CC", "Headache.", "", "")],
]
UPLOAD = workbook(
    (
        "Felder",
        [
            ["Template: Knee Visit"],
            [],
            ["Lfd", "Kennung", "Feldtext", "Art", "Zeichen"],
            [1, "K1", "Reason for Appointment", "Free Text", 500],
            [2, "K2", LONG, "Free Text", 6000],
            [3, None, "--- page 2 ---", None, None],
            [4, "KNEE-SECTION-WITH-A-LONG-IDENTIFIER-0000000004", "IMP", "Structured", None],
        ],
    ),
    ("Read me", [["Ask Ann before changing"]]),
)
HOLDS = {"Lfd": "order", "Kennung": "id", "Feldtext": "label", "Art": "kind", "Zeichen": "max_length"}


def field(place: int, field_id: str, label: str, limit: int | None, **changes) -> ImportedField:
    usual = {"kind": "free_text", "required": False, "group": ""}
    return ImportedField(field_id=field_id, label=label, position=place, max_length=limit, **{**usual, **changes})


def newer_fields() -> list[ImportedField]:
    """NORTH's template as it comes next year: a field gone, one new, some renamed, moved, shorter, structured."""
    lines = {field_id: (label, limit) for field_id, label, limit in NORTH_FIELDS}
    order = ["NF-01", "NF-03", "NF-02", "NF-04", "NF-05", "NF-16", "NF-07"]
    lines |= {"NF-16": ("Treatment Plan", 12000), "NF-02": (LONG, 4000)}
    structured = {"NF-05": {"kind": "structured", "required": True, "group": "Assessment and plan"}}
    return [field(place, one, *lines[one], **structured.get(one, {})) for place, one in enumerate(order, start=1)]


@pytest.fixture
def template(live_portal, cast) -> Template:
    """NORTH's: one mapping retired, one in force, a draft with faults, stored notes, a rehearsal, a newer version."""
    template = cast.north_mapping.template
    for place, sections in enumerate(NOTES):
        at = timezone.now() - timedelta(hours=7 * place)
        note_version(cast, sections=sections, provider=("DR9", "Bartholomew Featherstonehaugh"), received_at=at)
    second = start_draft(template, cast.mel)
    rules = [
        RuleSpec("social_history", "NF-07", prefix="Social history: ", limit=400, limit_action="truncate", position=8),
        RuleSpec("goals", "NF-07", default="No goals were set.", separator="\n", position=9),
    ]
    save_rules(second, [*spec_of(second).rules, *rules], "NF-07", cast.mel)
    publish(rehearsed(second, cast.mel), cast.dana, "The knee clinic asked for goals and social history in Notes.")
    draft = start_draft(template, cast.mel)
    kept = [rule for rule in spec_of(draft).rules if rule.section_code not in ("plan", "review_of_systems")]
    split = [RuleSpec("plan", "NF-06", "split", heading=one, position=6) for one in ("Plan", "Follow-up")]
    save_rules(draft, [*kept, *split, RuleSpec("own_sleep_diary", "NF-07", position=8)], "NF-07", cast.mel)
    rehearsals.rehearse(draft, cast.mel)
    make_template(cast.north, "UNMAPPED", "Telephone Visit (not mapped yet)", [("T1", "CC", 500)], default_for=())
    made = ImportedTemplate(name=template.name, code=template.code, fields=tuple(newer_fields()))
    save(cast.north, made, user=cast.mel, source="Progress notes 2027, final (3) corrected by Ann.xlsx")
    return template


def addresses(cast, template: Template) -> Iterator[tuple[str, str]]:
    """Every page by its name."""
    for name, code in {"template": template.code, "no-mapping": "UNMAPPED"}.items():
        pk = Template.objects.get(location=cast.north, code=code).pk
        yield name, reverse("mapping:template" if name == "template" else "mapping:mapping", args=[pk])
    yield "templates", reverse("mapping:templates")
    yield "import", reverse("mapping:import", args=["NORTH"])
    yield "template-version", reverse("mapping:template-version", args=[template.pk, 1])
    yield from (
        (name, reverse(f"mapping:{name}", args=[template.pk])) for name in ("mapping", "values", "drift", "copy")
    )
    yield "version", reverse("mapping:version", args=[cast.north_mapping.pk])
    newest, older = (template.versions.get(number=number).pk for number in (2, 1))
    yield "compare", f"{reverse('mapping:compare')}?a={older}&b={newest}"
    yield "rehearsal", reverse("delivery:rehearsal", args=[Rehearsal.objects.latest("pk").pk])


def look(page: Page, name: str) -> None:
    """At every width and in both schemes."""
    assert_looks_right(page, between=[768])
    photograph(page, f"mapping-{name}")


@pytest.fixture
def mels(page, sign_in, cast) -> Page:
    sign_in(cast.mel)
    return page


def test_no_page_is_forgotten(cast, template):
    listed = {name for name, _address in addresses(cast, template)} - {"no-mapping", "rehearsal"}
    assert listed == {pattern.name for pattern in mapping_urls.urlpatterns} - NOT_PAGES - PRACTICE_DEFAULT


def test_each_page_fits_and_is_accessible(cast, template, mels):
    for name, address in addresses(cast, template):
        mels.goto(address)
        if name == "mapping":
            mels.locator(".preview-fields").wait_for()
        look(mels, name)


def test_the_steps_of_an_import_fit_and_are_accessible(mels, template):
    mels.goto("/mapping/import/NORTH/")
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    mels.set_input_files("input[type=file]", {"name": "knee.xlsx", "mimeType": kind, "buffer": UPLOAD})
    mels.get_by_role("button", name="Read the file").click()
    mels.get_by_role("heading", name="What do the columns hold?").wait_for()
    look(mels, "import-columns")
    for header, meaning in HOLDS.items():
        mels.get_by_label(f"What column {header} holds").select_option(meaning)
    mels.get_by_role("button", name="Read the file so").click()
    mels.get_by_text("3 fields accepted").wait_for()
    look(mels, "import-preview")
    mels.get_by_label("Import without the refused row").check()
    mels.get_by_role("button", name="Save", exact=True).click()
    mels.get_by_role("link", name="Edit the mapping").click()
    mels.get_by_role("button", name="Start the mapping").click()
    mels.get_by_role("heading", name="Suggestions").wait_for()
    look(mels, "suggestions")


REIMPORT = (
    "Template: FM-PROGRESS\nOrder,Field ID,Label,Type,Length,Required\n"
    f"1,NF-01,Chief Complaint,Free text,,\n2,NF-03,ROS,Free text,,\n3,NF-02,{LONG.replace(',', '')},Free text,20,\n"
    "4,NF-07,Notes,Free text,,yes\n5,NF-99,Fall risk,Free text,,yes\n"
)


def test_what_a_reimport_breaks_and_a_rehearsal_of_no_note_fit_and_are_accessible(cast, mels, template):
    make_delivery(cast, "ready", sections=[("plan", "PLAN", "Rest.", "NF-06", "")])
    mels.goto("/mapping/import/NORTH/")
    again = {"name": "again.csv", "mimeType": "text/csv", "buffer": REIMPORT.encode()}
    mels.set_input_files("input[type=file]", again)
    mels.get_by_role("button", name="Read the file").click()
    mels.get_by_text("of the mapping in force").first.wait_for()
    look(mels, "import-breaks")
    empty = rehearsals.rehearse(start_draft(cast.south_mapping.template, cast.dana), cast.dana)
    sees = Membership.objects.get(user=cast.mel)
    Membership.objects.create(user=cast.mel, practice=sees.practice, role=sees.role, location=cast.south)
    mels.goto(reverse("delivery:rehearsal", args=[empty.pk]))
    mels.get_by_text("This rehearsal does not count").wait_for()
    look(mels, "rehearsal-of-none")


def test_a_refused_publication_and_an_unreadable_form_fit_and_are_accessible(mels, template, troubles):
    troubles.expect("422")
    mels.goto(f"/mapping/templates/{template.pk}/mapping/")
    mels.locator(".preview-fields").wait_for()
    mels.get_by_label("Reason for publishing").fill("pilot")
    mels.get_by_role("button", name="Save and publish").click()
    mels.get_by_role("alert").first.wait_for()
    look(mels, "refused")
    options = mels.locator("#section-chief_complaint details")
    options.locator("summary").click()
    options.get_by_label("Limit, characters").fill("many")
    mels.get_by_role("button", name="Save draft").first.click()
    mels.get_by_text("Enter a whole number.").first.wait_for()
    look(mels, "complaints")
