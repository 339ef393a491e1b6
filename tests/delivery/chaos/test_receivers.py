"""The receivers of a chaos run, and how their own chart is read."""

import pytest

from delivery.chaos import receivers
from delivery.chaos.notes import Posted, mark_of, sections
from delivery.chaos.receivers import RECEIVERS, NotAsExpected, make_it
from delivery.demo.world import Ports
from delivery.models import ConnectionState, ReceiverProfile
from portal.models import Connection, Location
from sandbox.faults import fault_from_json
from tests.sandbox.desk import oru

NOTE = Posted("n", 1, "E1", 0)


def fields_of(mark):
    return {f"F{place}": section["text"] for place, section in enumerate(sections(mark))}


def test_a_filing_with_every_section_word_for_word_is_whole():
    assert receivers.whole(NOTE.mark, fields_of(NOTE.mark))


@pytest.mark.parametrize("place", range(2))
def test_a_filing_without_one_of_the_sections_or_a_word_of_it_is_torn(place):
    fields = fields_of(NOTE.mark)
    left_out = {name: text for name, text in fields.items() if name != f"F{place}"}
    assert not receivers.whole(NOTE.mark, left_out)
    assert not receivers.whole(NOTE.mark, fields | {f"F{place}": fields[f"F{place}"][:-1]})


def test_another_notes_sections_do_not_make_it_whole():
    other = Posted("n", 2, "E1", 1)
    assert not receivers.whole(NOTE.mark, fields_of(other.mark))
    assert mark_of(fields_of(other.mark)) == other.mark


def test_the_faults_are_the_sandboxs_own_and_leave_most_answers_alone():
    wanted = receivers.faults(3, 1.0, 1.0)
    faults = [fault_from_json(row) for row in wanted["faults"]]
    assert len({fault.kind.name for fault in faults}) == len(faults) == 10
    assert 0.05 < sum(fault.probability for fault in faults) < 0.2
    late = {fault.kind.name: fault.settings["seconds"] for fault in faults if "seconds" in fault.settings}
    assert late["delay_filing"] < 1.0 < late["delay_ack"], "filed within the settle time, answered after the deadline"


def test_the_charts_are_the_receivers_own_page_after_page(sandbox_process, monkeypatch):
    sandbox_process.api("POST", "/reset")
    sandbox_process.clinics()
    monkeypatch.setattr(receivers, "PAGE", 2)
    marks = [Posted("n", number, "E1", number).mark for number in range(1, 6)]
    for number, mark in enumerate(marks):
        texts = [section["text"] for section in sections(mark)]
        fields = [(f"NF-0{place}", text) for place, text in enumerate(texts, start=1)]
        sandbox_process.ask(oru(fields[:1] if number == 2 else fields, control_id=f"C{number}"))
    sandbox_process.ask(oru([("NF-01", "Scribeport connection probe.")], control_id="P"))
    found = receivers.charts(Ports(sandbox_process.mllp, sandbox_process.http))
    assert found.filed == tuple(marks)
    assert found.torn == (marks[2],)


def test_a_receiver_that_is_not_up_takes_no_faults():
    assert not receivers.switch_on(Ports(1, 1), receivers.faults(1, 1.0, 1.0))


@pytest.mark.parametrize("name", ["dedupe", "blind"])
def test_where_the_chart_may_not_be_asked_the_portal_has_no_reader(cast, name):
    ConnectionState.objects.create(connection=cast.hl7, profile="both")
    make_it(RECEIVERS[name])
    assert not Location.objects.filter(reading_connection__isnull=False).exists()
    assert ConnectionState.objects.get(connection=cast.hl7).profile == ReceiverProfile(name)
    assert Connection.objects.get(pk=cast.hl7.pk).settings["sockets"] == receivers.SOCKETS


def test_a_readable_receiver_must_have_been_found_so_by_the_probe(cast):
    ConnectionState.objects.create(connection=cast.hl7, profile="readback")
    make_it(RECEIVERS["readback"])
    assert cast.north.reading_connection_id
    with pytest.raises(NotAsExpected, match="the probe found readback, not both"):
        make_it(RECEIVERS["both"])
