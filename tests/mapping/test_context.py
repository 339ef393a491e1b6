"""A label where it stands: SOAP's letters only beside one another, a group that completes or doubts, an identifier that tells."""

from dataclasses import dataclass

import pytest

from mapping.context import in_template
from mapping.labels import Read
from mapping.vocabulary.phrases import Rung

SURE = Rung.CONTAINER


@dataclass(frozen=True)
class Field:
    label: str
    group: str = ""
    field_id: str = "X1"
    kind: str = "free_text"


def read(*fields: Field) -> list[dict[str, Rung]]:
    """Per field the sections it may be for, and how it was found for each."""
    return [{meaning.code: meaning.rung for meaning in found.meanings} for found in in_template(fields)]


def labelled(*labels: str) -> list[Read]:
    return in_template([Field(label) for label in labels])


class TestLettersOfSoap:
    def test_are_read_beside_one_another(self):
        s, o, a, p = labelled("S", "O", "A", "P")
        assert (s.container, o.container) == ("subjective", "objective")
        assert [meaning.code for meaning in (*a.meanings, *p.meanings)] == ["assessment", "plan"]

    @pytest.mark.parametrize("letters", [("s", "o", "a"), ("S:", "O:", "P:"), (" A. ", "P.", "O.")])
    def test_are_read_small_with_points_and_with_one_missing(self, letters):
        assert all(found.meanings or found.container for found in labelled(*letters))

    @pytest.mark.parametrize("labels", [("S", "O"), ("S", "S", "X"), ("A",)])
    def test_are_letters_of_anything_where_they_are_fewer_than_three(self, labels):
        found = labelled(*labels)
        single = [read for label, read in zip(labels, found, strict=True) if len(label) == 1]
        assert all(not read.container and not read.meanings for read in single)

    @pytest.mark.parametrize("a, p", [("A", "P"), ("A:", "P:"), ("a.", "p")])
    def test_are_those_two_that_part_a_note_where_s_and_o_are_missing(self, a, p):
        """Else "P" alone would be taken for assessment and plan in one, and the assessment filed below the plan."""
        _, first, second = labelled("HPI", a, p)
        assert [meaning.code for meaning in (*first.meanings, *second.meanings)] == ["assessment", "plan"]

    @pytest.mark.parametrize("labels", [("S", "A"), ("O", "P"), ("A", "O"), ("P", "P")])
    def test_are_no_letters_of_soap_where_two_others_stand(self, labels):
        assert all("its letter in SOAP" not in meaning.why for read in labelled(*labels) for meaning in read.meanings)

    def test_change_nothing_of_the_labels_beside_them(self):
        *_, plan, alone = labelled("S", "O", "A", "Plan", "Family history")
        assert plan == labelled("Plan")[0]
        assert alone == labelled("Family history")[0]

    def test_name_the_letter_as_the_reason(self):
        *_, a = labelled("S", "O", "A")
        assert "“A”" in a.meanings[0].why


