"""The desk of a run: what it posts and where, what it refuses to begin with, and what the receiver said to it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.certification.desk import (
    NO_DELIVERY,
    NothingMapped,
    NotTaken,
    headings_of,
    receivers_words,
    unproven,
    wrong_with,
)
from delivery.certification.evidence import LONGEST, file_name
from delivery.certification.notes import FAMILY, Visit, note, sections
from delivery.models import Attempt, Delivery
from delivery.states import State
from portal import crypto
from portal.models import Connection, Location, Part, Route
from tests.cast import NORTH_FIELDS, NORTH_RULES, make_template, publish
from tests.delivery.certification.desks import Answer, desk_at, taken
from tests.delivery.rows import make_delivery

CODES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60)


@pytest.mark.django_db
class TestPosting:
    def test_remembers_every_delivery_of_every_note_for_the_audit(self, cast):
        one, two, three = (make_delivery(cast) for _ in range(3))
        desk = desk_at(cast.north, taken(one, two), taken(three))
        assert desk.post({"x": 1}) == [one.pk, two.pk]
        assert desk.post({"x": 2}) == [three.pk]
        assert desk.sent == [one.pk, two.pk, three.pk]

    @pytest.mark.parametrize("status", [200, 202, 401, 409, 422, 429, 500, 503])
    def test_takes_no_answer_but_created_for_a_note_taken_in(self, cast, status):
        desk = desk_at(cast.north, Answer(status, {"deliveries": [{"id": 7}]}))
        with pytest.raises(NotTaken) as refused:
            desk.post({})
        assert (refused.value.status, str(refused.value)) == (status, f"the API answered {status}")
        assert desk.sent == [], "what was not taken in has no trail to be asked for"

    def test_a_note_names_its_location_and_template_and_has_every_mapped_section(self, cast):
        desk = desk_at(cast.south)
        made = desk.note(desk.visit(), cast.south_mapping.template, visit_type="telehealth")
        assert (made["location"], made["template"], made["visit_type"]) == ("SOUTH", "SM-VISIT", "telehealth")
        assert [row["code"] for row in made["sections"]][:2] == ["chief_complaint", "physical_exam"]
        assert made["patient"]["id"].startswith(f"CERT{desk.run.pk}-P")

    def test_two_visits_of_one_desk_share_no_word_of_their_notes(self, cast):
        desk = desk_at(cast.north)
        first, second = (desk.note(desk.visit(), desk.first_template()) for _ in range(2))
        texts = [{row["text"] for row in made["sections"]} for made in (first, second)]
        assert texts[0].isdisjoint(texts[1])


@pytest.mark.django_db
class TestWhatItBeginsWith:
    def test_the_template_is_the_first_by_code_that_has_a_mapping_in_force(self, cast):
        make_template(cast.north, "AA-DRAFT", "No mapping yet", NORTH_FIELDS)
        publish(make_template(cast.north, "ZZ-LATE", "Later", NORTH_FIELDS), NORTH_RULES)
        assert desk_at(cast.north).first_template().code == "FM-PROGRESS"

    def test_without_a_mapping_in_force_there_is_none(self, cast):
        cast.north_mapping.state = "draft"
        cast.north_mapping.save()
        with pytest.raises(NothingMapped):
            desk_at(cast.north).first_template()

    def test_the_sender_is_the_first_of_several_ways_in_whatever_order_they_were_made(self, cast):
        Route.objects.filter(location=cast.north).update(position=5)
        second = Connection.objects.create(practice=cast.practice, name="A", kind="hl7", environment="sandbox")
        Route.objects.create(location=cast.north, part=Part.NOTE, connection=second, position=2)
        assert desk_at(cast.north).sender() == second

    def test_a_way_for_diagnoses_alone_is_no_way_for_notes(self, cast):
        Route.objects.filter(location=cast.north).update(part=Part.DIAGNOSES)
        with pytest.raises(NothingMapped):
            desk_at(cast.north).sender()

    def test_the_mapping_divides_no_section_where_no_rule_does(self, cast):
        assert headings_of(cast.north_mapping.template) == {}

    def test_the_rest_stands_above_the_headings_and_each_heading_once(self, cast):
        for place, heading in enumerate(["Plan", "", "Plan", "Labs"], start=30):
            cast.south_mapping.rules.create(
                section_code="plan", field_id="S.400", kind="split", position=place, settings={"heading": heading}
            )
        assert headings_of(cast.south_mapping.template) == {"plan": ["", "Plan", "Labs"]}


@pytest.mark.django_db
class TestWhatIsWrong:
    def test_a_note_that_made_no_delivery_is_never_proven(self):
        assert unproven([]) == [NO_DELIVERY]

    def test_of_several_only_those_that_are_not_proven_are_named(self, cast):
        good, bad = make_delivery(cast), make_delivery(cast, State.UNKNOWN, reason_code="no_answer")
        assert unproven([good]) == []
        assert unproven([good, bad]) == ["note unknown (no_answer)"]

    def answered(self, cast, text: str) -> Delivery:
        delivery = make_delivery(cast, State.REJECTED, reason_code="refused")
        attempt = Attempt.objects.get(delivery=delivery)
        row = f"{delivery.pk}:{attempt.number}"
        attempt.sealed_answer = crypto.seal(text.encode(), table="attempt", column="answer", row=row)
        attempt.save()
        return delivery

    def test_a_refusal_is_told_in_the_receivers_own_words(self, cast):
        delivery = self.answered(cast, "MSH|^~\\&|ECW\rMSA|AE|X|Encounter is locked\r")
        assert wrong_with(delivery) == "note rejected (refused), eCW says: Encounter is locked"

    @pytest.mark.parametrize("text", ["MSH|^~\\&|ECW\rMSA|AE|X\r", "MSH|^~\\&|ECW\r", "<html>No</html>", ""])
    def test_a_refusal_without_words_invents_none(self, cast, text):
        assert wrong_with(self.answered(cast, text)) == "note rejected (refused)"

    def test_a_long_complaint_is_cut(self, cast):
        assert receivers_words(self.answered(cast, f"MSA|AE|X|{'long ' * 60}\r")) == ("long " * 24)

    def test_only_the_last_try_is_quoted(self, cast):
        delivery = self.answered(cast, "MSA|AE|X|First word\r")
        assert receivers_words(delivery) == "First word"
        Attempt.objects.create(
            delivery=delivery, number=2, epoch=1, worker="w", connection=cast.hl7, intent_at=delivery.created_at
        )
        assert receivers_words(delivery) == "", "nobody has answered the second yet"

    @pytest.mark.parametrize("state", [State.VERIFIED, State.UNKNOWN, State.MISFILED])
    def test_what_was_not_refused_quotes_nobody(self, cast, state):
        assert "eCW says" not in wrong_with(make_delivery(cast, state))

    def test_a_section_without_code_is_named_by_its_title_and_without_either_as_a_field(self, cast):
        delivery = make_delivery(cast, State.MISFILED)
        delivery.section_outcomes = [
            {"code": "", "title": "Nutrition", "outcome": "missing"},
            {"code": "", "title": "", "outcome": "altered"},
        ]
        assert wrong_with(delivery).endswith(": Nutrition missing, a field altered")

    def test_what_is_of_another_part_is_called_so(self, cast):
        assert wrong_with(make_delivery(cast, State.HELD, part=Part.DIAGNOSES)).startswith("diagnoses held")


class TestNames:
    @given(CODES)
    def test_of_an_artefact_fit_whatever_a_template_is_called(self, code):
        name = file_name(f"functional.{code}.telehealth")
        assert len(f"{name}.{'A' * 20}.read-back.json") <= 120
        assert name.isascii()
        assert not set(name) & set('/\\?#&"<> \n')

    @given(CODES, CODES)
    def test_of_two_tests_differ_as_the_tests_do(self, one, two):
        assert (file_name(one) == file_name(two)) == (one == two)

    def test_that_are_plain_stay_as_they_are_up_to_the_longest_code(self):
        name = f"functional.{'A' * 60}.telehealth"
        assert file_name(name) == name

    def test_that_are_cut_differ_by_what_was_cut_off(self):
        one, two = file_name("ä" * 59 + "x"), file_name("ä" * 59 + "y")
        assert len(one) == len(two) == LONGEST
        assert one != two


class TestSyntheticNotes:
    @given(st.lists(st.sampled_from(["plan", "assessment", "physical_exam", "own_code"]), unique=True))
    def test_say_of_every_section_which_run_and_visit_made_it(self, codes):
        made = sections(codes, Visit(3, 14))
        assert [row["code"] for row in made] == codes
        assert len({row["text"] for row in made}) == len(codes)
        assert all(f" 3.14.{place} of {row['code']}." in row["text"] for place, row in enumerate(made, start=1))

    def test_are_of_nobody_and_can_be_posted_as_they_are(self):
        made = json.loads(json.dumps(note("NORTH", Visit(1, 2), [])))
        assert (made["patient"]["family"], made["patient"]["birth_date"]) == (FAMILY, "1970-01-01")
        assert made["provider"]["npi"] == "", "no real provider is named"

    def test_take_another_word_for_a_member_and_leave_the_provider_as_it_is(self):
        made = note("NORTH", Visit(1, 2), [], version=3, provider={"id": "X"})
        assert (made["version"], made["provider"]) == (3, {"id": "X"})
        made["provider"]["id"] = "changed"
        assert note("NORTH", Visit(1, 3), [])["provider"]["id"] == "CERT-DR"

    def test_title_a_code_as_a_person_reads_it(self):
        (made,) = sections(["history_of_present_illness"], Visit(1, 1))
        assert made["title"] == "history of present illness"

    def test_amended_are_other_words_at_the_same_place(self):
        one, two = (sections(["plan"], Visit(1, 1), said)[0]["text"] for said in ("Synthetic text", "Amended text"))
        assert one != two
        assert one.removeprefix("Synthetic") == two.removeprefix("Amended")


@pytest.mark.django_db
def test_a_location_that_reads_no_charts_asks_for_acceptance_alone(cast):
    Location.objects.filter(pk=cast.north.pk).update(reading_connection=None)
    cast.north.refresh_from_db()
    rows = [make_delivery(cast, state) for state in (State.ACCEPTED, State.VERIFIED)]
    assert [len(unproven([row])) for row in rows] == [0, 1]
