"""The product's own sender and reader against the sandbox: two HL7 implementations that share no code must agree."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from delivery.channels.base import NoAnswer, Refused
from delivery.channels.hl7_settings import VERSIONS
from delivery.channels.registry import channel_for, reader_for
from tests.channels.notes import NASTY, VISIT, WILD_NOTES, note

LONG = {"name": "Eight fields", "fields": [{"field_id": f"NF-{place:02}"} for place in range(1, 30)]}
numbers = itertools.count()


def here(host, port):
    return host, port


@pytest.fixture
def connected(sandbox):
    """A channel and a reader for NORTH, whose template takes anything."""
    sandbox.api("PUT", "/facilities/NORTH/templates/FM-PROGRESS", LONG)

    def connect(**changes):
        hl7 = {"host": "127.0.0.1", "port": sandbox.mllp, "receiving_facility": "NORTH", "ack_seconds": 5}
        return channel_for("hl7", hl7 | changes, {}, "sandbox", here)

    address = {"base_url": f"http://127.0.0.1:{sandbox.http}", "practice_code": "LAKESI", "facility": "NORTH"}
    reader = reader_for("openapi", address, {"token": "sandbox-token"}, "sandbox", here)
    yield connect, reader
    reader.close()


def fresh(made):
    """The note under a control id and an encounter of its own."""
    number = next(numbers)
    visit = replace(made.visit, encounter_id=f"E{number}")
    return replace(made, control_id=f"{number:020}", visit=visit)


def send(channel, made):
    return channel.send(channel.render(made), made.control_id)


def assert_charted(reader, made):
    chart = reader.read(made.visit)
    assert [filing.control_id for filing in chart.filings] == [made.control_id]
    assert chart.fields == {value.field_id: value.text for value in made.values}


@given(made=WILD_NOTES)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_charted_as_it_was_sent(connected, made):
    connect, reader = connected
    channel, made = connect(), fresh(made)
    assert send(channel, made).code == "AA"
    channel.close()
    assert_charted(reader, made)


def test_every_nasty_text_is_charted_as_it_was_sent(connected):
    connect, reader = connected
    channel, made = connect(), fresh(note(*NASTY))
    assert send(channel, made).code == "AA"
    channel.close()
    assert_charted(reader, made)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("ack_mode", ["original", "enhanced"])
def test_every_version_and_acknowledgement_mode_is_taken(connected, version, ack_mode):
    connect, reader = connected
    channel = connect(version=version, ack_mode=ack_mode)
    for made in (fresh(note()), fresh(note("again on the same socket"))):
        assert send(channel, made).code in ("AA", "CA")
        assert_charted(reader, made)
    channel.close()


def test_an_amended_note_replaces_its_first_version(connected):
    connect, reader = connected
    channel, first = connect(), fresh(note("one", "two"))
    second = replace(fresh(note("one, amended")), visit=first.visit, correction=True, version=2)
    send(channel, first)
    send(channel, second)
    channel.close()
    chart = reader.read(first.visit)
    assert [filing.control_id for filing in chart.filings] == [first.control_id, second.control_id]
    assert chart.fields == {"NF-01": "one, amended"}


def test_another_patients_encounter_is_refused_to_the_product(connected):
    connect, _ = connected
    channel, made = connect(), fresh(note())
    send(channel, made)
    visit = replace(made.visit, patient=replace(VISIT.patient, id="P9"))
    with pytest.raises(Refused) as refused:
        send(channel, replace(fresh(note()), visit=visit))
    assert refused.value.code == "AE"
    channel.close()


def test_an_unknown_facility_is_refused_to_the_product(connected):
    connect, _ = connected
    channel = connect(receiving_facility="EAST")
    with pytest.raises(Refused):
        send(channel, fresh(note()))
    channel.close()


@pytest.mark.parametrize(
    "fault,filed",
    [
        ({"kind": "drop_ack"}, 1),
        ({"kind": "no_file_no_ack"}, 0),
        ({"kind": "delay_ack", "seconds": 3}, 1),
        ({"kind": "wrong_id_ack"}, 1),
        ({"kind": "cut_before_file"}, 0),
        ({"kind": "cut_after_file"}, 1),
        ({"kind": "partial_ack"}, 1),
        ({"kind": "slow_ack", "seconds": 0.5}, 1),
        ({"kind": "endless_ack"}, 1),
        ({"kind": "garbage_ack", "form": "noise"}, 1),
        ({"kind": "garbage_ack", "form": "no_msa"}, 1),
        ({"kind": "garbage_ack", "form": "empty_id"}, 1),
    ],
)
def test_what_cannot_be_known_is_no_answer_whether_filed_or_not(sandbox, connected, fault, filed):
    connect, reader = connected
    channel, made = connect(ack_seconds=1), fresh(note())
    sandbox.api("PUT", "/faults", {"faults": [fault]})
    with pytest.raises(NoAnswer):
        send(channel, made)
    channel.close()
    assert len(reader.read(made.visit).filings) == filed


def test_two_answers_do_not_confuse_the_next_message(sandbox, connected):
    connect, reader = connected
    channel = connect()
    sandbox.api("PUT", "/faults", {"faults": [{"kind": "double_ack"}]})
    for made in [fresh(note()) for _ in range(5)]:
        assert send(channel, made).code == "AA"
        assert_charted(reader, made)
    channel.close()
