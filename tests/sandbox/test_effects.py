"""Each fault's effect on its own, without a socket: what is filed, what leaves the wire, who is struck and how often."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.acknowledgement import answers
from sandbox.answering import END, START, framed, garbage, steps
from sandbox.fault_kinds import FORMS, KINDS, Stage, as_markdown
from sandbox.faults import BadFault, Switchboard, fault_from_json
from sandbox.filing import Filed, Lost
from sandbox.hl7 import read
from sandbox.oru import Refusal
from sandbox.tampering import CHANGES, field_after, tamper
from sandbox.template import BadTemplate, template_from_json
from tests.sandbox.desk import NORTH, SOUTH, msa, oru

TEMPLATE = template_from_json("NORTH", "FM-PROGRESS", NORTH)
FILED = Filed({"NF-01": "cc", "NF-02": "a long history of this illness", "NF-04": "exam"}, ())
MESSAGE = read(oru([("NF-01", "cc")], "C1"))
[AA] = answers(MESSAGE, None)


def fault(kind: str, **settings):
    return fault_from_json({"kind": kind, **settings})


def after(kind: str, **settings) -> Filed:
    return tamper(FILED, [fault(kind, **settings)], TEMPLATE)


class TestSilentDrop:
    def test_loses_the_last_field_unless_one_is_named(self):
        assert list(after("silent_drop").fields) == ["NF-01", "NF-02"]
        assert list(after("silent_drop", field_id="NF-02").fields) == ["NF-01", "NF-04"]

    def test_is_noted_as_lost_so_that_a_test_can_tell(self):
        assert after("silent_drop", field_id="NF-02").lost == (Lost("NF-02", "silent_drop"),)

    def test_of_a_field_that_is_not_there_loses_nothing(self):
        assert after("silent_drop", field_id="NF-06") == FILED

    def test_of_an_empty_note_loses_nothing(self):
        assert tamper(Filed({}, ()), [fault("silent_drop")], TEMPLATE) == Filed({}, ())


class TestMoveField:
    def test_takes_the_first_field_to_the_next_of_the_template(self):
        moved = after("move_field")
        assert "NF-01" not in moved.fields
        assert moved.fields["NF-02"] == "a long history of this illness\ncc"
        assert moved.lost == (Lost("NF-01", "move_field", "NF-02"),)

    def test_goes_where_it_is_told_and_keeps_the_templates_order(self):
        moved = after("move_field", **{"from": "NF-04", "to": "NF-03"})
        assert list(moved.fields.items()) == [("NF-01", "cc"), ("NF-02", FILED.fields["NF-02"]), ("NF-03", "exam")]

    @pytest.mark.parametrize("source, target", [("NF-05", "NF-06"), ("NF-01", "NF-01"), ("NF-01", "NF-99")])
    def test_that_makes_no_sense_moves_nothing(self, source, target):
        assert after("move_field", **{"from": source, "to": target}) == FILED

    def test_after_the_last_field_comes_the_first(self):
        assert field_after("NF-06", TEMPLATE) == "NF-01"
        assert field_after("NF-99", TEMPLATE) == ""


class TestTruncate:
    def test_keeps_the_beginning(self):
        cut = after("truncate", field_id="NF-02", length=6)
        assert cut.fields["NF-02"] == "a long"
        assert cut.lost == (Lost("NF-02", "truncate", "NF-02"),)

    @pytest.mark.parametrize("length", [4, 5, 1000])
    def test_leaves_alone_what_is_short_enough(self, length):
        assert after("truncate", field_id="NF-04", length=length) == FILED

    def test_can_leave_nothing_at_all(self):
        assert after("truncate", field_id="NF-04", length=0).fields["NF-04"] == ""


def test_several_faults_strike_one_after_the_other():
    struck = [fault("silent_drop"), fault("move_field"), fault("truncate", length=3)]
    made = tamper(FILED, struck, TEMPLATE)
    assert made.fields == {"NF-02": "a l"}
    assert [each.reason for each in made.lost] == ["silent_drop", "move_field", "truncate"]


@given(
    st.dictionaries(st.sampled_from(["NF-01", "NF-02", "NF-03", "NF-06"]), st.text(min_size=1, max_size=30)),
    st.lists(st.sampled_from(sorted(CHANGES)), max_size=4),
)
def test_whatever_strikes_the_fields_stay_in_the_templates_order_and_changes_are_noted(fields, kinds):
    order = [field.field_id for field in TEMPLATE.fields]
    filed = Filed({field_id: fields[field_id] for field_id in order if field_id in fields}, ())
    made = tamper(filed, [fault(kind) for kind in kinds], TEMPLATE)
    assert list(made.fields) == [field_id for field_id in order if field_id in made.fields]
    assert (made.fields != filed.fields) == bool(made.lost)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].stage is not Stage.FILING])
def test_a_fault_of_another_stage_changes_no_text(kind):
    assert after(kind) == FILED


def sent(kind: str, answered=(AA,), **settings) -> list:
    """The first hundred steps of an answer under a fault."""
    return list(itertools.islice(steps(list(answered), fault(kind, **settings)), 100))


class TestTheAnswerOnTheWire:
    def test_is_one_frame_each_where_nothing_is_wrong(self):
        assert list(steps([AA, AA], None)) == [framed(AA), framed(AA)]
        assert framed(AA)[:1] == START
        assert framed(AA)[-2:] == END

    @pytest.mark.parametrize("kind", ["drop_ack", "no_file_no_ack"])
    def test_does_not_come(self, kind):
        assert sent(kind) == []

    @pytest.mark.parametrize("kind", ["cut_before_file", "cut_after_file"])
    def test_is_a_closed_socket(self, kind):
        assert sent(kind) == [None]

    def test_comes_late(self):
        assert sent("delay_ack", seconds=2.5) == [2.5, framed(AA)]

    def test_comes_twice(self):
        assert sent("double_ack") == [framed(AA), framed(AA)]

    def test_comes_half(self):
        [half] = sent("partial_ack")
        assert framed(AA).startswith(half)
        assert END not in half

    def test_comes_byte_by_byte(self):
        made = list(steps([AA], fault("slow_ack", seconds=0.1)))
        assert b"".join(each for each in made if isinstance(each, bytes)) == framed(AA)
        assert set(made[1::2]) == {0.1}

    def test_never_ends(self):
        first, *rest = sent("endless_ack")
        assert framed(AA).startswith(first)
        assert not any(isinstance(each, bytes) and END in each for each in rest)
        assert sum(len(each) for each in rest if isinstance(each, bytes)) > 1_000_000

    def test_is_only_the_first_of_two(self):
        assert sent("drop_application_ack", [b"CA", b"AA"]) == [framed(b"CA")]
        assert sent("drop_application_ack", [b"AA"]) == []

    @pytest.mark.parametrize("kind", ["wrong_id_ack", "delay_filing", "ae", "ar", "duplicate_filing"])
    def test_leaves_plainly_where_the_fault_lies_elsewhere(self, kind):
        assert sent(kind) == [framed(AA)]


class TestGarbage:
    def test_has_no_form_that_is_a_right_answer(self):
        assert all(garbage(AA, form) != AA for form in FORMS)

    @pytest.mark.parametrize("form, holds", [("line_feeds", True), ("bom", True), ("lower_case", False)])
    def test_in_three_forms_still_says_what_it_means(self, form, holds):
        said = garbage(AA, form).upper()
        assert b"MSA|AA|C1" in said
        assert (b"MSA|AA|C1" in garbage(AA, form)) == holds

    def test_without_its_msa_says_nothing(self):
        assert b"MSA" not in garbage(AA, "no_msa")

    def test_without_the_id_names_no_message(self):
        assert b"MSA|AA||" in garbage(AA, "empty_id") + b"|"
        assert b"C1" not in garbage(AA, "empty_id").split(b"\r")[1]

    def test_as_noise_is_no_hl7(self):
        assert not garbage(AA, "noise").startswith(b"MSH")


class TestWhoIsStruck:
    def board(self, *faults, seed=0) -> Switchboard:
        made = Switchboard()
        made.set([fault_from_json(each) for each in faults], seed)
        return made

    def fired(self, board: Switchboard, times: int, facility="NORTH") -> list[bool]:
        return [board.answer_fault(facility) is not None for _ in range(times)]

    def test_everybody_always_unless_something_else_is_said(self):
        assert all(self.fired(self.board({"kind": "drop_ack"}), 20))

    def test_the_facility_that_is_named_and_no_other(self):
        board = self.board({"kind": "drop_ack", "facility": "SOUTH"})
        assert not any(self.fired(board, 5, "NORTH"))
        assert all(self.fired(board, 5, "SOUTH"))

    def test_as_many_as_are_counted(self):
        assert self.fired(self.board({"kind": "drop_ack", "count": 2}), 4) == [True, True, False, False]

    @pytest.mark.parametrize("probability, least, most", [(0, 0, 0), (1, 400, 400), (0.5, 150, 250), (0.1, 15, 70)])
    def test_about_the_share_that_is_asked_for(self, probability, least, most):
        board = self.board({"kind": "drop_ack", "probability": probability})
        assert least <= sum(self.fired(board, 400)) <= most

    def test_the_same_ones_again_with_the_same_seed_and_others_with_another(self):
        one, same, other = (
            self.fired(self.board({"kind": "drop_ack", "probability": 0.5}, seed=seed), 50) for seed in (7, 7, 8)
        )
        assert one == same != other

    def test_no_others_because_another_fault_was_switched_on(self):
        alone = self.board({"kind": "silent_drop", "probability": 0.5}, seed=3)
        among = self.board(
            {"kind": "truncate", "probability": 0.5}, {"kind": "silent_drop", "probability": 0.5}, seed=3
        )

        def drawn(board):
            return [
                "silent_drop" in {each.kind.name for each in board.struck(Stage.FILING, "NORTH")} for _ in range(50)
            ]

        assert drawn(alone) == drawn(among)

    def test_by_one_fault_of_the_answer_at_most_and_by_all_of_the_filing(self):
        board = self.board({"kind": "drop_ack"}, {"kind": "ae"}, {"kind": "silent_drop"}, {"kind": "truncate"})
        assert board.answer_fault("NORTH").kind.name == "drop_ack"
        assert [each.fired for each in board.faults[:2]] == [1, 0], "the second was not even drawn"
        assert len(board.struck(Stage.FILING, "NORTH")) == 2

    def test_is_told_back_as_it_was_posted(self):
        posted = {"kind": "delay_ack", "probability": 0.25, "facility": "NORTH", "connection": None}
        posted |= {"count": 3, "seconds": 1.5}
        assert self.board(posted, seed=9).as_json() == {"seed": 9, "faults": [{**posted, "fired": 0}]}


@pytest.mark.parametrize(
    "body, words",
    [
        (None, "A fault is an object"),
        ([], "A fault is an object"),
        ({}, "A fault is an object"),
        ({"kind": "gremlin"}, "A fault is an object"),
        ({"kind": "drop_ack", "seconds": 1}, "no setting seconds"),
        ({"kind": "drop_ack", "b": 1, "a": 1}, "no setting a, b"),
        ({"kind": "drop_ack", "probability": 1.1}, "probability"),
        ({"kind": "drop_ack", "probability": -0.1}, "probability"),
        ({"kind": "drop_ack", "probability": "1"}, "probability"),
        ({"kind": "drop_ack", "probability": True}, "probability"),
        ({"kind": "drop_ack", "probability": float("nan")}, "probability"),
        ({"kind": "drop_ack", "count": 0}, "count"),
        ({"kind": "drop_ack", "count": 1.5}, "count"),
        ({"kind": "drop_ack", "count": True}, "count"),
        ({"kind": "delay_ack", "seconds": -1}, "seconds cannot be that"),
        ({"kind": "delay_ack", "seconds": "1"}, "seconds cannot be that"),
        ({"kind": "delay_ack", "seconds": float("inf")}, "seconds cannot be that"),
        ({"kind": "truncate", "length": 1.5}, "length cannot be that"),
        ({"kind": "garbage_ack", "form": "poem"}, "form cannot be that"),
        ({"kind": "silent_drop", "field_id": 7}, "field_id cannot be that"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_words(body, words):
    with pytest.raises(BadFault, match=words):
        fault_from_json(body)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_can_be_switched_on_by_its_name_alone_and_says_what_it_does(name):
    made = fault(name)
    assert made.settings == {parameter.name: parameter.default for parameter in made.kind.parameters}
    assert made.kind.says.endswith(".")
    assert made.kind.grade in ("known", "relayed", "assumed")
    assert f"| `{name}` |" in as_markdown()


class TestATemplate:
    def test_is_read_in_the_order_of_its_positions_whatever_the_order_in_the_file(self):
        shuffled = {**NORTH, "fields": NORTH["fields"][::-1]}
        assert template_from_json("NORTH", "FM-PROGRESS", shuffled).fields == TEMPLATE.fields

    def test_without_positions_keeps_the_order_of_the_list(self):
        made = template_from_json("N", "T", {"fields": [{"field_id": "b"}, {"field_id": "a"}]})
        assert [(field.field_id, field.position, field.label) for field in made.fields] == [
            ("b", 1, "b"),
            ("a", 2, "a"),
        ]

    @pytest.mark.parametrize("body", [NORTH, SOUTH, {"fields": [{"field_id": "x", "max_length": 1}]}])
    def test_survives_being_written_and_read_again(self, body):
        made = template_from_json("N", "T", body)
        assert template_from_json("N", "T", made.as_json()) == made

    @pytest.mark.parametrize(
        "body, words",
        [
            (None, "list"),
            ({"fields": []}, "list"),
            ({"fields": "NF-01"}, "list"),
            ({"fields": [{}]}, "Field 1 has no field_id"),
            ({"fields": [{"field_id": "a"}, {"field_id": " "}]}, "Field 2 has no field_id"),
            ({"fields": [{"field_id": "a"}, {"field_id": "a"}]}, "stands twice"),
            ({"fields": [{"field_id": "a", "position": 1}, {"field_id": "b", "position": 1}]}, "position stands twice"),
            ({"fields": [{"field_id": "a", "position": 0}]}, "Field 1: the position"),
            ({"fields": [{"field_id": "a", "position": True}]}, "Field 1: the position"),
            ({"fields": [{"field_id": "a", "max_length": 0}]}, "max_length"),
            ({"fields": [{"field_id": "a", "max_length": "9"}]}, "max_length"),
            ({"fields": [{"field_id": "a", "kind": "poem"}]}, "kind"),
            ({"fields": [{"field_id": "a"}], "out_of_order": "guess"}, "out_of_order"),
        ],
    )
    def test_that_is_none_is_refused_with_the_field_at_fault(self, body, words):
        with pytest.raises(BadTemplate, match=words):
            template_from_json("N", "T", body)


class TestAnAcknowledgement:
    @pytest.mark.parametrize("code", ["AE", "AR"])
    def test_names_the_message_and_the_place_at_fault(self, code):
        [said] = answers(MESSAGE, Refusal(code, "101", "PID-3: the patient id is missing.", "PID^1^3"))
        assert msa(said) == (code, "C1")
        assert b"ERR||PID^1^3|101^PID-3: the patient id is missing.^HL70357|E" in said

    def test_of_a_good_message_has_no_error_segment(self):
        assert b"ERR" not in AA
        assert msa(AA) == ("AA", "C1")

    def test_can_be_made_to_name_another_message(self):
        assert msa(answers(MESSAGE, None, "OTHER")[0]) == ("AA", "OTHER")

    def test_goes_back_with_sender_and_receiver_exchanged(self):
        assert AA.startswith(b"MSH|^~\\&|ECW|NORTH|SCRIBEPORT|LAKESIDE|")

    def test_ends_every_segment_with_cr_alone(self):
        assert AA.endswith(b"\r")
        assert b"\n" not in AA


def test_a_faults_own_draws_are_counted_and_shown():
    switched = replace(fault("drop_ack"), probability=1.0)
    assert switched.strikes("NORTH")
    assert switched.as_json()["fired"] == 1