class TestAGroup:
    def test_is_what_its_one_field_without_a_name_is_for(self):
        assert read(Field("Notes", "HPI")) == [{"history_of_present_illness": Rung.NAME}]

    def test_is_less_surely_so_beside_fields_for_details(self):
        notes, _ = read(Field("Notes", "HPI"), Field("Onset", "HPI"))
        assert notes == {"history_of_present_illness": Rung.ONLY}

    @pytest.mark.parametrize("second", ["Comments", "Free text", "General", "HPI"])
    def test_is_not_given_to_one_of_two_that_could_both_be_for_it(self, second):
        notes, _ = read(Field("Notes", "HPI"), Field(second, "HPI"))
        assert notes == {}

    def test_of_another_name_lends_nothing(self):
        notes, _ = read(Field("Notes", "HPI"), Field("Comments", "Plan"))
        assert notes == {"history_of_present_illness": Rung.NAME}

    def test_is_the_same_whatever_stands_around_its_name(self):
        notes, comments = read(Field("Notes", "HPI"), Field("Comments", " HPI "))
        assert (notes, comments) == ({}, {})

    @pytest.mark.parametrize("group", ["", "   ", "Nonsense"])
    def test_that_says_nothing_leaves_a_field_without_a_name_as_it_is(self, group):
        assert read(Field("Notes", group)) == [{}]

    @pytest.mark.parametrize(
        "label, code",
        [
            ("Family", "family_history"),
            ("Surgical", "past_surgical_history"),
            ("Social", "social_history"),
            ("Medical", "past_medical_history"),
        ],
    )
    def test_of_histories_completes_a_word(self, label, code):
        (found,) = read(Field(label, "Past history"))
        assert code in found
        assert found[code] < SURE

    def test_of_something_else_does_not(self):
        (found,) = read(Field("Surgical", "Contacts"))
        assert not any(rung < Rung.ONLY for rung in found.values())

    @pytest.mark.parametrize("group", ["Vital signs", "Family history", "Allergies"])
    def test_under_which_a_section_cannot_stand_makes_it_doubtful(self, group):
        assert read(Field("Plan", group)) == [{"plan": Rung.PERHAPS}]

    def test_says_why_it_doubts(self):
        (found,) = in_template([Field("Plan", "Vital signs")])
        assert "“Vital signs”" in found.meanings[0].why

    def test_under_which_it_can_stand_does_not(self):
        (alone,), (under,) = read(Field("Plan")), read(Field("Plan", "Plan"))
        assert alone == under


class TestAnIdentifier:
    @pytest.mark.parametrize(
        "label, field_id, code",
        [
            ("Comments", "HPI_TXT", "history_of_present_illness"),
            ("Free text", "ROS", "review_of_systems"),
            ("3", "PLAN_NOTE", "plan"),
        ],
    )
    def test_tells_where_the_label_says_nothing(self, label, field_id, code):
        assert read(Field(label, field_id=field_id)) == [{code: Rung.PARTLY}]

    def test_never_speaks_against_a_label_that_says_something(self):
        (found,) = read(Field("CC", field_id="HPI"))
        assert set(found) == {"chief_complaint"}

    def test_tells_which_of_several_a_label_means(self):
        either = read(Field("History"))[0]
        assert {"history_of_present_illness", "past_medical_history"} <= set(either)
        (found,) = read(Field("History", field_id="PMH"))
        assert found["past_medical_history"] < Rung.PERHAPS
        assert found["history_of_present_illness"] == either["history_of_present_illness"]

    @pytest.mark.parametrize("field_id", ["X1", "FIELD_7", "TXT"])
    def test_that_names_nothing_adds_nothing(self, field_id):
        assert read(Field("Comments", field_id=field_id)) == [{}]

    def test_that_only_repeats_the_label_is_no_second_witness(self):
        assert read(Field("History", field_id="History")) == read(Field("History"))


class TestABoxToTick:
    @pytest.mark.parametrize(
        "label, code", [("ROS reviewed", "review_of_systems"), ("Medications reconciled", "medications")]
    )
    def test_is_for_its_section_only_where_nothing_else_is(self, label, code):
        ticked, text = read(Field(label, kind="structured"), Field(label))
        assert ticked[code] == Rung.ONLY
        assert text[code] < ticked[code]

    def test_is_none_without_such_a_word(self):
        assert read(Field("Medications", kind="structured")) == read(Field("Medications"))


def test_a_template_without_fields_has_nothing_to_read():
    assert in_template([]) == []


def test_the_order_of_the_fields_changes_no_reading():
    fields = [
        Field("S"),
        Field("O"),
        Field("A"),
        Field("Notes", "HPI"),
        Field("Onset", "HPI"),
        Field("Family", "Past history"),
    ]
    there, back = read(*fields), read(*reversed(fields))
    assert there == back[::-1]
