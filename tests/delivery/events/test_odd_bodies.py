"""Bodies of webhooks and FHIR Encounters as senders really write them: read, refused or left out, and nothing guessed."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.events.encounters import happenings, referred
from delivery.events.kinds import CANCELLED, CHECKED_IN, CLOSED, OPENED, RANKS
from delivery.events.settings import WebhookSettings
from delivery.events.told import Unreadable, at, happening
from tests.delivery.events.senders import told
from tests.delivery.events.test_polling import NOW, encounter

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


def read(body, message: str = "evt-1", **named: str):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return happening(WebhookSettings.read(named), raw, message, NOW)


def place(body, **named: str) -> str:
    with pytest.raises(Unreadable) as refused:
        read(body, **named)
    return refused.value.place


# --- a webhook's body ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null x",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"type": NaN}',
        b'{"encounter": {"id": "E1", "id": "E2"}, "type": "encounter.opened"}',
        b"[" * 60_000,
        b'{"type": "encounter.opened", "encounter": {"id": ' + b"9" * 5000 + b"}}",
    ],
)
def test_what_is_no_json_or_could_be_read_in_two_ways_is_refused(raw):
    assert place(raw) == "json"


@pytest.mark.parametrize(
    "raw", [b"null", b"5", b'"encounter.opened"', b"[]", b"{}", b'{"type": null}', b'{"type": ""}']
)
def test_json_without_a_kind_is_refused(raw):
    assert place(raw) == "kind"


@pytest.mark.parametrize("kind", ["encounter.Opened", "encounter.opened ", "ENCOUNTER.OPENED", "opened", "lab.ordered"])
def test_a_kind_is_known_by_its_exact_name_or_is_none_of_our_business(kind):
    assert read(told(kind)) is None


def test_what_is_none_of_our_business_need_not_name_a_visit():
    assert read({"type": "lab.ordered"}) is None


@pytest.mark.parametrize(
    "given, id",
    [("E5001", "E5001"), (" E5001\u0020", "E5001"), (5001, "5001"), (0, "0"), ("0005", "0005"), ("É/5 1", "É/5 1")],
)
def test_an_encounters_id_is_taken_as_it_is_written(given, id):
    assert read(told(encounter=given)).encounter_id == id


@pytest.mark.parametrize(
    "given", [None, "", "  ", True, False, 5.0, 1e300, [], {}, ["E1"], "E\n1", "E\t1", "E\x001", "\ud800", "E" * 121]
)
def test_what_is_no_id_of_a_visit_is_refused_and_not_mended(given):
    assert place(told(encounter=given)) == "encounter"


@pytest.mark.parametrize("who", ["patient", "provider"])
@pytest.mark.parametrize("given", [True, 5.5, ["P1"], {"value": "P1"}, "P\x001", "\udfff", "P" * 121])
def test_a_patient_or_provider_that_cannot_be_read_is_not_left_out_in_silence(who, given):
    """Absent is one thing; there, but not to be read, is another: the settings point to the wrong place."""
    assert place(told(**{who: {"id": given}})) == who


@pytest.mark.parametrize("who", ["patient", "provider"])
@pytest.mark.parametrize("given", [None, {}, {"id": None}, {"id": ""}, "P1001", ["P1001"]])
def test_a_patient_or_provider_that_is_absent_is_empty(who, given):
    assert getattr(read(told(**{who: given})), f"{who}_id") == ""


def test_a_path_goes_through_objects_only():
    assert at({"a": {"b": [{"c": 1}]}}, "a.b") == [{"c": 1}]
    assert at({"a": {"b": [{"c": 1}]}}, "a.b.0.c") is None
    assert at({"a.b": 1}, "a.b") is None
    assert at([1], "a") is None


@pytest.mark.parametrize(
    "said, happened",
    [
        ("2026-03-19T10:15:00-05:00", datetime(2026, 3, 19, 15, 15, tzinfo=UTC)),
        ("2026-03-19T15:15:00Z", datetime(2026, 3, 19, 15, 15, tzinfo=UTC)),
        ("2026-03-19T15:15:00", datetime(2026, 3, 19, 15, 15, tzinfo=UTC)),
        ("2026-03-19", datetime(2026, 3, 19, tzinfo=UTC)),
        ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
        (None, NOW),
        ("2026-03-19T16:00:01Z", NOW),
        ("2031-01-01", NOW),
    ],
)
def test_it_happened_when_the_body_says_and_never_in_the_future(said, happened):
    assert read(told(occurred_at=said)).at == happened


@pytest.mark.parametrize(
    "said",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1970-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "2026-02-30",
        "2026-03-19T25:00:00Z",
        "19 March 2026",
        "",
        "1773936900",
        1773936900,
        True,
        ["2026-03-19"],
    ],
)
def test_a_time_that_no_event_can_have_is_refused(said):
    """.NET's empty date is the year 1, and a page in New York's time cannot show it."""
    assert place(told(occurred_at=said)) == "time"


def test_without_an_id_a_message_is_known_by_its_bytes():
    one, other = json.dumps(told()).encode(), json.dumps(told(), indent=1).encode()
    assert read(one, "").message == read(one, "").message != read(other, "").message
    assert read(one, "evt-9").message == "evt-9"


def test_a_refusal_names_the_setting_and_holds_nothing_of_the_body():
    with pytest.raises(Unreadable) as refused:
        read(told(encounter="Okafor\x00"))
    assert (str(refused.value), refused.value.__cause__) == ("encounter", None)


@settings(max_examples=50)
@given(JSON)
def test_whatever_json_comes_is_read_ignored_or_refused(said):
    """Anything else raised here would be a 500, and the sender would come again with it for ever."""
    for body in (said, {"type": OPENED, "encounter": {"id": said}}, told(occurred_at=said, patient=said)):
        try:
            event = read(body)
        except Unreadable:
            continue
        assert event is None or (event.encounter_id.strip() and event.at <= NOW)


def test_only_these_kinds_bring_a_visit_on_and_either_end_is_the_last():
    assert sorted(RANKS, key=RANKS.__getitem__) == [CHECKED_IN, OPENED, CLOSED, CANCELLED]
    assert RANKS[CANCELLED] == RANKS[CLOSED]


# --- an Encounter ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["\ud800", "E\x00", "E\n1", "   ", ["E1"], {"value": "E1"}, True])
def test_one_encounter_that_cannot_be_stored_does_not_end_the_look_at_the_others(id):
    """Raised further on, it would end every look at this place, and no later visit would be seen."""
    found, unread = happenings([encounter("E1"), encounter(id), encounter("E2")], NOW)
    assert ([each.encounter_id for each in found], unread) == (["E1", "E2"], 1)


@pytest.mark.parametrize(
    "said",
    ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "0001-01-01", "1899-12-30", "2026-02-30", "", 5, None],
)
def test_a_time_no_calendar_has_ends_no_look_either(said):
    more = {"status": "in-progress", "period": {"start": said}}
    ((one, other), unread) = happenings([encounter("E1", **more), encounter("E2")], NOW)
    assert (one.at, other.encounter_id, unread) == (NOW, "E2", 0)


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/\ud800",
        "Patient/",
        "Patient/ ",
        "Patient/" + "P" * 121,
        "Patient/P1/_history/2",
        "patient/P1",
        "urn:uuid:0c5",
        "#P1",
        "",
    ],
)
def test_a_reference_that_names_no_patient_we_can_store_is_empty_and_the_visit_is_kept(reference):
    assert referred({"reference": reference}, "Patient") == ""
    ((one,), unread) = happenings([encounter(subject={"reference": reference})], NOW)
    assert (one.encounter_id, one.patient_id, unread) == ("E5001", "", 0)


@pytest.mark.parametrize("participant", [5, "DR7", {"individual": {"reference": "Practitioner/DR7"}}, [None], [[]], []])
def test_participants_that_are_no_list_of_people_name_no_provider(participant):
    ((one,), _) = happenings([encounter(participant=participant)], NOW)
    assert one.provider_id == ""


def test_of_a_visit_only_the_step_it_stands_at_is_told_and_each_step_has_its_own_name():
    steps = [happenings([encounter(status=status)], NOW)[0][0] for status in ("arrived", "in-progress", "finished")]
    assert [each.message for each in steps] == [f"E5001:{kind}" for kind in (CHECKED_IN, OPENED, CLOSED)]
    assert happenings([encounter(status="triaged")], NOW)[0][0].message == steps[0].message


@pytest.mark.parametrize("status", ["Arrived", " arrived", 5, {"code": "arrived"}, True])
def test_a_status_of_another_spelling_is_not_guessed(status):
    assert happenings([encounter(status=status)], NOW) == ([], 0)


def test_an_arrivals_time_is_its_last_change_and_not_the_hour_it_was_booked_for():
    booked = {"period": {"start": "2026-03-19T09:00:00Z"}, "meta": {"lastUpdated": "2026-03-19T08:40:00Z"}}
    ((one,), _) = happenings([encounter(**booked)], NOW)
    assert one.at == NOW - timedelta(hours=7, minutes=20)
