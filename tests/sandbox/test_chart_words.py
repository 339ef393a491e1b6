"""What the chart's pages say, element by element: fields, what was lost, how to go on in a list, who may look where."""

import pytest

from sandbox.chart import EncounterLine, Filing, chart_fields, standing
from sandbox.chart_pages import LINES, LOST, further, lost_words, note, sign_form, template_links
from sandbox.fault_kinds import KINDS
from sandbox.html import Html, el, inner
from sandbox.shell import choice, entry, path, table
from sandbox.tampering import CHANGES
from sandbox.template import Template, TemplateField
from tests.sandbox.office import FHIR, FORM, bundle, hl7, reference

TEMPLATE = Template(
    "NORTH", "T", "Visit", (TemplateField("F1", "Chief Complaint", 1), TemplateField("F2", "HPI & more", 2))
)


def filing(sequence=1, note_id="N1", correction=False, lost=(), **fields) -> Filing:
    return Filing(
        sequence, f"C{sequence}", note_id, "NORTH", "E1", "P1", "T", correction, 1_000_000_000.5, list(lost), fields
    )


class TestTheFieldsOfAChart:
    def test_stand_in_the_templates_order_with_label_and_identifier(self):
        assert note({"F2": "Cough.", "F1": "Cough"}, TEMPLATE) == (
            '<dl><dt>Chief Complaint <code>F1</code></dt><dd class="text">Cough</dd>'
            '<dt>HPI &amp; more <code>F2</code></dt><dd class="text">Cough.</dd></dl>'
        )

    def test_that_hold_nothing_are_shown_empty_and_not_left_out(self):
        assert '<dt>Chief Complaint <code>F1</code></dt><dd class="empty">Empty</dd>' in note({}, TEMPLATE)

    def test_that_hold_an_empty_text_are_not_called_empty(self):
        assert '<dd class="text"></dd>' in note({"F1": ""}, TEMPLATE)

    def test_the_template_does_not_have_come_last(self):
        made = note({"X9": "stray", "F1": "Cough"}, TEMPLATE)
        assert made.endswith('<dt>Not in the template <code>X9</code></dt><dd class="text">stray</dd></dl>')

    def test_without_a_template_are_all_shown(self):
        assert note({"X9": "stray"}, None) == (
            '<dl><dt>Not in the template <code>X9</code></dt><dd class="text">stray</dd></dl>'
        )

    def test_show_a_senders_markup_as_text(self):
        assert '<dd class="text">&lt;b&gt;&quot;&#x27;&amp;</dd>' in note({"F1": "<b>\"'&"}, TEMPLATE)


class TestWhatWasLost:
    def said(self, reason, filed_as="") -> str:
        return lost_words({"field_id": "F1", "reason": reason, "filed_as": filed_as})

    def test_an_unknown_field_was_dropped(self):
        assert self.said("unknown_field") == "F1: not in the template, dropped"

    def test_a_repeated_field_was_dropped(self):
        assert self.said("repeated_field") == "F1: stood a second time, dropped"

    def test_a_field_out_of_order_says_where_it_went(self):
        assert self.said("out_of_order", "F2") == "F1: out of the template's order, filed as F2"

    def test_a_field_out_of_order_that_went_nowhere_was_dropped(self):
        assert self.said("out_of_order") == "F1: out of the template's order, dropped"

    def test_a_cut_field_is_where_it_should_be(self):
        assert self.said("truncated", "F1") == "F1: longer than the field: cut"

    def test_a_fault_is_called_a_fault(self):
        assert self.said("silent_drop") == "F1: a fault, dropped"
        assert self.said("move_field", "F2") == "F1: a fault, filed as F2"
        assert self.said("truncate", "F1") == "F1: a fault cut it"

    def test_has_words_for_every_reason_there_is(self):
        rules = {"unknown_field", "repeated_field", "out_of_order", "truncated"}
        assert set(LOST) == rules | set(CHANGES)
        assert set(CHANGES) <= set(KINDS)


class TestGoingOnInAList:
    def test_at_its_beginning_offers_only_what_follows(self):
        made = further("", 0, True)
        assert f'<button name="from" value="{LINES}">Further down</button>' in made
        assert "Earlier" not in made

    def test_at_its_end_offers_only_what_was_before(self):
        made = further("", 100, False)
        assert '<button name="from" value="50">Earlier in the list</button>' in made
        assert "Further" not in made

    def test_near_its_beginning_goes_back_to_the_very_first(self):
        assert 'value="0">Earlier in the list' in further("", 20, False)

    def test_keeps_the_search(self):
        assert '<input type="hidden" name="q" value="E&quot;1">' in further('E"1', 50, True)

    def test_that_is_short_offers_nothing(self):
        assert "button" not in further("E1", 0, False)


