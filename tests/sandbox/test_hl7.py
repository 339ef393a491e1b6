"""The sandbox's own HL7 reader."""

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.hl7 import Delimiters, Unreadable, read, unescape
from tests.sandbox.desk import msh, oru

MARKS = Delimiters()
# What the API lets through: no C0 but tab and line feed, no DEL, no lone surrogates.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters=[chr(n) for n in [*range(9), *range(11, 32), 127]]))


def escaped(text):
    """As docs/channels/hl7.md says."""
    sequences = {"\\": "E", "|": "F", "^": "S", "&": "T", "~": "R", "\n": ".br"}
    return "".join(f"\\{sequences[mark]}\\" if mark in sequences else mark for mark in text)


@given(TEXT)
def test_text_escaped_by_the_contract_comes_back_whole(text):
    assert unescape(escaped(text), MARKS) == text


@given(st.lists(TEXT.filter(bool), min_size=1, max_size=4))
def test_a_message_carries_any_text_to_its_field(texts):
    message = read(oru([(f"F{n}", escaped(text)) for n, text in enumerate(texts)]))
    assert [message.text(segment, 5) for segment in message.segments[4:]] == texts


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    for frame in (data, b"MSH" + data, b"MSH|^~\\&|" + data, oru([("F", "x")]) + data):
        try:
            message = read(frame)
        except Unreadable:
            continue
        assert message.header.name == "MSH"


@given(st.text(st.sampled_from("\\FSTREX.br0A9|^~&HNzsp "), max_size=12))
def test_any_escape_sequence_is_resolved_or_refused(text):
    try:
        resolved = unescape(text, MARKS)
    except Unreadable:
        assert "\\" in text
    else:
        assert ("\\" in text) or resolved == text


def test_segments_and_fields_are_those_python_hl7_sees():
    frame = oru([("NF-01", "one"), ("NF-02", "two")])
    theirs = hl7.parse(frame.decode())
    ours = read(frame)
    assert [segment.name for segment in ours.segments] == [str(segment[0]) for segment in theirs]
    for mine, other in zip(ours.segments, theirs, strict=True):
        assert mine.fields == [str(field) for field in other]


def test_msh_counts_its_separator_as_its_first_field():
    header = read(oru([("F", "x")])).header
    assert (header.raw(1), header.raw(2), header.raw(9), header.raw(10)) == ("|", "^~\\&", "ORU^R01^ORU_R01", "C1")
    assert header.raw(99) == ""


@pytest.mark.parametrize(
    "written,meant",
    [
        ("a\\.br\\b", "a\nb"),
        ("\\F\\\\S\\\\T\\\\R\\\\E\\", "|^&~\\"),
        ("\\E\\F\\E\\", "\\F\\"),
        ("\\X4869\\", "Hi"),
        ("\\XC3A4\\", "ä"),
        ("\\H\\bold\\N\\", "bold"),
        ("a\\.sp\\b\\.sp2\\c\\.sp+1\\d", "a\nb\n\nc\nd"),
        ("a\\.sk3\\b\\.in+4\\\\.fi\\", "a   b"),
        ("no escapes", "no escapes"),
    ],
)
def test_escape_sequences_stand_for_their_text(written, meant):
    assert unescape(written, MARKS) == meant


@pytest.mark.parametrize("written", ["\\", "a\\F", "\\Q\\", "\\X4\\", "\\XZZ\\", "\\XFF\\", "\\.bl\\", "\\\\", "\\f\\"])
def test_a_broken_escape_sequence_is_refused(written):
    with pytest.raises(Unreadable):
        unescape(written, MARKS)


def test_other_delimiters_are_obeyed():
    message = read(b"MSH$%?!*$A$B%C*D\rZZZ$1!S!2?3%4\r")
    assert message.first(message.header, 4) == "B"
    assert message.component(message.header, 4, 2) == "C"
    assert message.first(message.segments[1], 1) == "1%2"


def test_the_first_repetition_and_component_of_an_id_count():
    message = read(msh().encode() + b"\rPID|1|| P1 &x^^^A~P2^^^B")
    assert message.first(message.segments[1], 3) == "P1"


def test_repetitions_of_a_text_are_lines_and_components_are_lost():
    message = read(msh().encode() + b"\rOBX|1|TX|F||one~two^lost~three&lost")
    assert message.text(message.segments[1], 5) == "one\ntwo\nthree"


@pytest.mark.parametrize(
    "charset,text", [("UNICODE UTF-8", "ä".encode()), ("8859/1", b"\xe4"), ("UNICODE UTF-8~ASCII", "ä".encode())]
)
def test_the_character_set_is_that_of_msh_18(charset, text):
    message = read(msh(msh18=charset).encode() + b"\rOBX|1|TX|F||" + text)
    assert message.text(message.segments[1], 5) == "ä"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"MSH",
        b"PID|1",
        b"MSH|^~\\&x|A",  # five characters in MSH-2
        b"MSH|^~^&|A",  # the same delimiter twice
        b"MSH|^~\\A|A",
        b"MSHa^~\\&a",
        msh().encode() + b"\r\rPID|1",  # an empty segment
        msh().encode() + b"\nPID|1",  # line feed between segments
        msh().encode() + b"\rpid|1",
        msh().encode() + b"\rPIDX|1",
        msh().encode() + b"\rPID|\x00",
        msh().encode() + b"\rPID|\x0bMSH",
        msh().encode() + b"\rPID|\xff",  # no UTF-8
        msh(msh18="").encode() + "\rPID|ä".encode(),  # nothing declared is ASCII
        msh(msh18="ISO IR87").encode(),
    ],
)
def test_what_is_no_hl7_is_unreadable(frame):
    with pytest.raises(Unreadable):
        read(frame)
