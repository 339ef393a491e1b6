"""Every setting of an HL7 connection and every version, read back by three readers that are not the builder."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import hl7 as python_hl7
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from delivery.channels import lint
from delivery.channels.acks import ACCEPTED, REFUSED, read_acknowledgement
from delivery.channels.base import CannotExpress, NoAnswer, Receipt, Refused
from delivery.channels.hl7 import render
from delivery.channels.hl7_settings import ACK_MODES, PROCESSING_IDS, VERSIONS, Hl7Settings
from delivery.channels.mllp import END, LONGEST_ANSWER, START, _judge, _take_frame
from sandbox.acknowledgement import answers
from sandbox.hl7 import read as sandbox_read
from sandbox.oru import check_header, read_note
from tests.channels.notes import CONTROL_ID, NAMES, OTHER_ID, SETTINGS, WILD_NOTES, for_patient, for_visit, note

LEAST = {"host": "127.0.0.1", "port": 2575, "receiving_facility": "NORTH"}
HEADERS = ("sending_application", "sending_facility", "receiving_application", "receiving_facility")
HEADER_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="|^~\\&"), min_size=1, max_size=60
)


def settings(environment="sandbox", **changes) -> Hl7Settings:
    return Hl7Settings.read({**LEAST, **changes}, {}, environment)


def fields(body: bytes, segment: str) -> list[str]:
    """A segment's fields by python-hl7, field n at place n (the header's separator is its first)."""
    found = python_hl7.parse(body.decode()).segment(segment)
    return [str(found[place]) for place in range(len(found))]


class TestTheHeader:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("ack_mode", ACK_MODES)
    def test_is_read_alike_by_python_hl7_and_by_the_simulated_ecw(self, version, ack_mode):
        body = render(note(), settings(version=version, ack_mode=ack_mode)).body
        msh = fields(body, "MSH")
        theirs = sandbox_read(body)
        check_header(theirs)
        for number in (3, 4, 5, 6, 7, 10, 11, 12):
            assert msh[number] == theirs.header.raw(number)

    @pytest.mark.parametrize("version", VERSIONS)
    def test_names_its_version_and_the_structure_where_the_version_knows_it(self, version):
        msh = fields(render(note(), settings(version=version)).body, "MSH")
        assert msh[12] == version
        assert msh[9] == ("ORU^R01" if version in ("2.3", "2.3.1") else "ORU^R01^ORU_R01")

    @pytest.mark.parametrize("ack_mode, asked", [("original", ("", "")), ("enhanced", ("AL", "AL"))])
    def test_asks_for_the_answers_of_its_mode(self, ack_mode, asked):
        msh = fields(render(note(), settings(ack_mode=ack_mode)).body, "MSH")
        assert (msh[15], msh[16]) == asked

    @pytest.mark.parametrize(
        "environment, processing_id",
        [(environment, each) for environment, allowed in PROCESSING_IDS.items() for each in allowed],
    )
    def test_calls_itself_what_its_environment_allows(self, environment, processing_id):
        made = settings(environment, processing_id=processing_id, tls=True)
        assert fields(render(note(), made).body, "MSH")[11] == processing_id

    @pytest.mark.parametrize(
        "environment, processing_id", [("sandbox", "P"), ("production", "T"), ("production", "D"), ("sandbox", "X")]
    )
    def test_never_calls_itself_what_another_environment_would(self, environment, processing_id):
        with pytest.raises(ValueError, match="MSH-11"):
            settings(environment, processing_id=processing_id, tls=True)

    @given(st.fixed_dictionaries(dict.fromkeys(HEADERS, HEADER_TEXT)))
    def test_carries_any_names_that_need_no_escaping(self, names):
        msh = fields(render(note(), settings(**names)).body, "MSH")
        assert [msh[number] for number in (3, 4, 5, 6)] == [names[name] for name in HEADERS]

    @pytest.mark.parametrize("name", HEADERS)
    @pytest.mark.parametrize("mark", ["|", "^", "~", "\\", "&", "\r", "\n", "\t", "\x0b", "\x00", "\x7f", "\ud800"])
    def test_refuses_a_name_that_would_need_it(self, name, mark):
        with pytest.raises(ValueError, match=r"MSH-[3456]"):
            settings(**{name: f"A{mark}B"})

    @given(st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1)), st.integers(-14 * 60, 14 * 60))
    def test_says_when_the_note_came_to_the_second_with_its_zone(self, moment, minutes):
        at = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
        said = fields(render(replace(note(), created_at=at), SETTINGS).body, "MSH")[7]
        assert datetime.strptime(said, "%Y%m%d%H%M%S%z") == at.replace(microsecond=0)

    def test_declares_the_characters_it_uses(self):
        assert fields(render(note("é漢🫁"), SETTINGS).body, "MSH")[18] == "UNICODE UTF-8"


class TestWhoAndWhere:
    @given(NAMES, NAMES)
    def test_the_patient_is_the_one_that_was_posted(self, pk, family):
        theirs = read_note(sandbox_read(render(for_patient(id=pk, family=family), SETTINGS).body))
        assert theirs.patient == pk.strip()

    @given(NAMES)
    def test_the_encounter_stands_alike_in_pv1_and_obr(self, encounter):
        assume(encounter == encounter.strip())
        theirs = read_note(sandbox_read(render(for_visit(encounter_id=encounter), SETTINGS).body))
        assert theirs.encounter == encounter

    @pytest.mark.parametrize("sex", ["M", "F", "O", "U", ""])
    def test_the_sex_is_sent_as_posted(self, sex):
        assert fields(render(for_patient(sex=sex), SETTINGS).body, "PID")[8:] == ([sex] if sex else [""])

    @pytest.mark.parametrize("wrong", ["male", "X", "f", "MF"])
    def test_a_sex_hl7_does_not_know_is_refused(self, wrong):
        with pytest.raises(CannotExpress, match="hl7_sex"):
            render(for_patient(sex=wrong), SETTINGS)

    @pytest.mark.parametrize("correction, status", [(False, "F"), (True, "C")])
    def test_a_correction_says_so_in_obr_and_in_every_observation(self, correction, status):
        body = render(replace(note(), correction=correction), SETTINGS).body
        theirs = read_note(sandbox_read(body))
        assert theirs.correction is correction
        assert body.count(f"||||||{status}\r".encode()) == 1 + len(note().values)


class TestTheText:
    @given(WILD_NOTES)
    def test_of_each_field_is_what_three_readers_find(self, wild):
        body = render(wild, SETTINGS).body
        lint.check(body, wild)
        theirs = read_note(sandbox_read(body))
        assert [(each.field_id, each.text) for each in theirs.observations] == [
            (value.field_id, value.text) for value in wild.values
        ]

    @given(WILD_NOTES, st.data())
    def test_changed_in_any_single_byte_is_noticed_or_means_the_same(self, wild, data):
        """A flipped byte on the way out of the builder: the second parser refuses it, or reads the very same note."""
        body = render(wild, SETTINGS).body
        place = data.draw(st.integers(body.index(b"OBX|"), len(body) - 1))
        byte = data.draw(st.integers(0, 255))
        changed = body[:place] + bytes([byte]) + body[place + 1 :]
        try:
            lint.check(changed, wild)
        except CannotExpress:
            return
        assert [each.text for each in read_note(sandbox_read(changed)).observations] == [
            value.text for value in wild.values
        ]

    @given(WILD_NOTES, st.data())
    def test_cut_anywhere_is_noticed(self, wild, data):
        body = render(wild, SETTINGS).body
        cut = data.draw(st.integers(0, len(body) - 1))
        with pytest.raises(CannotExpress, match="lint_"):
            lint.check(body[:cut], wild)

    @given(WILD_NOTES)
    def test_with_a_segment_twice_or_in_another_place_is_noticed(self, wild):
        lines = render(wild, SETTINGS).body.split(b"\r")[:-1]
        for mixed in ([*lines, lines[-1]], [lines[0], lines[2], lines[1], *lines[3:]], lines[:-1]):
            with pytest.raises(CannotExpress, match="lint_"):
                lint.check(b"\r".join(mixed) + b"\r", wild)


def answer(code: str = "AA", control_id: str = CONTROL_ID) -> bytes:
    return f"MSH|^~\\&|ECW|NORTH|||20260319||ACK|1|T|2.5.1\rMSA|{code}|{control_id}\r".encode()


class TestTheFrame:
    @given(st.binary(max_size=300).filter(lambda frame: END not in frame and not frame.endswith(END[:1])))
    def test_is_cut_off_whole_and_leaves_what_came_behind_it(self, content):
        buffer = bytearray(START + content + END + b"behind")
        assert _take_frame(buffer) == content
        assert buffer == b"behind"

    @given(st.lists(st.binary(max_size=40).filter(lambda part: b"\x1c" not in part), max_size=5))
    def test_after_frame_is_taken_in_order(self, contents):
        buffer = bytearray(b"".join(START + content + END for content in contents))
        assert [_take_frame(buffer) for _ in contents] == contents
        assert _take_frame(buffer) is None

    @given(st.integers(0, 60))
    def test_that_is_not_whole_is_waited_for(self, cut):
        whole = START + answer() + END
        assert _take_frame(bytearray(whole[: min(cut, len(whole) - 1)])) is None

    @pytest.mark.parametrize("first", [b"M", b"\x1c", b"\r", b"\n\x0b", b"\x00", b"HTTP/1.1 400"])
    def test_that_does_not_begin_as_one_never_becomes_one(self, first):
        with pytest.raises(NoAnswer, match="unreadable_answer"):
            _take_frame(bytearray(first + answer() + END))

    @pytest.mark.parametrize("size", [LONGEST_ANSWER, LONGEST_ANSWER + 1])
    def test_without_an_end_is_given_up(self, size):
        with pytest.raises(NoAnswer, match="answer_too_long"):
            _take_frame(bytearray(START + b"x" * size))

    @given(st.binary(max_size=400))
    def test_of_any_bytes_is_a_frame_or_nothing_or_no_answer(self, received):
        try:
            frame = _take_frame(bytearray(received))
        except NoAnswer:
            frame = b""
        assert frame is None or frame == b"" or START + frame + END in received


class TestTheJudgement:
    @pytest.mark.parametrize("code", sorted(ACCEPTED))
    def test_of_a_positive_answer_for_this_message_is_a_receipt(self, code):
        assert _judge(answer(code), CONTROL_ID) == Receipt(code, answer(code))

    @pytest.mark.parametrize("code", sorted(REFUSED))
    def test_of_a_negative_answer_for_this_message_is_a_refusal_by_its_code(self, code):
        with pytest.raises(Refused) as refused:
            _judge(answer(code), CONTROL_ID)
        assert (refused.value.code, refused.value.reason_code) == (code, code.lower())

    @pytest.mark.parametrize("code", [*sorted(ACCEPTED), *sorted(REFUSED)])
    @pytest.mark.parametrize(
        "control_id, reason", [(OTHER_ID, "wrong_control_id"), ("", "answer_without_id"), ("abc", "wrong_control_id")]
    )
    def test_of_an_answer_for_no_or_another_message_decides_nothing(self, code, control_id, reason):
        with pytest.raises(NoAnswer, match=reason):
            _judge(answer(code, control_id), CONTROL_ID)

    @pytest.mark.parametrize("code", ["", "OK", "A", "AAA", "XX", "10"])
    def test_of_a_code_nobody_knows_decides_nothing(self, code):
        with pytest.raises(NoAnswer, match="unreadable_answer"):
            _judge(answer(code), CONTROL_ID)

    @given(st.binary(max_size=200))
    def test_of_any_bytes_is_never_a_receipt_unless_they_say_so_of_this_message(self, frame):
        try:
            receipt = _judge(frame, CONTROL_ID)
        except (NoAnswer, Refused):
            return
        assert CONTROL_ID.encode() in frame
        assert receipt.code in ACCEPTED

    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n|"), max_size=40))
    def test_is_not_swayed_by_what_the_receiver_says_beside(self, words):
        raw = f"MSH|^~\\&|ECW\rMSA|AA|{CONTROL_ID}|{words}\rERR|||{words}\r".encode()
        assert read_acknowledgement(raw).code == "AA"

    @pytest.mark.parametrize("version", VERSIONS)
    def test_understands_the_simulated_ecws_own_answers(self, version):
        message = sandbox_read(render(note(), settings(version=version)).body)
        [raw] = answers(message, None)
        assert _judge(raw, CONTROL_ID).code == "AA"
