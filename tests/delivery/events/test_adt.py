"""Reading ADT and SIU as real senders write them: old versions, empty headers, any line end; and the answer."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.events import adt
from delivery.events.settings import FeedSettings
from delivery.events.told import Unreadable

NOW = datetime(2026, 3, 19, 16, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
FEED = FeedSettings.read({"port": 26610, "peers": "127.0.0.1/32"})


def adt_message(trigger: str = "A04", **more: str) -> bytes:
    """As eCW has been seen to send: v2.3, MSH-3 to 6 and MSH-10 empty, ids in PID-2, PID-4 and PV1-19."""
    parts = {"control": "", "visit": "E5001", "patient": "P1001", "stamp": "20260319101500", **more}
    return (
        f"MSH|^~\\&|||||{parts['stamp']}||ADT^{trigger}|{parts['control']}|P|2.3\r"
        f"EVN|{trigger}|{parts['stamp']}\r"
        f"PID|1|{parts['patient']}|MRN-7~MRN-8|ACC-4|Okafor^Lena||19810719|F\r"
        f"PV1|1|O|||||DR7^Lee^Ann||||||||||||{parts['visit']}\r"
    ).encode()


def siu_message(trigger: str = "S14", status: str = "ARRIVED") -> bytes:
    return (
        f"MSH|^~\\&|ECW|NORTH|||202603191015||SIU^{trigger}|c-1|P|2.3\r"
        f"SCH|1|E5001^x|||||||||||||||||||||||{status}\rPID|1|P1001\rAIP|1||DR8^Lee\r"
    ).encode()


def told(raw: bytes, feed: FeedSettings = FEED):
    return adt.happening(feed, adt.read(raw), ZONE, NOW)


@pytest.mark.parametrize(
    "trigger, kind",
    [
        ("A04", "patient.checked_in"),
        ("A01", "encounter.opened"),
        ("A03", "encounter.closed"),
        ("A11", "encounter.cancelled"),
    ],
)
def test_a_trigger_is_an_event(trigger, kind):
    event = told(adt_message(trigger))
    assert (event.kind, event.encounter_id, event.patient_id, event.provider_id) == (kind, "E5001", "P1001", "DR7")
    assert event.at == datetime(2026, 3, 19, 14, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw", [adt_message("A08"), b"MSH|^~\\&|||||||ORU^R01|1|P|2.3\r", siu_message("S12", "BOOKED")]
)
def test_other_messages_are_none(raw):
    assert told(raw) is None


@pytest.mark.parametrize("status", ["ARRIVED", "arrived", "CHK^Checked In", "^Checked In"])
def test_an_appointment_whose_patient_is_there_is_a_check_in(status):
    event = told(siu_message(status=status))
    assert (event.kind, event.encounter_id, event.provider_id) == ("patient.checked_in", "E5001", "DR8")


def test_a_cancelled_appointment_cancels_the_visit():
    assert told(siu_message("S15", "")).kind == "encounter.cancelled"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\r", b"\n\r"])
def test_any_line_end_will_do(end):
    assert told(adt_message().replace(b"\r", end)).encounter_id == "E5001"


def test_other_delimiters_bom_and_spaces_will_do():
    raw = b"\xef\xbb\xbf" + adt_message().replace(b"|", b"!").replace(b"^", b"$") + b" \0\n"
    assert told(raw).provider_id == "DR7"


def test_latin_1_is_read_where_utf_8_is_not():
    assert told(adt_message(patient="P\xe91").decode().encode("latin-1")).patient_id == "P\xe91"


@pytest.mark.parametrize("field, id", [("PID-2", "P1001"), ("PID-3", "MRN-7"), ("PID-4", "ACC-4")])
def test_the_patients_id_stands_where_the_feed_says(field, id):
    feed = FeedSettings.read({"port": 26610, "peers": "127.0.0.1/32", "patient_field": field})
    assert told(adt_message(), feed).patient_id == id


def test_no_other_id_is_taken_in_the_place_of_one_that_is_empty():
    assert told(adt_message(patient="")).patient_id == ""


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"PID|1|P1\r", b"MSH", b"MSH|^~\\&|\r", adt_message(visit=""), b"\x00\xff"]
)
def test_what_is_no_message_or_names_no_visit_cannot_be_read(raw):
    with pytest.raises(Unreadable):
        told(raw)


@pytest.mark.parametrize(
    "stamp, at",
    [
        ("20260319101500", datetime(2026, 3, 19, 14, 15, tzinfo=UTC)),
        ("202603191015", datetime(2026, 3, 19, 14, 15, tzinfo=UTC)),
        ("20260319", datetime(2026, 3, 19, 4, 0, tzinfo=UTC)),
        ("20260319071500.1234-0800", datetime(2026, 3, 19, 15, 15, tzinfo=UTC)),
        ("20260319101500+0530", datetime(2026, 3, 19, 4, 45, tzinfo=UTC)),
        ("20261319101500", NOW),
        ("yesterday", NOW),
        ("", NOW),
    ],
)
def test_a_time_without_offset_is_the_locations_and_one_that_cannot_be_read_is_now(stamp, at):
    assert adt.moment(stamp, ZONE, NOW) == at


def test_a_repeat_is_known_by_control_id_and_time_and_without_an_id_by_the_whole():
    named, unnamed = told(adt_message(control="c-1")), told(adt_message())
    assert named.message == told(adt_message(control="c-1")).message == "c-1|20260319101500"
    assert named.message != told(adt_message(control="c-1", stamp="20260319101501")).message
    assert unnamed.message == told(adt_message()).message != told(adt_message("A01")).message


def test_python_hl7_reads_the_answer_and_finds_the_control_id():
    raw = siu_message()
    answer = hl7.parse(adt.answer(adt.read(raw), "AA", NOW).decode())
    assert [str(answer.segment("MSA")[1]), str(answer.segment("MSA")[2])] == ["AA", "c-1"]
    assert str(answer.segment("MSH")[9]) == "ACK^S14"
    assert [str(answer.segment("MSH")[number]) for number in (3, 5, 6, 12)] == ["", "ECW", "NORTH", "2.3"]


def test_an_answer_to_nothing_readable_is_still_an_answer():
    assert (
        adt.answer(None, "AE", NOW, "the header cannot be read").split(b"\r")[1] == b"MSA|AE||the header cannot be read"
    )


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused_and_answered(raw):
    try:
        message = adt.read(raw)
        adt.happening(FEED, message, ZONE, NOW)
    except Unreadable:
        message = None
    answer = adt.answer(message, "AE", NOW)
    assert b"\x0b" not in answer
    assert answer.count(b"\r") == 2
