"""The preview beside the mapping form: the message as the form stands, marked against the mapping in force."""

import pytest
from django.utils.html import escape

from audit.models import AuditEvent
from delivery import preview as previews
from mapping.note import RuleSpec
from mapping.publishing import start_draft
from mapping.queries import draft_of, published_spec, spec_of
from portal.models import Route
from tests.cast import NORTH_RULES
from tests.delivery.rows import make_delivery, note_version

pytestmark = pytest.mark.django_db


def form(rules, **more: str) -> dict[str, str]:
    """The mapping page's form as a browser posts it: one row per rule."""
    data = {"rules-TOTAL_FORMS": str(len(rules)), "rules-INITIAL_FORMS": "0", **more}
    for place, (code, field_id, *rest) in enumerate(rules):
        row = {"section_code": code, "field_id": field_id, "kind": "copy", "separator": "\\n\\n"} | dict(*rest)
        data |= {f"rules-{place}-{name}": value for name, value in row.items()}
    return data


@pytest.fixture
def template(cast):
    return cast.north_mapping.template


@pytest.fixture
def mel(cast, client):
    client.force_login(cast.mel)
    return client


def ask(client, template, data) -> str:
    answer = client.post(f"/deliveries/preview/{template.pk}/", data)
    assert answer.status_code == 200
    return answer.content.decode()


def segments(shown: str, kind: str = "") -> list[str]:
    """The lines of the message, without markup."""
    wire = shown.split('<pre class="wire"')[1].split(">", 1)[1].split("</pre>")[0]
    lines = [line for line in wire.split("\n") if line.strip() and (not kind or f'class="diff-{kind}"' in line)]
    return [line.replace("</span>", "").replace("</ins>", "").replace("</del>", "").split(">")[-1] for line in lines]


def test_an_unchanged_form_makes_the_message_in_force(mel, template):
    shown = ask(mel, template, form(NORTH_RULES))
    assert "The same message as the mapping in force makes." in shown
    assert shown.count('class="hl7-segment">OBX') == len(NORTH_RULES)
    assert "diff-" not in shown
    assert "Synthetic text of chief complaint.\\.br\\A second line: 5 \\T\\ 7, 1\\F\\2" in shown.replace("&#92;", "\\")


def test_a_changed_rule_marks_the_lines_it_changes_and_no_other(mel, template):
    rules = [(code, "NF-07" if code == "plan" else field_id) for code, field_id in NORTH_RULES]
    shown = ask(mel, template, form(rules))
    assert "NF-07" in "".join(segments(shown, "added"))
    assert "NF-06" in "".join(segments(shown, "removed"))
    assert len(segments(shown, "added")) == len(segments(shown, "removed")) == 1
    assert "2 lines marked" in shown


def test_obx_stand_in_the_templates_order_whatever_the_rows_order(mel, template):
    shown = ask(mel, template, form(NORTH_RULES[::-1]))
    assert "The same message" in shown


def test_a_limit_that_holds_the_note_is_named_and_the_message_still_shown(mel, template):
    rules = [*NORTH_RULES[1:], (*NORTH_RULES[0], {"limit": "5", "limit_action": "refuse"})]
    shown = ask(mel, template, form(rules))
    assert "This note would be held" in shown
    assert "allows 5" in shown


def test_a_form_that_is_no_mapping_yet_says_what_to_correct(mel, template):
    rules = [(*NORTH_RULES[0], {"limit": "-3"})]
    shown = ask(mel, template, form(rules))
    assert "limit" in shown
    assert "<pre" not in shown


def test_without_a_rule_there_is_no_message_and_it_is_said_why(mel, template):
    shown = ask(mel, template, form([]))
    assert "No section has a field yet: a note would be held." in shown
    assert "HL7 cannot say this" not in shown


def test_before_the_first_publication_there_is_nothing_to_compare_with(cast, client, template):
    client.force_login(cast.mel)
    cast.north_mapping.state = "retired"
    cast.north_mapping.save()
    shown = ask(client, template, form(NORTH_RULES))
    assert "No mapping is in force yet" in shown
    assert "diff-" not in shown


def test_the_header_is_that_of_the_locations_connection(cast, mel, template):
    assert "|ECW|NORTH|" in ask(mel, template, form(NORTH_RULES))
    Route.objects.all().delete()
    assert "|ECW|NORTH|" in ask(mel, template, form(NORTH_RULES))
    cast.north.environment = "production"
    cast.north.save()
    assert "|P|2.5.1" in ask(mel, template, form(NORTH_RULES))


