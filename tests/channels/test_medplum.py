"""Medplum's HL7 library at the other end, as receiver of notes and as sender of a feed: nobody there has read our code.

Needs Node and `npm ci` in tests/peers (.ci/run does it); elsewhere skipped with the reason.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from delivery.channels.mllp import Hl7Channel
from delivery.events import sources
from delivery.events.listening import Listener
from delivery.events.models import Event
from tests.channels.notes import CONTROL_ID, NASTY, note
from tests.channels.peers import settings_for
from tests.delivery.events.test_adt import adt_message
from tests.needs import missing
from tests.processes import free_port

PEERS = Path(__file__).resolve().parents[1] / "peers"


def node(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A running script of tests/peers, spoken to line by line."""
    program = shutil.which("node")
    if program is None or not (PEERS / "node_modules/@medplum/hl7").is_dir():
        missing("no Node on the path, or no packages: run `npm ci` in tests/peers")
    return subprocess.Popen(
        [program, script, *arguments], cwd=PEERS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def line(process: subprocess.Popen[str]):
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said, "the peer ended"
    return json.loads(said)


@pytest.fixture
def receiver():
    process = node("receiver.cjs")
    yield process, line(process)["port"]
    process.kill()
    process.communicate()


def sent(port: int, made) -> None:
    channel = Hl7Channel(settings_for(port), lambda host, at: (host, at), lambda: True)
    rendered = channel.render(made)
    channel.open()
    try:
        receipt = channel.send(rendered, made.control_id)
    finally:
        channel.close()
    assert receipt.code == "AA"


def test_its_receiver_acknowledges_a_note_and_reads_every_field_in_order(receiver):
    process, port = receiver
    sent(port, note())
    rows = line(process)
    assert rows[0][9] == CONTROL_ID
    fields = [row for row in rows if row[0] == "OBX"]
    assert [row[1] for row in fields] == [str(place) for place in range(1, len(fields) + 1)]
    assert [row[3].split("^")[0] for row in fields] == [value.field_id for value in note().values]


def test_no_text_breaks_out_of_its_field_there(receiver):
    process, port = receiver
    texts = [text for text in NASTY if text.strip()]
    sent(port, note(*texts))
    fields = [row for row in line(process) if row[0] == "OBX"]
    assert len(fields) == len(texts)
    assert {row[3].split("^")[0] for row in fields} == {f"NF-{place:02}" for place in range(1, len(texts) + 1)}


@pytest.mark.django_db(transaction=True)
def test_its_sender_is_acknowledged_by_the_feeds_port(cast):
    port = free_port()
    sources.create(cast.north, "mllp", {"port": port, "peers": "127.0.0.1/32"})
    listener = Listener("127.0.0.1")
    listener.look()
    try:
        process = node("sender.cjs", str(port))
        messages = [adt_message(trigger, control=f"c-{trigger}").decode() for trigger in ("A04", "A01")]
        said, _ = process.communicate("".join(f"{json.dumps(each)}\n" for each in messages), timeout=30)
    finally:
        listener.close()
    assert [json.loads(row) for row in said.splitlines()] == [["AA", "c-A04"], ["AA", "c-A01"]]
    assert {event.kind for event in Event.objects.all()} == {"patient.checked_in", "encounter.opened"}
