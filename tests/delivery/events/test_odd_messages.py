"""ADT and SIU messages that no book shows and feeds send: nulls, two in one, times no calendar has. Nobody is guessed."""

import socket
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from delivery.events import adt
from delivery.events.kinds import CHECKED_IN, CLOSED, OPENED
from delivery.events.listening import Caller, Port
from delivery.events.settings import FeedSettings
from delivery.events.told import Unreadable
from tests.delivery.events.test_adt import FEED, NOW, ZONE, adt_message, siu_message, told


def bare(*segments: str, head: str = "MSH|^~\\&|||||||ADT^A04||P|2.3") -> bytes:
    """A message of these segments; everything in MSH that eCW leaves empty is empty, MSH-7 as well."""
    return "\r".join([head, *segments, ""]).encode()


VISIT = "PV1|1|O|||||||||||||||||E5001"


# --- ids -------------------------------------------------------------------------------------------------------------


def test_hl7s_null_is_no_visit():
    """Were it an id, every visit of such a sender would be one and the same, and only the first would start capture."""
    with pytest.raises(Unreadable) as refused:
        told(adt_message(visit='""'))
    assert refused.value.place == "encounter"


def test_hl7s_null_is_no_patient_and_no_provider():
    event = told(bare('PID|1|""', 'PV1|1|O|||||""^Lee||||||||||||E5001'))
    assert (event.patient_id, event.provider_id) == ("", "")


def test_where_the_appointment_has_a_null_for_its_visit_the_visit_segment_is_asked():
    raw = siu_message().replace(b"E5001^x", b'""') + b"PV1|1|O|||||||||||||||||E7\r"
    assert told(raw).encounter_id == "E7"


def test_the_null_of_a_first_component_does_not_reach_for_the_second():
    assert told(bare('PID|1|""^P2', VISIT)).patient_id == ""


@pytest.mark.parametrize(
    "pid, patient",
    [
        ("PID|1|P1~P2", "P1"),
        ("PID|1|  P1  ", "P1"),
        ("PID|1|P1^^^ECW^MR", "P1"),
        ("PID|1|0001", "0001"),
        ("PID|1", ""),
        ("PID", ""),
        ("NTE|1|P9", ""),
    ],
)
def test_the_patients_id_is_the_first_component_of_the_first_repetition_as_it_is_written(pid, patient):
    assert told(bare(pid, VISIT)).patient_id == patient


def test_of_two_patient_segments_the_first_counts():
    assert told(bare("PID|1|P1", "PID|2|P2", VISIT)).patient_id == "P1"


def test_a_visit_number_stands_in_its_own_field_and_in_no_other():
    """PV1-50 and the account in PID-18 look alike; taking one of them would name another visit."""
    with pytest.raises(Unreadable):
        told(bare("PID|1|P1||||||||||||||||E5001", "PV1|1|O" + "|" * 48 + "E5001"))


@pytest.mark.parametrize("length, taken", [(120, True), (121, False)])
def test_an_id_has_120_characters_at_most_and_is_never_cut(length, taken):
    raw = adt_message(visit="E" * length)
    if taken:
        assert told(raw).encounter_id == "E" * length
    else:
        with pytest.raises(Unreadable):
            told(raw)


@pytest.mark.parametrize("character", ["\x01", "\x0b", "\x7f", "\u2028", "\u200b"])
def test_an_id_with_what_nobody_can_see_is_refused(character):
    with pytest.raises(Unreadable):
        told(adt_message(visit=f"E50{character}01"))


def test_a_provider_of_the_appointment_stands_in_where_the_visit_names_none():
    both = siu_message() + b"PV1|1|O|||||DR7\r"
    assert (told(siu_message()).provider_id, told(both).provider_id) == ("DR8", "DR7")


def test_an_adt_takes_no_visit_from_an_appointment_segment():
    """SCH-2 of an ADT would be a stray: PV1-19 alone says which visit it is."""
    with pytest.raises(Unreadable):
        told(bare("SCH|1|E9", "PID|1|P1"))