class TestTheFormThatSigns:
    def test_an_open_note_offers_to_lock_it(self):
        assert sign_form("NORTH", "E1", False) == (
            '<form method="post" action="/facilities/NORTH/encounters/E1/sign">'
            '<button name="signed" value="yes">Sign and lock the note</button></form>'
        )

    def test_a_signed_note_offers_to_open_it(self):
        assert '<button name="signed" value="no">Open the note again</button>' in sign_form("NORTH", "E1", True)

    def test_quotes_an_encounter_of_any_characters_into_its_address(self):
        assert 'action="/facilities/NORTH/encounters/E%2F1%3Fx/sign"' in sign_form("NORTH", "E/1?x", False)


class TestAFiling:
    def test_has_its_moment_in_utc_with_milliseconds(self):
        assert filing().moment == "2001-09-09T01:46:40.500Z"

    def test_of_a_full_second_has_its_milliseconds_too(self):
        made = Filing(1, "C", "", "NORTH", "E1", "P1", "T", False, 1_000_000_000.0, [], {})
        assert made.moment == "2001-09-09T01:46:40.000Z"

    def test_that_is_corrected_no_longer_stands(self):
        first, second = filing(1, F1="old", F2="kept?"), filing(2, correction=True, F1="new")
        assert standing([first, second]) == [second]
        assert chart_fields([first, second]) == {"F1": "new"}

    def test_of_another_note_is_not_touched_by_a_correction(self):
        first, second = filing(1, note_id="N1", F1="one"), filing(2, note_id="N2", correction=True, F2="two")
        assert chart_fields([first, second]) == {"F1": "one", "F2": "two"}

    def test_without_a_name_corrects_nothing(self):
        first, second = filing(1, note_id="", F1="one"), filing(2, note_id="", correction=True, F1="two")
        assert standing([first, second]) == [first, second]

    def test_after_a_correction_stands_beside_it(self):
        history = [filing(1, F1="a"), filing(2, correction=True, F1="b"), filing(3, F2="c")]
        assert [each.sequence for each in standing(history)] == [2, 3]


class TestAnElement:
    def test_of_a_void_kind_is_not_closed(self):
        assert el("input", name="q") == '<input name="q">'
        assert el("meta", charset="utf-8") == '<meta charset="utf-8">'

    def test_escapes_its_attributes(self):
        assert el("a", "x", href='"><script>') == '<a href="&quot;&gt;&lt;script&gt;">x</a>'

    def test_leaves_out_what_is_false_or_none(self):
        assert el("option", "x", selected=False, value=None) == "<option>x</option>"

    def test_writes_what_is_true_without_a_value(self):
        assert el("option", "x", selected=True) == "<option selected>x</option>"

    def test_writes_zero(self):
        assert el("td", 0, colspan=0) == '<td colspan="0">0</td>'

    def test_takes_underscores_for_dashes_and_drops_the_last(self):
        assert el("nav", aria_label="Pages", class_="a") == '<nav aria-label="Pages" class="a"></nav>'

    def test_flattens_lists_within_lists(self):
        assert el("p", ["a", ["b", [el("b", "c")]]], None) == "<p>ab<b>c</b></p>"

    def test_built_here_is_not_escaped_twice(self):
        assert inner(el("b", "&")) == "<b>&amp;</b>"

    def test_text_that_merely_looks_like_html_is_escaped(self):
        assert inner("<b>") == "&lt;b&gt;"
        assert type(inner("<b>")) is Html


class TestAPart:
    def test_an_address_quotes_slashes_spaces_and_signs(self):
        assert path("facilities", "N/S", "a b", "ü?#%") == "/facilities/N%2FS/a%20b/%C3%BC%3F%23%25"

    def test_a_table_names_itself_and_scrolls_by_keyboard(self):
        made = table(("Field",), [["F1"]], "Fields")
        assert made == (
            '<div class="wide" tabindex="0" role="region" aria-label="Fields"><table><caption>Fields</caption>'
            '<thead><tr><th scope="col">Field</th></tr></thead><tbody><tr><td>F1</td></tr></tbody></table></div>'
        )

    def test_a_choice_is_labelled_and_shows_what_is_chosen(self):
        assert choice("Where", "facility", [("", "All"), ("N", "North")], "N") == (
            '<label><span>Where</span><select name="facility"><option value="">All</option>'
            '<option value="N" selected>North</option></select></label>'
        )

    def test_an_entry_is_labelled(self):
        assert entry("Chance", "probability", "1", type="number", required=True) == (
            '<label><span>Chance</span><input name="probability" value="1" type="number" required></label>'
        )

    def test_templates_are_linked_in_the_order_of_their_codes(self, office):
        office.api("PUT", "/facilities/NORTH/templates/A-1", {"fields": [{"field_id": "F"}]})
        assert inner(template_links(office.store, "NORTH")) == (
            '<a href="/facilities/NORTH/templates/A-1">A-1</a> · '
            '<a href="/facilities/NORTH/templates/FM-PROGRESS">FM-PROGRESS</a>'
        )


