"""A telehealth visit by a template of its own: imported, mapped, posted, delivered, and read back in that template's fields."""

import pytest
from django.test import Client

from delivery.certification import settling
from delivery.models import Delivery
from mapping.defaults import visit_rules
from mapping.models import Template
from portal import keys
from tests.delivery.conftest import Scribe, a_note, ecw, own_mark, quiet_bell, sandbox_process  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS = [("TV-30", "Reason for Video Visit", 500), ("TV-10", "HPI", 9000), ("TV-20", "Plan", 9000)]
CSV = "Order,Field Identifier,Field Label\n" + "".join(
    f"{place},{key},{label}\n" for place, (key, label, _) in enumerate(FIELDS, start=1)
)
RULES = {"chief_complaint": "TV-30", "history_of_present_illness": "TV-10", "plan": "TV-20"}


@pytest.fixture
def dana(cast) -> Client:
    client = Client()
    client.force_login(cast.dana)
    return client


@pytest.fixture
def scribe(cast) -> Scribe:
    return Scribe(keys.create(cast.scribe, "sandbox")[1])


@pytest.fixture
def televisits(cast, dana, ecw) -> Template:  # noqa: F811
    """NORTH's telehealth template, at eCW and here, imported and mapped through the pages."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    ecw.teach("NORTH", "TELE", FIELDS)
    read = dana.post("/mapping/import/NORTH/", {"file": SimpleUploadedFile("TELE.csv", CSV.encode())})
    token = read.context["token"]
    saved = {"token": token, "t0-include": "on", "t0-code": "TELE", "t0-name": "Video Visit"}
    assert dana.post("/mapping/import/NORTH/save/", saved).status_code == 302
    template = Template.objects.get(location=cast.north, code="TELE")
    assert template.default_for == [], "the first template keeps every visit until somebody says otherwise"
    dana.post(f"/mapping/templates/{template.pk}/visits/", {"visit_types": ["telehealth"]})
    board = f"/mapping/templates/{template.pk}/mapping/"
    dana.post(board, {"action": "start"})
    rows = {
        f"rules-{place}-{name}": value
        for place, pair in enumerate(RULES.items())
        for name, value in zip(("section_code", "field_id"), pair, strict=True)
    }
    form = {"rules-TOTAL_FORMS": str(len(RULES)), "rules-INITIAL_FORMS": "0", "seen": dana.get(board).context["seen"]}
    dana.post(board, {**rows, **form, "action": "publish", "reason": "Video visits"})
    template.refresh_from_db()
    return template


def sent(scribe, **more) -> Delivery:
    assert scribe.post(a_note(**more)).status_code == 201
    made = Delivery.objects.filter(part="note").latest("pk")
    settling.settled([made.pk], settling.by_hand, 10)
    return Delivery.objects.select_related("note_version__template", "mapping_version").get(pk=made.pk)


def test_its_note_stands_in_the_fields_of_its_own_template(cast, televisits, scribe, dana, ecw):  # noqa: F811
    made = sent(scribe, visit_type="telehealth")
    assert (made.state, made.proof) == ("verified", "field")
    assert made.note_version.template == televisits
    assert made.mapping_version.template == televisits
    _, chart = ecw.process.note("E5001")
    assert chart["fields"] == {
        "TV-30": "Cough for nine days.",
        "TV-10": "Worse at night.\nNo fever.",
        "TV-20": "Rest & fluids | return if fever.",
    }
    page = dana.get(f"/deliveries/{made.pk}/").content.decode()
    assert "<dd>Telehealth</dd>" in page
    assert "Video Visit" in page


def test_a_visit_in_person_of_the_same_location_goes_by_the_other_one(cast, televisits, scribe, ecw):  # noqa: F811
    made = sent(scribe)
    assert (made.state, made.note_version.template.code) == ("verified", "FM-PROGRESS")
    _, chart = ecw.process.note("E5001")
    assert set(chart["fields"]) == {"NF-01", "NF-02", "NF-06"}


def test_a_template_that_the_scribe_names_goes_before_the_kind_of_visit(cast, televisits, scribe, ecw):  # noqa: F811
    made = sent(scribe, visit_type="telehealth", template="FM-PROGRESS")
    assert made.note_version.template.code == "FM-PROGRESS"


def test_without_one_of_its_own_the_location_uses_the_template_it_has_and_says_so(cast, scribe, dana, ecw):  # noqa: F811
    made = sent(scribe, visit_type="telehealth")
    assert (made.state, made.note_version.template.code) == ("verified", "FM-PROGRESS")
    said = "Telehealth has no template of its own here: its notes go by"
    for address in ("/mapping/", "/settings/locations/NORTH/"):
        assert said in dana.get(address).content.decode(), address


def test_with_none_for_such_visits_the_note_waits_for_a_person_and_the_pages_say_so(cast, scribe, dana, ecw):  # noqa: F811
    template = cast.north_mapping.template
    dana.post(f"/mapping/templates/{template.pk}/visits/", {"visit_types": ["in_person"]})
    made = sent(scribe, visit_type="telehealth")
    assert (made.state, made.reason_code) == ("held", "no_template")
    assert not ecw.filings()
    for address in ("/mapping/", "/settings/locations/NORTH/"):
        assert (
            "Telehealth: no template is used by itself; a note that names none is held."
            in dana.get(address).content.decode()
        )


def test_with_one_for_each_there_is_nothing_to_say(cast, televisits):
    assert visit_rules(list(Template.objects.filter(location=cast.north))) == []
    assert len(visit_rules([])) == 2