# --- the header ------------------------------------------------------------------------------------------------------


def test_the_emptiest_header_that_ecw_sends_will_do():
    event = told(bare("PID|1|P1001", VISIT))
    assert (event.kind, event.encounter_id, event.at) == (CHECKED_IN, "E5001", NOW)


@pytest.mark.parametrize("version", ["2.1", "2.3", "2.3.1", "2.5.1", "2.8", "", "x"])
def test_no_version_is_turned_away(version):
    assert told(bare("PID|1|P1", VISIT, head=f"MSH|^~\\&|||||||ADT^A01||P|{version}")).kind == OPENED


def test_the_trigger_stands_in_evn_where_the_header_has_none():
    assert told(bare("EVN|A03", VISIT, head="MSH|^~\\&|||||||ADT||P|2.3")).kind == CLOSED


def test_where_header_and_evn_differ_the_header_counts():
    assert told(bare("EVN|A03", VISIT)).kind == CHECKED_IN


def test_a_structure_behind_the_trigger_changes_nothing():
    assert told(bare(VISIT, head="MSH|^~\\&|||||||ADT^A01^ADT_A01||P|2.3")).kind == OPENED


@pytest.mark.parametrize("head", ["MSH|^~\\&|||||||", 'MSH|^~\\&|||||||""', "MSH|^~\\&||||||| ^A04"])
def test_a_message_of_no_type_is_refused_and_says_that_it_is_the_type(head):
    with pytest.raises(Unreadable) as refused:
        told(bare(VISIT, head=head))
    assert refused.value.place == "type"


@pytest.mark.parametrize("trigger", ["A02", "A05", "A08", "A13", "A31", "A40", "a04", "A04X", ""])
def test_other_triggers_and_what_merely_looks_like_one_start_nothing(trigger):
    assert told(adt_message(trigger)) is None


@pytest.mark.parametrize("trigger, status", [("S12", ""), ("S13", "PENDING"), ("S14", "NOT ARRIVED"), ("S26", "")])
def test_an_appointment_whose_patient_is_not_there_starts_nothing(trigger, status):
    assert told(siu_message(trigger, status)) is None


def test_what_starts_nothing_need_not_name_a_visit():
    """An A08 without a visit is every feed's daily bread: an AE for each would stop the sender's queue."""
    assert told(bare("PID|1|P1", head="MSH|^~\\&|||||||ADT^A08||P|2.3")) is None


def test_two_messages_in_one_are_refused_whole():
    """Read as one, the first's patient would be joined to the second's visit, and the second lost with an AA."""
    first, second = bare("PID|1|P1"), bare("PID|1|P2", VISIT)
    with pytest.raises(Unreadable) as refused:
        told(first + second)
    assert refused.value.place == "header"


@pytest.mark.parametrize("head", ["FHS|^~\\&|", "BHS|^~\\&|", "msh|^~\\&|||||||ADT^A04", "XMSH|^~\\&|"])
def test_a_batch_and_what_only_resembles_a_header_are_refused(head):
    with pytest.raises(Unreadable):
        told(bare(VISIT, head=head))


# --- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stamp",
    [
        "00010101000000+0500",
        "00010101",
        "99991231235959-0500",
        "00000000000000",
        "19000101",
        "19991231",
        "20260230",
        "20260319250000",
        "20260319101560",
        "2026031",
        "2026-03-19",
        "20260319101500 -0500",
        "٢٠٢٦١٣٤٥",
    ],
)
def test_a_time_that_no_event_can_have_is_now_and_ends_no_connection(stamp):
    """Raised, it would hang up on the sender, who would send the same message again for ever."""
    assert told(adt_message(stamp=stamp)).at == NOW


def test_a_time_after_ours_is_now():
    """A sender whose clock is fast, or whose zone is set wrong: nobody is told of a visit that is yet to come."""
    assert told(adt_message(stamp="20260319235900")).at == NOW
    assert told(adt_message(stamp="20260319120000")).at == NOW  # noon in New York is this very moment
    assert told(adt_message(stamp="20260319115900")).at == NOW - timedelta(minutes=1)


