"""What became of sections within one field, pure text against text; and within one document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels import in_document
from delivery.channels.in_field import ALTERED, DUPLICATED, MISSING, VERIFIED, Placed, count, parts, place
from mapping.note import Contribution, FieldValue


def section(text: str, index: int = 0, title: str = "") -> Contribution:
    return Contribution(index, f"s{index}", title, text)


def one(text: str) -> FieldValue:
    """A field that one section fills."""
    return FieldValue("F", "Field", 1, text, (section(text),))


def joined(*texts: str, separator: str = "\n\n", before: str = "", after: str = "") -> FieldValue:
    """A field that several sections fill."""
    contributions = tuple(section(text, index) for index, text in enumerate(texts))
    return FieldValue("F", "Field", 1, before + separator.join(texts) + after, contributions)


def outcomes(value: FieldValue, actual: str) -> list[str]:
    return [each.outcome for each in place(value, actual)]


def stands(value: FieldValue, actual: str) -> list[str]:
    return [each.stands for each in place(value, actual)]


COUGH, LUNGS, REST = "Cough for nine days.", "Lungs clear to auscultation.", "Rest and fluids, return if worse."


class TestAFieldOfOneSection:
    def test_as_sent_is_verified_with_its_own_text(self):
        assert place(one(COUGH), COUGH) == [Placed(section(COUGH), VERIFIED, COUGH)]

    def test_that_is_empty_is_missing(self):
        assert place(one(COUGH), "") == [Placed(section(COUGH), MISSING, "")]

    @pytest.mark.parametrize("blank", [" ", "\n", "\n\n  \t", "\u00a0"])
    def test_that_holds_only_blanks_is_missing(self, blank):
        assert outcomes(one(COUGH), blank) == [MISSING]

    def test_with_another_text_is_altered_and_shows_it(self):
        assert place(one(COUGH), "Sore throat.") == [Placed(section(COUGH), ALTERED, "Sore throat.")]

    def test_that_was_cut_is_altered_and_shows_what_is_left(self):
        assert place(one(COUGH), "Cough for") == [Placed(section(COUGH), ALTERED, "Cough for")]

    def test_with_one_letter_changed_is_altered(self):
        assert outcomes(one(COUGH), "Cough for nine day.") == [ALTERED]

    def test_in_capitals_is_altered(self):
        assert outcomes(one(COUGH), COUGH.upper()) == [ALTERED]

    def test_with_two_spaces_for_one_is_altered(self):
        assert outcomes(one(COUGH), "Cough  for nine days.") == [ALTERED]

    def test_with_its_line_breaks_taken_out_is_altered(self):
        assert outcomes(one("one\ntwo"), "one two") == [ALTERED]

    def test_with_a_line_break_more_at_the_end_is_altered(self):
        assert outcomes(one(COUGH), COUGH + "\n") == [ALTERED]

    def test_with_a_space_before_it_is_altered(self):
        assert outcomes(one(COUGH), " " + COUGH) == [ALTERED]

    def test_that_stands_twice_is_duplicated(self):
        assert outcomes(one(COUGH), COUGH + COUGH) == [DUPLICATED]

    def test_that_stands_twice_on_two_lines_is_duplicated(self):
        assert outcomes(one(COUGH), f"{COUGH}\n{COUGH}") == [DUPLICATED]

    def test_with_a_clinicians_words_behind_it_is_altered_and_shows_all(self):
        assert place(one(COUGH), COUGH + " Addendum: smoker.") == [
            Placed(section(COUGH), ALTERED, COUGH + " Addendum: smoker.")
        ]

    def test_with_an_escape_left_unread_is_altered(self):
        assert outcomes(one("Rest & fluids"), "Rest \\T\\ fluids") == [ALTERED]

    def test_with_question_marks_for_its_quotes_is_altered(self):
        assert outcomes(one("“dry” cough"), "?dry? cough") == [ALTERED]

    def test_of_a_single_character_is_verified_by_that_character(self):
        assert outcomes(one("5"), "5") == [VERIFIED]

    def test_of_a_single_character_within_a_number_is_altered(self):
        assert outcomes(one("5"), "50") == [ALTERED]


class TestAFieldOfSeveralSections:
    def test_as_sent_is_verified_section_by_section(self):
        value = joined(COUGH, LUNGS, REST)
        assert place(value, value.text) == [
            Placed(section(COUGH, 0), VERIFIED, COUGH),
            Placed(section(LUNGS, 1), VERIFIED, LUNGS),
            Placed(section(REST, 2), VERIFIED, REST),
        ]

    def test_without_its_first_section_says_that_the_first_is_missing(self):
        assert outcomes(joined(COUGH, LUNGS, REST), f"\n\n{LUNGS}\n\n{REST}") == [MISSING, VERIFIED, VERIFIED]

    def test_without_its_middle_section_says_that_the_middle_one_is_missing(self):
        assert outcomes(joined(COUGH, LUNGS, REST), f"{COUGH}\n\n{REST}") == [VERIFIED, MISSING, VERIFIED]

    def test_without_its_last_section_says_that_the_last_is_missing(self):
        assert outcomes(joined(COUGH, LUNGS, REST), f"{COUGH}\n\n{LUNGS}") == [VERIFIED, VERIFIED, MISSING]

    def test_with_only_its_middle_section_says_that_both_others_are_missing(self):
        assert outcomes(joined(COUGH, LUNGS, REST), LUNGS) == [MISSING, VERIFIED, MISSING]

    def test_that_is_empty_has_lost_all_of_them(self):
        assert outcomes(joined(COUGH, LUNGS), "") == [MISSING, MISSING]

    def test_cut_in_its_last_section_names_the_cut_one_alone(self):
        value = joined(COUGH, LUNGS)
        assert place(value, f"{COUGH}\n\nLungs cl")[1] == Placed(section(LUNGS, 1), ALTERED, "Lungs cl")
        assert outcomes(value, f"{COUGH}\n\nLungs cl") == [VERIFIED, ALTERED]

    def test_cut_in_its_first_section_has_lost_those_behind(self):
        assert outcomes(joined(COUGH, LUNGS, REST), "Cough for n") == [ALTERED, MISSING, MISSING]

    def test_cut_exactly_between_two_sections_has_lost_the_second(self):
        assert outcomes(joined(COUGH, LUNGS), COUGH) == [VERIFIED, MISSING]

    def test_whose_middle_section_was_edited_names_that_one_alone(self):
        actual = f"{COUGH}\n\nLungs: wheeze on the left.\n\n{REST}"
        value = joined(COUGH, LUNGS, REST)
        assert outcomes(value, actual) == [VERIFIED, ALTERED, VERIFIED]
        assert stands(value, actual)[1] == "Lungs: wheeze on the left."

    def test_in_another_order_is_not_verified_as_a_whole(self):
        assert outcomes(joined(COUGH, LUNGS), f"{LUNGS}\n\n{COUGH}") != [VERIFIED, VERIFIED]

    def test_with_another_separator_does_not_pass(self):
        assert ALTERED in outcomes(joined(COUGH, LUNGS), f"{COUGH}\n{LUNGS}")

    def test_with_its_second_section_twice_names_the_second(self):
        assert outcomes(joined(COUGH, LUNGS), f"{COUGH}\n\n{LUNGS}\n\n{LUNGS}") == [VERIFIED, DUPLICATED]

    def test_with_its_first_section_twice_names_the_first(self):
        assert outcomes(joined(COUGH, LUNGS), f"{COUGH}\n\n{COUGH}\n\n{LUNGS}") == [DUPLICATED, VERIFIED]

    def test_with_words_added_at_the_end_lays_them_to_the_last(self):
        assert outcomes(joined(COUGH, LUNGS), f"{COUGH}\n\n{LUNGS} No rales.") == [VERIFIED, ALTERED]

    def test_with_words_added_at_the_beginning_lays_them_to_the_first(self):
        assert outcomes(joined(COUGH, LUNGS), f"Note: {COUGH}\n\n{LUNGS}") == [ALTERED, VERIFIED]

    def test_with_a_prefix_of_the_mapping_as_sent_is_verified(self):
        value = joined(COUGH, LUNGS, before="S: ", separator="\nO: ")
        assert outcomes(value, f"S: {COUGH}\nO: {LUNGS}") == [VERIFIED, VERIFIED]

    def test_that_lost_the_mappings_prefix_does_not_pass(self):
        value = joined(COUGH, LUNGS, before="S: ", separator="\nO: ")
        assert outcomes(value, f"{COUGH}\nO: {LUNGS}") == [ALTERED, VERIFIED]

    def test_with_a_suffix_of_the_mapping_as_sent_is_verified(self):
        assert outcomes(joined(COUGH, after=" (dictated)"), f"{COUGH} (dictated)") == [VERIFIED]

    def test_that_lost_the_mappings_suffix_does_not_pass(self):
        assert outcomes(joined(COUGH, after=" (dictated)"), COUGH) == [ALTERED]

    def test_of_two_equal_texts_are_both_verified_as_sent(self):
        assert outcomes(joined("Normal.", "Normal."), "Normal.\n\nNormal.") == [VERIFIED, VERIFIED]

    def test_of_two_equal_texts_with_one_left_has_lost_one(self):
        assert sorted(outcomes(joined("Normal.", "Normal."), "Normal.")) == [MISSING, VERIFIED]

    def test_whose_one_text_is_the_beginning_of_the_other_are_told_apart(self):
        assert outcomes(joined("Normal", "Normal heart"), "Normal\n\nNormal heart") == [VERIFIED, VERIFIED]


class TestAFieldThatNoSectionExplains:
    """Where the mapping changed a text on its way (a default, a rule's own words) the field is compared whole."""

    VALUE = FieldValue("F", "Vitals", 1, "Vitals not taken.", (section("something else"),))

    def test_stands_for_itself_under_its_label(self):
        assert parts(self.VALUE) == [Contribution(-1, "", "Vitals", "Vitals not taken.")]

    def test_as_sent_is_verified(self):
        assert outcomes(self.VALUE, "Vitals not taken.") == [VERIFIED]

    def test_otherwise_is_altered(self):
        assert outcomes(self.VALUE, "something else") == [ALTERED]

    def test_without_contributions_is_compared_whole_as_well(self):
        bare = FieldValue("F", "Notes", 1, "A default.", ())
        assert parts(bare) == [Contribution(-1, "", "Notes", "A default.")]
        assert outcomes(bare, "") == [MISSING]

    def test_in_which_the_sections_stand_in_another_order_is_compared_whole(self):
        value = FieldValue("F", "Field", 1, "b a", (section("a"), section("b", 1)))
        assert [part.index for part in parts(value)] == [-1]


class TestCounting:
    def test_a_text_that_is_not_there_is_counted_none(self):
        assert count("cough", "No fever.") == 0

    def test_a_short_text_counts_as_a_word_only(self):
        assert count("no", "no, nothing, not now: no") == 2

    def test_a_short_text_before_a_stop_counts(self):
        assert count("No", "No.") == 1

    def test_a_short_text_beside_an_underscore_counts(self):
        assert count("no", "_no_") == 1

    def test_a_long_text_counts_even_where_it_is_glued_to_another(self):
        assert count("Cough for nine days", "xxCough for nine daysxx") == 1

    def test_twelve_characters_are_long_and_eleven_are_short(self):
        assert count("abcdefghijkl", "zabcdefghijklz") == 1
        assert count("abcdefghijk", "zabcdefghijkz") == 0

    def test_characters_with_a_meaning_in_patterns_mean_themselves(self):
        assert count("(+)", "a (+) b (+)") == 2
        assert count("2.5", "2x5") == 0

    @pytest.mark.parametrize("blank", ["", " ", "\n\n"])
    def test_blanks_are_never_counted(self, blank):
        assert count(blank, "a b\n\nc") == 0

    def test_letters_of_other_scripts_are_letters(self):
        assert count("no", "nó no") == 1
        assert count("da", "да da") == 1


class TestADocument:
    """Of a document the fields cannot be told apart: each section has to stand in it as often as it was sent."""

    def looked(self, text: str, *sent: str) -> list[str]:
        values = [
            FieldValue(f"F{place}", f"F{place}", place, each, (section(each, place),))
            for place, each in enumerate(sent, 1)
        ]
        return [outcome for _, _, outcome in in_document.look(values, text)]

    def test_with_every_section_verifies_every_section(self):
        assert self.looked(f"HPI\n{COUGH}\nExam\n{LUNGS}", COUGH, LUNGS) == [VERIFIED, VERIFIED]

    def test_without_one_has_lost_that_one(self):
        assert self.looked(f"HPI\n{COUGH}", COUGH, LUNGS) == [VERIFIED, MISSING]

    def test_that_is_empty_has_lost_all(self):
        assert self.looked("", COUGH, LUNGS) == [MISSING, MISSING]

    def test_with_a_section_twice_says_so_of_that_one(self):
        assert self.looked(f"{COUGH}\n{LUNGS}\n{COUGH}", COUGH, LUNGS) == [DUPLICATED, VERIFIED]

    def test_with_the_beginning_of_a_section_says_that_it_was_altered(self):
        assert self.looked("Lungs clear t", LUNGS) == [ALTERED]

    def test_with_the_end_of_a_section_alone_has_lost_it(self):
        assert self.looked("auscultation.", LUNGS) == [MISSING]

    def test_with_a_short_section_cut_has_lost_it(self):
        assert self.looked("No feve", "No fever.") == [MISSING]

    def test_in_any_order_verifies_them_all(self):
        assert self.looked(f"{LUNGS} {COUGH}", COUGH, LUNGS) == [VERIFIED, VERIFIED]

    def test_with_one_of_two_equal_sections_has_not_got_both(self):
        assert self.looked("Within normal limits.", "Within normal limits.", "Within normal limits.") == [MISSING] * 2

    def test_with_both_of_two_equal_sections_verifies_both(self):
        text = "Within normal limits.\n\nWithin normal limits."
        assert self.looked(text, "Within normal limits.", "Within normal limits.") == [VERIFIED, VERIFIED]

    def test_names_the_field_and_the_section_of_each_outcome(self):
        value = joined(COUGH, LUNGS)
        assert in_document.look([value], COUGH) == [
            (value, section(COUGH, 0), VERIFIED),
            (value, section(LUNGS, 1), MISSING),
        ]


TEXTS = st.lists(
    st.text(st.characters(categories=["L", "N"]), min_size=13, max_size=30), min_size=1, max_size=5, unique=True
)


@given(TEXTS)
def test_a_field_as_sent_is_always_verified(texts):
    value = joined(*texts)
    assert outcomes(value, value.text) == [VERIFIED] * len(texts)


@given(TEXTS, st.text(max_size=60))
def test_a_field_that_is_not_as_sent_is_never_verified_as_a_whole(texts, actual):
    value = joined(*texts)
    if actual != value.text:
        assert outcomes(value, actual) != [VERIFIED] * len(texts)


@given(TEXTS, st.text(max_size=60))
def test_there_is_always_one_outcome_for_each_section_in_its_order(texts, actual):
    value = joined(*texts)
    assert [each.part.index for each in place(value, actual)] == list(range(len(texts)))
