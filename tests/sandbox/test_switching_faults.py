"""The page and the endpoints that switch faults: what a form means, what the page says, what is refused in which words."""

import pytest

from sandbox.fault_kinds import KINDS, Stage
from sandbox.fault_page import as_number, fault_from_form
from sandbox.faults import BadFault, Fault, Switchboard, fault_from_json
from tests.sandbox.office import FORM


class TestAForm:
    def test_gives_numbers_where_numbers_are_due(self):
        form = {"kind": "truncate", "field_id": "007", "length": "12", "probability": "0.5", "count": "3"}
        assert fault_from_form(form) == {
            "kind": "truncate",
            "field_id": "007",
            "length": 12,
            "probability": 0.5,
            "count": 3,
        }

    def test_left_empty_means_no_end(self):
        assert fault_from_form({"kind": "drop_ack", "count": ""})["count"] is None

    def test_keeps_what_is_no_number_for_the_refusal(self):
        assert fault_from_form({"kind": "truncate", "length": "many"})["length"] == "many"

    def test_of_an_unknown_kind_keeps_every_text(self):
        assert fault_from_form({"kind": "gremlins", "length": "12"}) == {"kind": "gremlins", "length": "12"}

    @pytest.mark.parametrize(
        "text, number", [("", None), (" ", None), ("7", 7), (" 7 ", 7), ("0.25", 0.25), ("1e2", 100.0), ("x", "x")]
    )
    def test_reads_numbers_as_a_browser_writes_them(self, text, number):
        assert as_number(text) == number
        assert type(as_number(text)) is type(number)


class TestThePage:
    def test_says_when_nothing_is_on(self, office):
        made = office.call("GET", "/faults").text
        assert "<p>None: every message is filed by its template and answered at once.</p>" in made

    def test_has_a_heading_for_every_stage(self, office):
        made = office.call("GET", "/faults").text
        for heading in (
            "When a message comes",
            "While its text is filed",
            "When the chart is read back",
            "When a note comes by FHIR",
            "When a token is asked for",
        ):
            assert f"<h2>{heading}</h2>" in made

    def test_names_every_kind_with_its_grade_and_why(self, office):
        made = office.call("GET", "/faults").text
        assert (
            '<summary><code>drop_ack</code> <span class="grade known">known</span> '
            "Files the note and answers nothing.</summary><p>Known: Mirth Connect issue 1314.</p>"
        ) in made

    def test_switches_one_on(self, office):
        form = "kind=fhir_status&status=502&facility=NORTH&probability=0.5&count=3"
        made = office.call("POST", "/faults", form, FORM)
        assert (made.status, made.headers["Location"]) == (303, "/faults")
        (fault,) = office.switchboard.faults
        assert (fault.kind.name, fault.facility, fault.probability, fault.count) == ("fhir_status", "NORTH", 0.5, 3)
        assert fault.settings == {"status": 502}

    def test_shows_what_is_on_and_how_often_it_struck(self, office):
        office.fault("fhir_status", facility="NORTH", probability=0.5, count=3)
        made = office.call("GET", "/faults").text
        assert "<td><code>fhir_status</code></td><td>NORTH</td><td>50%</td><td>0 of 3</td><td>status 503</td>" in made

    def test_shows_every_facility_where_none_is_named(self, office):
        office.fault("drop_ack")
        made = office.call("GET", "/faults").text
        assert "<td><code>drop_ack</code></td><td>every facility</td><td>100%</td><td>0</td><td></td>" in made

    def test_offers_the_facilities_there_are(self, office):
        made = office.call("GET", "/faults").text
        assert '<option value="" selected>Every facility</option><option value="NORTH">NORTH</option>' in made

    def test_names_what_makes_no_sense_and_switches_nothing_on(self, office):
        made = office.call("POST", "/faults", "kind=drop_ack&probability=2", FORM)
        assert made.status == 422
        assert '<p class="trouble" role="alert">The probability is a number from 0 to 1.</p>' in made.text
        assert office.switchboard.faults == []

    def test_switches_off_the_one_at_its_place(self, office):
        for kind in ("drop_ack", "ae", "ar"):
            office.fault(kind)
        office.call("POST", "/faults/off", "place=1", FORM)
        assert [each.kind.name for each in office.switchboard.faults] == ["drop_ack", "ar"]

    def test_switches_all_off(self, office):
        office.fault("drop_ack")
        office.fault("ae")
        office.call("POST", "/faults/off", "place=all", FORM)
        assert office.switchboard.faults == []

    @pytest.mark.parametrize("place", ["9", "-1", "", "x"])
    def test_switches_nothing_off_at_a_place_where_nothing_is(self, office, place):
        office.fault("drop_ack")
        assert office.call("POST", "/faults/off", f"place={place}", FORM).status == 303
        assert len(office.switchboard.faults) == 1