class TestAStoredNote:
    def test_is_shown_as_it_would_be_sent_and_recorded(self, cast, mel, template):
        delivery = make_delivery(cast)
        shown = ask(mel, template, form(NORTH_RULES, preview_note=str(delivery.note_version_id)))
        assert "Lungs clear to auscultation." in shown
        assert "Okafor^Lena" in shown
        event = AuditEvent.objects.get(event="note.preview")
        assert event.actor_name == "mel"
        assert event.object_id == str(delivery.note_id)
        assert event.subject_bidx == delivery.note_version.patient_bidx

    def test_an_invented_one_is_recorded_nowhere(self, mel, template):
        ask(mel, template, form(NORTH_RULES))
        assert not AuditEvent.objects.filter(event="note.preview").exists()

    def test_those_offered_are_the_locations_newest_and_name_no_patient(self, cast, mel, template):
        for number in range(12):
            make_delivery(cast, provider=(f"DR{number}", f"Ann Lee{number}"))
        make_delivery(cast, location=cast.south, provider=("DRS", "Sue South"))
        shown = ask(mel, template, form(NORTH_RULES))
        assert shown.count("<option") == 11
        assert "Ann Lee11," in shown
        assert "Ann Lee0," not in shown
        assert "Sue South" not in shown
        assert "Okafor" not in shown
        assert "••" not in shown

    def test_another_locations_is_not_there(self, cast, mel, template):
        elsewhere = note_version(cast, location=cast.south)
        for asked in (str(elsewhere.pk), "nonsense", "00000000-0000-0000-0000-000000000000"):
            data = form(NORTH_RULES, preview_note=asked)
            assert mel.post(f"/deliveries/preview/{template.pk}/", data).status_code == 404
        assert not AuditEvent.objects.filter(event="note.preview").exists()

    def test_markup_in_it_stays_text(self, cast, mel, template):
        evil = "<script>alert(1)</script>"
        one = make_delivery(cast, sections=[("plan", evil, evil, "NF-06", "x"), ("", evil, evil, "", "")])
        shown = ask(mel, template, form(NORTH_RULES, preview_note=str(one.note_version_id)))
        assert "<script>" not in shown
        assert escape(evil) in shown

    def test_one_that_cannot_be_opened_says_so(self, cast, mel, template):
        one = make_delivery(cast)
        type(one.note_version).objects.update(sealed_body=b"1garbage")
        shown = ask(mel, template, form(NORTH_RULES, preview_note=str(one.note_version_id)))
        assert "cannot be opened" in shown


def test_only_those_who_edit_the_mapping_may_look(cast, client, template):
    address = f"/deliveries/preview/{template.pk}/"
    for person, status in ((cast.sam, 404), (cast.ava, 403), (cast.omar, 403), (cast.dana, 200)):
        client.force_login(person)
        assert client.post(address, form(NORTH_RULES)).status_code == status
    assert client.get(address).status_code == 405


def test_a_section_divided_by_headings_is_invented_with_its_headings(cast, template):
    spec = published_spec(template)
    rules = (
        RuleSpec("plan", "NF-06", kind="split", heading="Plan"),
        RuleSpec("plan", "NF-07", kind="split", heading="Orders"),
    )
    divided = type(spec)(**{**spec.__dict__, "rules": rules})
    shown = previews.preview(divided, template.location, previews.synthetic(divided, None), published_spec(template))
    assert shown.problems == ()
    assert sum("NF-06" in line.rest or "NF-07" in line.rest for line in shown.lines if line.kind == "added") == 2


class TestOnTheMappingPageItself:
    """Drawn by the server with the page, so that it stands there at once and without a script."""

    @pytest.fixture
    def address(self, cast, template):
        start_draft(template, cast.mel)
        return f"/mapping/templates/{template.pk}/mapping/"

    def test_is_the_saved_draft_with_an_invented_note(self, mel, address):
        page = mel.get(address).content.decode()
        assert "The same message as the mapping in force makes." in page
        assert page.count('class="hl7-segment">OBX') == len(NORTH_RULES)
        assert 'hx-trigger="edited from:#mapping-form"' in page, "it is asked for again at an edit, not at once"
        assert not AuditEvent.objects.filter(event="note.preview").exists()

    def test_is_the_form_as_posted_unsaved_where_the_button_asks(self, mel, address, template):
        rules = [(code, "NF-07" if code == "plan" else field_id) for code, field_id in NORTH_RULES]
        page = mel.post(address, form(rules, action="preview")).content.decode()
        assert len(segments(page, "added")) == len(segments(page, "removed")) == 1
        assert {rule.field_id for rule in spec_of(draft_of(template)).rules} == {
            field_id for _, field_id in NORTH_RULES
        }

    def test_shows_a_stored_note_where_it_is_chosen_and_records_that(self, mel, cast, address):
        version = note_version(cast, sections=[("plan", "PLAN", "A stored plan of rest.", "NF-06", "")])
        assert "A stored plan of rest." not in mel.get(address).content.decode()
        page = mel.post(address, form(NORTH_RULES, action="preview", preview_note=str(version.pk))).content.decode()
        assert "A stored plan of rest." in page
        assert AuditEvent.objects.get(event="note.preview").object_id == str(version.note_id)

    def test_shows_no_stored_note_where_another_button_brings_the_page_again(self, mel, cast, address):
        version = note_version(cast, sections=[("plan", "PLAN", "A stored plan of rest.", "NF-06", "")])
        rules = [*NORTH_RULES, ("plan", "nowhere")]
        answer = mel.post(address, form(rules, action="publish", preview_note=str(version.pk)))
        assert answer.status_code in (409, 422)
        assert "A stored plan of rest." not in answer.content.decode()
        assert not AuditEvent.objects.filter(event="note.preview").exists()

    def test_of_a_note_elsewhere_is_not_found(self, mel, address):
        posted = form(NORTH_RULES, action="preview", preview_note="00000000-0000-0000-0000-000000000000")
        assert mel.post(address, posted).status_code == 404

    def test_of_a_form_with_a_mistake_names_it_and_keeps_what_was_typed(self, mel, address):
        page = mel.post(address, form([("plan", "NF-06", {"limit": "many"})], action="preview")).content.decode()
        assert 'value="many"' in page
        assert 'class="hl7-segment">OBX' not in page

    def test_is_not_there_for_who_only_reads(self, client, cast, template, address):
        client.force_login(cast.omar)
        assert 'id="preview"' not in client.get(address).content.decode()
