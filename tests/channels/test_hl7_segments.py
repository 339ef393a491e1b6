"""Every segment of a message byte for byte, and every escape of HL7 v2.5.1 §2.7 in both directions.

The expected bytes are written from the standard: field numbers of §3.4 (PID, PV1) and §7.4 (OBR, OBX), table 0008,
table 0085, and the escape sequences of §2.7.1. Nothing here is taken from what the renderer happens to say.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from delivery.channels import hl7, lint
from delivery.channels.base import CannotExpress, Patient, Visit
from delivery.channels.hl7_settings import Hl7Settings
from mapping.note import FieldValue
from tests.channels.notes import CONTROL_ID, SETTINGS, for_patient, for_visit, note


def segments(made=None, settings=SETTINGS) -> list[str]:
    return hl7.render(made or note(), settings).body.decode().split("\r")[:-1]


def segment(name: str, made=None, settings=SETTINGS) -> str:
    (found,) = [each for each in segments(made, settings) if each.startswith(name)]
    return found


def observations(*texts: str) -> list[str]:
    return [each for each in segments(note(*texts)) if each.startswith("OBX")]


def refused(made, settings=SETTINGS) -> str:
    with pytest.raises(CannotExpress) as caught:
        hl7.render(made, settings)
    return caught.value.reason_code


class TestEscaping:
    """§2.7.1: the five delimiters of the message, each by its own sequence."""

    def test_the_field_separator_is_F(self):
        assert hl7.escape("a|b") == "a\\F\\b"

    def test_the_component_separator_is_S(self):
        assert hl7.escape("a^b") == "a\\S\\b"

    def test_the_subcomponent_separator_is_T(self):
        assert hl7.escape("a&b") == "a\\T\\b"

    def test_the_repetition_separator_is_R(self):
        assert hl7.escape("a~b") == "a\\R\\b"

    def test_the_escape_character_itself_is_E(self):
        assert hl7.escape("a\\b") == "a\\E\\b"

    def test_all_five_at_once_each_keep_their_own(self):
        assert hl7.escape("|^&~\\") == "\\F\\\\S\\\\T\\\\R\\\\E\\"

    def test_an_escape_sequence_that_was_dictated_stays_what_was_dictated(self):
        assert hl7.escape("\\F\\") == "\\E\\F\\E\\"

    def test_a_line_break_sequence_that_was_dictated_breaks_no_line(self):
        assert hl7.escape("\\.br\\") == "\\E\\.br\\E\\"

    def test_two_escape_characters_are_two_sequences(self):
        assert hl7.escape("\\\\") == "\\E\\\\E\\"

    def test_a_text_without_delimiters_is_left_alone(self):
        assert (
            hl7.escape("BP 120/80, temp 98.6 °F; pulse #72 (regular)") == "BP 120/80, temp 98.6 °F; pulse #72 (regular)"
        )

    def test_an_empty_text_stays_empty(self):
        assert hl7.escape("") == ""

    def test_letters_of_the_sequences_are_letters_where_no_escape_character_stands(self):
        assert hl7.escape("F S T R E .br") == "F S T R E .br"


class TestUnescaping:
    """The second reader gives each sequence the meaning of §2.7.1, and nothing else a meaning."""

    @pytest.mark.parametrize(
        "sent, meant",
        [("\\F\\", "|"), ("\\S\\", "^"), ("\\T\\", "&"), ("\\R\\", "~"), ("\\E\\", "\\"), ("\\.br\\", "\n")],
    )
    def test_a_sequence_means_its_character(self, sent, meant):
        assert lint.decode(f"before {sent} after") == f"before {meant} after"

    def test_sequences_side_by_side_are_read_one_after_another(self):
        assert lint.decode("\\F\\\\F\\") == "||"

    def test_an_escaped_escape_in_front_of_a_letter_is_no_sequence(self):
        assert lint.decode("\\E\\F\\E\\") == "\\F\\"

    def test_a_text_without_an_escape_is_given_back(self):
        assert lint.decode("nothing to do") == "nothing to do"

    @pytest.mark.parametrize("open_ended", ["\\", "a\\", "\\F", "\\F\\\\", "one\\E\\two\\"])
    def test_a_sequence_that_does_not_end_is_an_error(self, open_ended):
        with pytest.raises(CannotExpress, match="lint_escape"):
            lint.decode(open_ended)

    @pytest.mark.parametrize("name", ["X0D", "H", "N", ".sp", ".in2", ".ce", "Z1", "C2842", "M2424", "f", "", "EF"])
    def test_a_sequence_nobody_here_writes_is_an_error_and_not_guessed_at(self, name):
        with pytest.raises(CannotExpress, match="lint_escape"):
            lint.decode(f"a\\{name}\\b")


class TestTheHeader:
    def test_of_the_least_settings_is_this(self):
        assert segment("MSH") == (
            "MSH|^~\\&|SCRIBEPORT||ECW|NORTH|20260319151502+0000||ORU^R01^ORU_R01|ABCDEFGHIJKLMNOPQ234|T|2.5.1"
            "||||||UNICODE UTF-8"
        )

    def test_has_the_acknowledgement_fields_empty_in_original_mode(self):
        fields = segment("MSH").split("|")
        assert (fields[14], fields[15]) == ("", "")

    def test_asks_for_both_answers_in_enhanced_mode(self):
        fields = segment("MSH", settings=replace(SETTINGS, ack_mode="enhanced")).split("|")
        assert (fields[14], fields[15]) == ("AL", "AL")

    def test_names_the_character_set_in_field_eighteen(self):
        assert segment("MSH").split("|")[17] == "UNICODE UTF-8"

    def test_has_the_same_number_of_fields_in_either_mode(self):
        enhanced = replace(SETTINGS, ack_mode="enhanced")
        assert segment("MSH").count("|") == segment("MSH", settings=enhanced).count("|") == 17

    @pytest.mark.parametrize("version", ["2.4", "2.5", "2.5.1"])
    def test_names_the_structure_where_the_version_has_message_structures(self, version):
        assert segment("MSH", settings=replace(SETTINGS, version=version)).split("|")[8] == "ORU^R01^ORU_R01"

    @pytest.mark.parametrize("version", ["2.3", "2.3.1"])
    def test_names_type_and_event_alone_in_older_versions(self, version):
        assert segment("MSH", settings=replace(SETTINGS, version=version)).split("|")[8] == "ORU^R01"

    @pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5", "2.5.1"])
    def test_says_its_version_in_field_twelve(self, version):
        assert segment("MSH", settings=replace(SETTINGS, version=version)).split("|")[11] == version

    def test_says_P_for_production(self):
        production = Hl7Settings.read(
            {"host": "ecw.example.org", "port": 2575, "receiving_facility": "NORTH", "tls": True}, {}, "production"
        )
        assert segment("MSH", settings=production).split("|")[10] == "P"

    def test_carries_all_four_names_where_all_are_set(self):
        named = replace(
            SETTINGS,
            sending_application="MURMUR",
            sending_facility="LAKESIDE",
            receiving_application="ECWPROD",
            receiving_facility="SOUTH",
        )
        assert segment("MSH", settings=named).split("|")[2:6] == ["MURMUR", "LAKESIDE", "ECWPROD", "SOUTH"]

    def test_takes_the_visits_own_facility_before_that_of_the_connection(self):
        assert segment("MSH", for_visit(facility="WEST")).split("|")[5] == "WEST"

    def test_takes_the_connections_facility_where_the_visit_has_none(self):
        assert segment("MSH", for_visit(facility="")).split("|")[5] == "NORTH"

    def test_carries_the_control_id_in_field_ten(self):
        assert segment("MSH").split("|")[9] == CONTROL_ID


class TestTheTimes:
    def made(self, moment: datetime) -> str:
        return segment("MSH", note(created_at=moment)).split("|")[6]

    def test_in_utc_end_with_four_zeros(self):
        assert self.made(datetime(2026, 3, 19, 15, 15, 2, tzinfo=UTC)) == "20260319151502+0000"

    def test_west_of_greenwich_end_with_a_minus(self):
        assert self.made(datetime(2026, 3, 19, 10, 15, tzinfo=timezone(timedelta(hours=-5)))) == "20260319101500-0500"

    def test_of_half_hours_keep_the_minutes(self):
        assert self.made(datetime(2026, 3, 19, 20, 45, tzinfo=timezone(timedelta(hours=5, minutes=30)))) == (
            "20260319204500+0530"
        )

    def test_of_the_first_second_of_a_year_are_padded_with_zeros(self):
        assert self.made(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "20260102030405+0000"

    def test_of_a_leap_day_are_that_day(self):
        assert self.made(datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)) == "20280229235959+0000"

    def test_carry_no_fraction_of_a_second(self):
        assert self.made(datetime(2026, 3, 19, 15, 15, 2, 999999, tzinfo=UTC)) == "20260319151502+0000"

    def test_of_a_year_before_one_thousand_still_have_four_digits(self):
        assert self.made(datetime(999, 3, 19, 15, 15, 2)) == "09990319151502"


class TestThePatient:
    def test_of_the_golden_note_is_this(self):
        assert segment("PID") == "PID|||P1001||Okafor^Lena||19810719|F"

    def test_without_a_given_name_has_an_empty_second_component(self):
        assert segment("PID", for_patient(given="")) == "PID|||P1001||Okafor^||19810719|F"

    def test_without_a_birth_date_leaves_field_seven_empty(self):
        assert segment("PID", for_patient(birth_date="")) == "PID|||P1001||Okafor^Lena|||F"

    def test_without_a_sex_leaves_field_eight_empty(self):
        assert segment("PID", for_patient(sex="")) == "PID|||P1001||Okafor^Lena||19810719|"

    def test_whose_name_holds_a_separator_stays_in_one_component(self):
        assert (
            segment("PID", for_patient(family="O^Neil|Smith")) == "PID|||P1001||O\\S\\Neil\\F\\Smith^Lena||19810719|F"
        )

    def test_whose_id_holds_a_repetition_mark_stays_one_id(self):
        assert segment("PID", for_patient(id="P~1")) == "PID|||P\\R\\1||Okafor^Lena||19810719|F"

    @pytest.mark.parametrize("sex", ["M", "F", "O", "U"])
    def test_of_each_sex_of_the_contract_keeps_its_letter(self, sex):
        assert segment("PID", for_patient(sex=sex)).rsplit("|", 1)[1] == sex

    def test_with_letters_of_other_scripts_is_sent_as_written(self):
        assert segment("PID", for_patient(family="Müller-Łukasiewicz", given="Zoë")) == (
            "PID|||P1001||Müller-Łukasiewicz^Zoë||19810719|F"
        )


class TestTheVisit:
    def test_of_the_golden_note_is_this(self):
        assert segment("PV1") == "PV1||O|||||DR7^Lee^Ann||||||||||||E5001"

    def test_names_the_encounter_in_field_nineteen(self):
        assert segment("PV1").split("|")[19] == "E5001"

    def test_names_the_provider_in_field_seven(self):
        assert segment("PV1").split("|")[7] == "DR7^Lee^Ann"

    def test_without_a_given_name_ends_the_provider_after_the_family_name(self):
        assert segment("PV1", for_visit(provider_given="")).split("|")[7] == "DR7^Lee"

    def test_without_any_name_is_the_providers_id_alone(self):
        assert segment("PV1", for_visit(provider_given="", provider_family="")).split("|")[7] == "DR7"

    def test_without_an_id_keeps_the_names_in_their_places(self):
        assert segment("PV1", for_visit(provider_id="")).split("|")[7] == "^Lee^Ann"

    def test_escapes_an_encounter_with_a_separator(self):
        assert segment("PV1", for_visit(encounter_id="E|1")).split("|")[19] == "E\\F\\1"


class TestTheOrder:
    def test_of_the_golden_note_is_this(self):
        assert segment("OBR") == (
            "OBR|1|E5001|0198c0de-0000-7000-8000-000000000001|FM-PROGRESS^Family Medicine Progress Note^L"
            "|||20260319101500-0500||||||||||||||||||F"
        )

    def test_says_final_in_field_twenty_five(self):
        assert segment("OBR").split("|")[25] == "F"

    def test_of_a_correction_says_so_in_field_twenty_five(self):
        assert segment("OBR", note(correction=True)).split("|")[25] == "C"

    def test_names_the_visits_start_in_field_seven(self):
        assert segment("OBR").split("|")[7] == "20260319101500-0500"

    def test_without_a_start_leaves_field_seven_empty(self):
        assert segment("OBR", for_visit(start=None)).split("|")[7] == ""

    def test_escapes_the_name_of_a_template(self):
        made = note(template_name="Family & Sports | 2026")
        assert segment("OBR", made).split("|")[4] == "FM-PROGRESS^Family \\T\\ Sports \\F\\ 2026^L"

    def test_names_our_note_in_field_three(self):
        assert segment("OBR", note(note_id="n-1")).split("|")[3] == "n-1"


class TestTheObservations:
    def test_of_one_short_text_is_this(self):
        assert observations("Cough.") == ["OBX|1|FT|NF-01^Field 1^L||Cough.||||||F"]

    def test_are_numbered_from_one(self):
        assert [each.split("|")[1] for each in observations("a", "b", "c")] == ["1", "2", "3"]

    def test_carry_a_line_break_as_its_sequence(self):
        assert observations("one\ntwo") == ["OBX|1|FT|NF-01^Field 1^L||one\\.br\\two||||||F"]

    def test_carry_an_empty_line_as_two_sequences(self):
        assert observations("one\n\ntwo") == ["OBX|1|FT|NF-01^Field 1^L||one\\.br\\\\.br\\two||||||F"]

    def test_carry_a_break_at_the_end(self):
        assert observations("one\n") == ["OBX|1|FT|NF-01^Field 1^L||one\\.br\\||||||F"]

    def test_carry_tabs_as_they_are(self):
        assert observations("a\tb") == ["OBX|1|FT|NF-01^Field 1^L||a\tb||||||F"]

    def test_carry_leading_spaces_as_they_are(self):
        assert observations("  a  ") == ["OBX|1|FT|NF-01^Field 1^L||  a  ||||||F"]

    def test_of_a_dictated_segment_stay_one_segment(self):
        assert observations("OBX|2|FT|X") == ["OBX|1|FT|NF-01^Field 1^L||OBX\\F\\2\\F\\FT\\F\\X||||||F"]

    def test_of_a_correction_each_say_so(self):
        made = segments(note("a", "b", correction=True))
        assert [each.rsplit("|", 1)[1] for each in made if each.startswith("OBX")] == ["C", "C"]

    def test_escape_a_label_with_a_separator(self):
        made = note(values=(FieldValue("NF-04", "Assessment & Plan", 1, "Rest.", ()),))
        assert segment("OBX", made) == "OBX|1|FT|NF-04^Assessment \\T\\ Plan^L||Rest.||||||F"

    def test_follow_the_note_and_not_the_field_ids(self):
        made = note(values=(FieldValue("Z", "Z", 1, "first", ()), FieldValue("A", "A", 2, "second", ())))
        assert [each.split("|")[3] for each in segments(made) if each.startswith("OBX")] == ["Z^Z^L", "A^A^L"]

    def test_of_exactly_the_most_characters_pass(self):
        assert len(observations("x" * 65_536)[0].split("|")[5]) == 65_536

    def test_of_one_character_more_are_refused(self):
        assert refused(note("x" * 65_537)) == "hl7_text_too_long"

    def test_count_the_characters_as_they_are_sent(self):
        assert refused(note("|" * 21_846)) == "hl7_text_too_long"  # three characters each: 65,538


class TestWhatIsNeverSent:
    @pytest.mark.parametrize(
        "control_id", ["", "ABC", "ABCDEFGHIJKLMNOPQ23", "ABCDEFGHIJKLMNOPQ2345", "ABCDEFGHIJ-LMNOPQ234"]
    )
    def test_a_control_id_that_is_not_twenty_letters_and_digits(self, control_id):
        assert refused(note(control_id=control_id)) == "hl7_control_id"

    def test_a_note_without_our_id(self):
        assert refused(note(note_id="")) == "hl7_note_identity_missing"

    def test_a_note_without_a_template(self):
        assert refused(note(template_code="")) == "hl7_note_identity_missing"

    def test_a_note_without_a_patient(self):
        assert refused(for_patient(id="")) == "hl7_patient_missing"

    def test_a_patient_without_a_family_name(self):
        assert refused(for_patient(family="")) == "hl7_patient_missing"

    def test_a_note_without_an_encounter(self):
        assert refused(for_visit(encounter_id="")) == "hl7_encounter_missing"

    @pytest.mark.parametrize("born", ["19810719", "1981-7-19", "07/19/1981", "1981-07", "1981-07-19T00:00"])
    def test_a_birth_date_in_another_form(self, born):
        assert refused(for_patient(birth_date=born)) == "hl7_birth_date"

    @pytest.mark.parametrize("sex", ["f", "X", "female", " F"])
    def test_a_sex_that_the_contract_does_not_have(self, sex):
        assert refused(for_patient(sex=sex)) == "hl7_sex"

    @pytest.mark.parametrize("facility", ["A|B", "A^B", "A~B", "A\\B", "A&B", "A\rB", "A\x0bB"])
    def test_a_facility_on_which_receivers_could_not_route(self, facility):
        assert refused(for_visit(facility=facility)) == "hl7_facility"

    def test_two_double_quotes_as_a_text(self):
        """§2.5.3: they would tell the receiver to delete what it holds."""
        assert refused(note('""')) == "hl7_null_value"

    def test_two_double_quotes_as_a_patients_name(self):
        assert refused(for_patient(family='""')) == "hl7_null_value"

    def test_two_double_quotes_as_a_field_id(self):
        assert refused(note(values=(FieldValue('""', "x", 1, "text", ()),))) == "hl7_null_value"

    def test_two_double_quotes_within_a_text_are_a_text(self):
        assert observations('he said ""') == ['OBX|1|FT|NF-01^Field 1^L||he said ""||||||F']

    def test_no_values(self):
        assert refused(note(values=())) == "hl7_nothing_to_send"

    def test_a_value_of_blanks(self):
        assert refused(note(" \n ")) == "hl7_empty_value"

    def test_a_value_without_a_field(self):
        assert refused(note(values=(FieldValue("", "x", 1, "text", ()),))) == "hl7_empty_value"

    def test_one_field_twice(self):
        twice = (FieldValue("NF-01", "x", 1, "a", ()), FieldValue("NF-01", "x", 2, "b", ()))
        assert refused(note(values=twice)) == "hl7_field_twice"

    def test_two_fields_in_the_same_place(self):
        same = (FieldValue("NF-01", "x", 3, "a", ()), FieldValue("NF-02", "y", 3, "b", ()))
        assert refused(note(values=same)) == "obx_order"

    @pytest.mark.parametrize("control", ["\x00", "\x08", "\x0b", "\x0c", "\r", "\x1b", "\x1c", "\x1f", "\x7f"])
    def test_a_control_character_in_a_text(self, control):
        assert refused(note(f"a{control}b")) == "hl7_control_character"

    def test_half_a_character_in_a_text(self):
        assert refused(note("a\ud800b")) == "hl7_lone_surrogate"

    def test_a_line_break_in_a_name(self):
        assert refused(for_patient(family="Oka\nfor")) == "hl7_control_character"

    def test_and_the_refusal_holds_nothing_of_the_note(self):
        with pytest.raises(CannotExpress) as caught:
            hl7.render(note("Cough of Lena Okafor\x00"), SETTINGS)
        assert str(caught.value) == "hl7_control_character"
        assert caught.value.__cause__ is None
        assert caught.value.answer == b""


def test_a_whole_message_is_these_bytes_and_no_others():
    visit = Visit("E9", Patient("P9", "Ito", "Ken", "1990-02-28", "M"), None, "", "", "", "")
    made = note("Fine.", visit=visit, template_code="T", template_name="T")
    assert hl7.render(made, SETTINGS).body == (
        b"MSH|^~\\&|SCRIBEPORT||ECW|NORTH|20260319151502+0000||ORU^R01^ORU_R01|ABCDEFGHIJKLMNOPQ234|T|2.5.1||||||"
        b"UNICODE UTF-8\r"
        b"PID|||P9||Ito^Ken||19900228|M\r"
        b"PV1||O|||||||||||||||||E9\r"
        b"OBR|1|E9|0198c0de-0000-7000-8000-000000000001|T^T^L|||||||||||||||||||||F\r"
        b"OBX|1|FT|NF-01^Field 1^L||Fine.||||||F\r"
    )


def test_a_message_is_called_hl7_v2_in_utf_8():
    assert hl7.render(note(), SETTINGS).content_type == "application/hl7-v2; charset=utf-8"


def test_a_birth_date_is_sent_as_eight_digits_of_the_same_day():
    born = date(2004, 2, 29).isoformat()
    assert segment("PID", for_patient(birth_date=born)).split("|")[7] == "20040229"