@pytest.mark.parametrize("offset, hour", [("+0000", 10), ("-0000", 10), ("+0200", 8), ("-0500", 15), ("+9999", 10)])
def test_an_offset_counts_more_than_the_locations_zone_and_an_absurd_one_is_utc(offset, hour):
    assert adt.moment(f"202603191000{offset}", ZONE, NOW) == datetime(2026, 3, 19, hour, tzinfo=UTC)


def test_the_hour_that_winter_time_repeats_is_read_and_the_one_that_summer_time_skips_as_well():
    later = datetime(2026, 12, 1, tzinfo=UTC)
    assert adt.moment("20261101013000", ZONE, later) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert adt.moment("20260308023000", ZONE, later) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


def test_each_location_reads_a_time_in_its_own_zone():
    raw = adt_message(stamp="20260319080000")
    east, west = (
        adt.happening(FEED, adt.read(raw), ZoneInfo(f"America/{zone}"), NOW) for zone in ("New_York", "Denver")
    )
    assert west.at - east.at == timedelta(hours=2)


def test_the_time_of_the_event_counts_before_the_time_of_the_message():
    head = "MSH|^~\\&|||||202603191130||ADT^A04||P|2.3"
    assert told(bare("EVN|A04|202603191015", VISIT, head=head)).at == datetime(2026, 3, 19, 14, 15, tzinfo=UTC)
    assert told(bare('EVN|A04|""', VISIT, head=head)).at == datetime(2026, 3, 19, 15, 30, tzinfo=UTC)


def test_a_precision_behind_the_time_is_passed_over_whatever_parts_it():
    at = datetime(2026, 3, 19, 14, 15, tzinfo=UTC)
    raw = bare("EVN|A04|202603191015^S", VISIT)
    assert told(raw).at == told(raw.replace(b"^", b"$")).at == at


# --- repeats ---------------------------------------------------------------------------------------------------------


def test_a_sender_that_counts_anew_and_writes_no_time_is_not_taken_for_repeating_itself():
    head = "MSH|^~\\&|||||||ADT^A04|1|P|2.3"
    today, tomorrow = bare(VISIT, head=head), bare(VISIT.replace("E5001", "E6001"), head=head)
    assert told(today).message != told(tomorrow).message
    assert told(today).message == told(today).message


def test_the_whole_message_is_told_apart_by_any_field_and_not_by_its_line_ends():
    one = adt_message()
    assert told(one).message == told(one.replace(b"\r", b"\r\n")).message
    assert told(one).message != told(one.replace(b"|F\r", b"|M\r")).message


def test_a_repeats_name_holds_nothing_of_a_patient():
    named, unnamed = told(adt_message(control="c-1")).message, told(adt_message()).message
    for content in ("P1001", "E5001", "Okafor", "19810719"):
        assert content not in named + unnamed


# --- the answer ------------------------------------------------------------------------------------------------------


def test_the_answer_goes_back_to_who_sent_it_and_repeats_nothing_of_the_patient():
    raw = adt_message(control="c-9").replace(b"|||||2026", b"|ECW|NORTH|PORTAL|LAKE|2026", 1)
    said = adt.answer(adt.read(raw), "AA", NOW).decode()
    head = said.split("\r")[0].split("|")
    assert head[2:6] == ["PORTAL", "LAKE", "ECW", "NORTH"]
    for content in ("P1001", "E5001", "Okafor", "Lena", "DR7"):
        assert content not in said


def test_without_a_control_id_the_answer_names_none_and_has_its_own():
    head, acknowledged = adt.answer(adt.read(adt_message()), "AA", NOW).decode().rstrip("\r").split("\r")
    assert acknowledged.split("|")[2] == ""
    assert len(head.split("|")[9]) == 20


