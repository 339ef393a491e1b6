"""The chart store and the reception in front of it, in this process: groups, failures, what stands in a chart."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.chart import Filing, chart_fields, standing
from sandbox.faults import Switchboard, fault_from_json
from sandbox.reception import Reception
from sandbox.store import Store
from sandbox.template import template_from_json
from tests.sandbox.desk import NORTH, msa, oru

NOTE = [("NF-01", "cc"), ("NF-02", "hpi")]


@pytest.fixture
def store(tmp_path):
    opened = opened_store(tmp_path)
    yield opened
    opened.close()


def opened_store(folder: Path) -> Store:
    store = Store(folder)
    store.put_template(template_from_json("NORTH", "FM-PROGRESS", NORTH))
    return store


def take(reception, *frames):
    """The answers to messages that arrive in the same moment, in the order they were given."""
    given_answers = []

    async def arrive():
        for frame in frames:
            reception.take(frame, lambda answers, fault: given_answers.append(answers))
        assert not any(msa(answer)[0] in ("AA", "CA") for answers in given_answers for answer in answers)
        await asyncio.sleep(0.01)

    asyncio.run(arrive())
    return [msa(answer) for answers in given_answers for answer in answers]


def test_messages_of_one_moment_are_committed_together_and_then_answered(store):
    commits = []
    store.db.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)
    frames = [oru(NOTE, f"C{n}", encounter=f"E{n}") for n in range(10)]
    assert take(Reception(store, Switchboard()), *frames) == [("AA", f"C{n}") for n in range(10)]
    assert len(commits) == 1
    assert store.count() == 10


def test_what_is_not_committed_is_not_shown(store):
    reception = Reception(store, Switchboard())

    async def arrive():
        reception.take(oru(NOTE), lambda answers, fault: None)
        assert store.filings("NORTH", "E1") == []
        assert store.count() == 0
        await asyncio.sleep(0.01)
        assert [filing.control_id for filing in store.filings("NORTH", "E1")] == ["C1"]

    asyncio.run(arrive())


def test_a_full_disk_is_told_to_every_sender_and_nothing_is_half_filed(store):
    reception = Reception(store, Switchboard())
    assert take(reception, oru(NOTE, "C0")) == [("AA", "C0")]
    pages = store.db.execute("PRAGMA page_count").fetchone()[0]
    store.db.execute(f"PRAGMA max_page_count={pages + 2}")
    frames = [oru([("NF-02", "x" * 6000)], f"C{n}", encounter=f"F{n}") for n in range(1, 6)]
    answered = take(reception, *frames)
    assert len(answered) == 5
    assert sum(code == "AA" for code, _ in answered) == store.count() - 1
    assert any(code == "AR" for code, _ in answered)
    store.db.execute("PRAGMA max_page_count=1000000")
    assert take(reception, oru(NOTE, "C9")) == [("AA", "C9")]
    assert [each.control_id for each in store.filings("NORTH", "E1")] == ["C0", "C9"]


def test_dedupe_sees_what_stands_in_the_same_group(store):
    reception = Reception(store, Switchboard(), dedupe=True)
    assert take(reception, oru(NOTE), oru(NOTE)) == [("AA", "C1"), ("AA", "C1")]
    assert store.count() == 1


def test_another_patients_encounter_is_seen_within_the_same_group(store):
    answered = take(Reception(store, Switchboard()), oru(NOTE, "C1"), oru(NOTE, "C2", patient="P2"))
    assert sorted(answered) == [("AA", "C1"), ("AE", "C2")]


def test_a_note_lost_to_drop_ack_is_found_and_its_retransmission_deduplicated(store):
    switchboard = Switchboard()
    switchboard.add(fault_from_json({"kind": "drop_ack", "count": 1}))
    reception = Reception(store, switchboard, dedupe=True)
    take(reception, oru(NOTE))
    assert [filing.control_id for filing in store.filings("NORTH", "E1")] == ["C1"]
    assert take(reception, oru(NOTE)) == [("AA", "C1")]
    assert store.count() == 1


def test_several_faults_strike_one_note_in_the_order_they_were_switched_on(store):
    switchboard = Switchboard()
    switchboard.add(fault_from_json({"kind": "move_field", "from": "NF-01", "to": "NF-03"}))
    switchboard.add(fault_from_json({"kind": "truncate", "field_id": "NF-03", "length": 1}))
    switchboard.add(fault_from_json({"kind": "duplicate_filing"}))
    take(Reception(store, switchboard), oru(NOTE))
    first, second = store.filings("NORTH", "E1")
    assert first.fields == second.fields == {"NF-02": "hpi", "NF-03": "c"}
    assert [lost["reason"] for lost in first.lost] == ["move_field", "truncate"]


def test_a_changed_template_files_the_next_note_and_leaves_the_chart_alone(store):
    reception = Reception(store, Switchboard())
    take(reception, oru(NOTE, "C1"))
    store.put_template(store.templates["NORTH"]["FM-PROGRESS"].swapped("NF-01", "NF-02"))
    take(reception, oru(NOTE, "C2"))
    first, second = store.filings("NORTH", "E1")
    assert list(first.fields) == ["NF-01", "NF-02"]
    assert list(second.fields) == ["NF-01"]


def test_the_raw_message_is_kept_byte_by_byte(store):
    frame = oru([("NF-01", "ä \\T\\ \\XC3A4\\")])
    take(Reception(store, Switchboard()), frame)
    assert store.raw(1) == frame
    assert store.raw(99) == b""


def test_sequence_numbers_are_not_used_again_after_a_reset(store):
    reception = Reception(store, Switchboard())
    take(reception, oru(NOTE, "C1"))
    store.clear(keep_templates=True)
    take(reception, oru(NOTE, "C2"))
    assert [filing.sequence for filing in store.filings_after("", 0, 10, False)] == [2]


TEXTS = st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text(min_size=1, max_size=3), min_size=1)
HISTORY = st.lists(st.tuples(st.sampled_from(["", "N1", "N2"]), st.booleans(), TEXTS), max_size=8)


@given(HISTORY)
@settings(max_examples=200)
def test_the_chart_is_what_is_left_when_corrections_have_taken_their_notes_place(history):
    filings = [
        Filing(place, f"C{place}", note_id, "NORTH", "E1", "P1", "T", correction, 0.0, [], fields)
        for place, (note_id, correction, fields) in enumerate(history)
    ]
    kept = standing(filings)
    for place, filing in enumerate(filings):
        corrected_later = any(
            later.correction and later.note_id == filing.note_id != "" for later in filings[place + 1 :]
        )
        assert (filing in kept) is not corrected_later
    shown = chart_fields(filings)
    assert set(shown) == {field_id for filing in kept for field_id in filing.fields}
    for field_id, text in shown.items():
        assert text == [filing.fields[field_id] for filing in kept if field_id in filing.fields][-1]


@given(st.lists(st.tuples(st.sampled_from(["C1", "C2", "C3"]), st.sampled_from(["P1", "P2"])), max_size=12))
@settings(max_examples=40, deadline=None)
def test_with_dedupe_every_id_is_filed_once_and_every_answer_is_true(tmp_path_factory, arrivals):
    store = opened_store(tmp_path_factory.mktemp("store"))
    frames = [oru(NOTE, control_id, encounter="E" + patient, patient=patient) for control_id, patient in arrivals]
    answered = take(Reception(store, Switchboard(), dedupe=True), *frames)
    assert answered == [("AA", control_id) for control_id, _ in arrivals]
    filed = [filing.control_id for filing in store.filings_after("", 0, 100, False)]
    assert sorted(filed) == sorted({control_id for control_id, _ in arrivals})
    store.close()