class TestThePages:
    @pytest.fixture
    def filed(self, office):
        """One note in the chart of E1, filed by FHIR."""
        office.api("PUT", "/practices/LAKESI", {"facility": "NORTH"})
        made = bundle(reference(hl7(("NF-01", "Cough <b>"), ("NF-01", "again"))))
        office.call("POST", FHIR, made, office.registered())
        assert office.store.count() == 1
        return office

    def test_the_chart_names_patient_encounter_and_state(self, filed):
        made = filed.call("GET", "/facilities/NORTH/encounters/E1").text
        assert "<p>Patient P1 · open</p>" in made
        assert '<p><a href="/facilities/NORTH">NORTH</a> · encounter E1</p>' in made

    def test_the_chart_shows_the_note_by_its_labels(self, filed):
        made = filed.call("GET", "/facilities/NORTH/encounters/E1").text
        assert '<dt>Chief Complaint <code>NF-01</code></dt><dd class="text">Cough &lt;b&gt;</dd>' in made
        assert "<li>NF-01: stood a second time, dropped</li>" in made

    def test_the_title_names_neither_patient_nor_encounter(self, filed):
        made = filed.call("GET", "/facilities/NORTH/encounters/E1").text
        assert "<title>Chart · Simulated eCW</title>" in made

    def test_every_page_says_that_this_is_simulated(self, filed):
        for address in ("/", "/facilities/NORTH", "/facilities/NORTH/encounters/E1", "/faults"):
            assert "Simulated eCW: synthetic notes only" in filed.call("GET", address).text

    def test_an_encounter_without_filings_is_404_in_words(self, filed):
        made = filed.call("GET", "/facilities/NORTH/encounters/E2")
        assert (made.status, "Nothing is filed for this encounter." in made.text) == (404, True)

    def test_an_unknown_facility_is_404(self, filed):
        assert filed.call("GET", "/facilities/SOUTH").status == 404

    def test_a_search_that_finds_nothing_says_so(self, filed):
        assert "<p>Nothing found.</p>" in filed.call("GET", "/facilities/NORTH?q=E9").text

    def test_a_search_finds_by_the_patient_too(self, filed):
        assert ">E1</a>" in filed.call("GET", "/facilities/NORTH?q=P1").text

    def test_a_place_in_the_list_that_is_no_number_is_the_first(self, filed):
        assert ">E1</a>" in filed.call("GET", "/facilities/NORTH?from=-1").text
        assert ">E1</a>" in filed.call("GET", "/facilities/NORTH?from=x").text

    def test_signing_locks_the_encounter(self, filed):
        made = filed.call("POST", "/facilities/NORTH/encounters/E1/sign", "signed=yes", FORM)
        assert (made.status, made.headers["Location"]) == (303, "/facilities/NORTH/encounters/E1")
        assert filed.store.encounters("NORTH", "", 10, 0) == [EncounterLine("E1", "P1", 1, True)]

    def test_opening_unlocks_it(self, filed):
        filed.call("POST", "/facilities/NORTH/encounters/E1/sign", "signed=yes", FORM)
        filed.call("POST", "/facilities/NORTH/encounters/E1/sign", "signed=no", FORM)
        assert filed.store.signed == set()

    def test_another_sites_form_signs_nothing(self, filed):
        headers = {**FORM, "Origin": "https://elsewhere.example"}
        made = filed.call("POST", "/facilities/NORTH/encounters/E1/sign", "signed=yes", headers)
        assert (made.status, made.json) == (403, {"error": "Another site's page may not change anything here."})
        assert filed.store.signed == set()

    def test_an_origin_that_is_null_signs_nothing(self, filed):
        made = filed.call("POST", "/facilities/NORTH/encounters/E1/sign", "signed=yes", {**FORM, "Origin": "null"})
        assert made.status == 403

    def test_our_own_origin_signs(self, filed):
        own = filed.address("/").rstrip("/")
        made = filed.call("POST", "/facilities/NORTH/encounters/E1/sign", "signed=yes", {**FORM, "Origin": own})
        assert made.status == 303

    def test_even_a_page_that_is_not_there_keeps_browsers_strict(self, filed):
        made = filed.call("GET", "/nowhere")
        assert made.status == 404
        assert made.headers["X-Content-Type-Options"] == "nosniff"
        assert made.headers["Cache-Control"] == "no-store"
        assert made.headers["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )


def test_before_the_first_template_there_is_no_facility(office):
    office.api("POST", "/reset")
    assert "No facility yet: a facility comes to be with its first template." in office.call("GET", "/").text