class TestARefusal:
    def words(self, body) -> str:
        with pytest.raises(BadFault) as caught:
            fault_from_json(body)
        return str(caught.value)

    def test_of_an_unknown_kind_names_the_known_ones(self):
        words = self.words({"kind": "gremlins"})
        assert words.startswith('A fault is an object whose "kind" is one of drop_ack, no_file_no_ack, delay_ack,')
        assert words.endswith("oauth_server_error, oauth_access_denied, oauth_answer_lost.")

    def test_of_a_setting_of_another_kind_names_it(self):
        assert self.words({"kind": "drop_ack", "seconds": 1}) == "drop_ack has no setting seconds."

    def test_of_several_names_them_in_order(self):
        assert self.words({"kind": "ae", "z": 1, "b": 2}) == "ae has no setting b, z."

    def test_of_a_chance_that_is_true_is_in_words(self):
        assert self.words({"kind": "ae", "probability": True}) == "The probability is a number from 0 to 1."

    def test_of_a_chance_that_is_not_a_number(self):
        assert self.words({"kind": "ae", "probability": float("nan")}) == "The probability is a number from 0 to 1."

    def test_of_a_count_of_zero(self):
        assert self.words({"kind": "ae", "count": 0}) == "The count is a whole number from 1, or null."

    def test_of_half_a_count(self):
        assert self.words({"kind": "ae", "count": 1.5}) == "The count is a whole number from 1, or null."

    def test_of_an_unknown_form_of_garbage(self):
        assert self.words({"kind": "garbage_ack", "form": "rude"}) == "garbage_ack: form cannot be that."

    def test_of_seconds_before_now(self):
        assert self.words({"kind": "delay_ack", "seconds": -1}) == "delay_ack: seconds cannot be that."

    def test_of_half_a_status(self):
        assert self.words({"kind": "fhir_status", "status": 500.5}) == "fhir_status: status cannot be that."

    def test_of_a_number_where_text_is_due(self):
        assert self.words({"kind": "ae", "text": 7}) == "ae: text cannot be that."


class TestADraw:
    def test_of_a_chance_of_zero_never_strikes(self):
        never = fault_from_json({"kind": "ae", "probability": 0})
        assert not any(never.strikes("NORTH") for _ in range(100))

    def test_of_a_chance_of_one_always_strikes(self):
        always = fault_from_json({"kind": "ae", "probability": 1})
        assert all(always.strikes("NORTH") for _ in range(100))

    def test_counts_only_what_struck(self):
        fault = fault_from_json({"kind": "ae", "facility": "NORTH"})
        assert [fault.strikes(each) for each in ("SOUTH", "NORTH", "SOUTH")] == [False, True, False]
        assert fault.fired == 1

    def test_ends_with_its_count(self):
        fault = fault_from_json({"kind": "ae", "count": 2})
        assert [fault.strikes("NORTH") for _ in range(4)] == [True, True, False, False]

    def test_is_the_same_after_a_reset_with_the_same_seed(self):
        def struck(seed) -> list[bool]:
            board = Switchboard()
            board.set([fault_from_json({"kind": "ae", "probability": 0.5})], seed)
            return [board.answer_fault("NORTH") is not None for _ in range(64)]

        assert struck(7) == struck(7)
        assert struck(7) != struck(8)

    def test_of_the_first_spares_the_second(self):
        board = Switchboard()
        for kind in ("ae", "ar"):
            board.add(fault_from_json({"kind": kind}))
        assert board.answer_fault("NORTH").kind.name == "ae"
        assert [each.fired for each in board.faults] == [1, 0]

    def test_by_name_asks_no_other_kind(self):
        board = Switchboard()
        for kind in ("oauth_denied", "oauth_server_error"):
            board.add(fault_from_json({"kind": kind}))
        assert board.first(Stage.TOKEN, "LAKESI", "oauth_server_error").kind.name == "oauth_server_error"
        assert [each.fired for each in board.faults] == [0, 1]

    def test_of_one_stage_leaves_the_others(self):
        board = Switchboard()
        board.add(Fault(KINDS["silent_drop"], 1.0, "", None, {"field_id": ""}))
        assert board.struck(Stage.READING, "NORTH") == []
        assert len(board.struck(Stage.FILING, "NORTH")) == 1