def test_a_control_id_cannot_forge_a_segment_or_end_the_frame():
    raw = adt_message(control="c\x0b\x1c-1" + "9" * 300).replace(b"|", b"!").replace(b"c\x0b", b"c|A\x0b")
    said = adt.answer(adt.read(raw), "AE", NOW)
    assert b"\x0b" not in said
    assert b"\x1c" not in said
    assert said.split(b"\r")[1].split(b"|")[2].startswith(b"cA-1999")
    assert len(said.split(b"\r")[1]) < 200


# --- the feed's settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, named",
    [
        ({"peers": "127.0.0.1/32"}, "Port"),
        ({"port": 80, "peers": "127.0.0.1/32"}, "Port"),
        ({"port": True, "peers": "127.0.0.1/32"}, "port"),
        ({"port": 26610}, "network"),
        ({"port": 26610, "peers": "  "}, "network"),
        ({"port": 26610, "peers": "10.20.0.1/16"}, "networks"),
        ({"port": 26610, "peers": "ecw.example"}, "networks"),
        ({"port": 26610, "peers": "127.0.0.1/32", "patient_field": "PID-5"}, "PID-2"),
    ],
)
def test_settings_that_cannot_be_used_are_named(given, named):
    with pytest.raises(ValueError, match=named):
        FeedSettings.read(given)


@pytest.mark.parametrize(
    "address, heard",
    [("10.20.3.4", True), ("10.21.0.1", False), ("2001:db8::7", True), ("2001:db9::7", False), ("fe80::1%eth0", False)],
)
def test_only_a_caller_of_a_named_network_is_heard(address, heard):
    feed = FeedSettings.read({"port": 26610, "peers": "10.20.0.0/16 2001:db8::/32"})
    assert feed.lets_in(address) is heard


# --- frames ----------------------------------------------------------------------------------------------------------


def frames(*pieces: bytes) -> list[bytes]:
    """What the port reads out of these pieces, each one sent by itself, until the caller hangs up."""
    ours, theirs = socket.socketpair()
    caller, held, found = Caller.__new__(Caller), bytearray(), []
    with ours, theirs:
        for piece in pieces:
            theirs.sendall(piece)
        theirs.shutdown(socket.SHUT_WR)
        while (raw := caller._frame(ours, held)) is not None:
            found.append(raw)
    return found


def test_a_frame_that_broke_off_lends_nothing_to_the_next_one():
    """A sender that gives up in the middle begins anew on the same connection: its first patient is another one."""
    broken, whole = b"\x0b" + bare("PID|1|P1")[:-1], b"\x0b" + bare("PID|1|P2", VISIT) + b"\x1c\r"
    (raw,) = frames(broken, whole)
    assert (told(raw).patient_id, told(raw).encounter_id) == ("P2", "E5001")


def test_bytes_before_and_between_frames_are_dropped():
    assert frames(b"\r\n\x00\x0bone\x1c\r", b"\n\n\x0btwo\x1c\r") == [b"one", b"two"]


def test_an_end_that_is_cut_in_two_is_found():
    assert frames(b"\x0bone\x1c", b"\r\x0btwo\x1c\r") == [b"one", b"two"]


def test_a_frame_without_its_end_is_never_taken():
    assert frames(b"\x0bone\x1c\r\x0btwo\x1c") == [b"one"]


def test_a_frame_over_the_limit_ends_the_connection(monkeypatch):
    monkeypatch.setattr("delivery.events.listening.LARGEST", 64)
    with pytest.raises(ValueError, match="too large"):
        frames(b"\x0b" + b"x" * 65)


def test_a_stranger_takes_no_place_from_the_callers_that_may_speak():
    """The address is asked first: eight strangers would otherwise keep the feed itself outside."""
    taken = []
    port = SimpleNamespace(
        feed=FEED, _callers=SimpleNamespace(acquire=lambda blocking: taken.append(blocking) or len(taken) <= 1)
    )
    assert Port.verify_request(port, None, ("10.9.9.9", 1)) is False
    assert taken == []
    assert [Port.verify_request(port, None, ("127.0.0.1", 1)) for _ in range(2)] == [True, False]
