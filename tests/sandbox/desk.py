"""What the sandbox's tests share: the two clinics' templates, messages written by hand, and a sandbox process to talk to."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
NORTH = {
    "name": "Family Medicine Progress Note",
    "fields": [
        {"field_id": "NF-01", "label": "Chief Complaint", "position": 1, "max_length": 500},
        {"field_id": "NF-02", "label": "HPI", "position": 2},
        {"field_id": "NF-03", "label": "ROS", "position": 3},
        {"field_id": "NF-04", "label": "Examination", "position": 4},
        {"field_id": "NF-05", "label": "Assessment", "position": 5},
        {"field_id": "NF-06", "label": "Treatment Plan", "position": 6, "required": True},
    ],
}
SOUTH = {
    "name": "Sports Medicine Visit",
    "fields": [
        {"field_id": "S.100", "label": "Reason for Appointment", "position": 1},
        {"field_id": "S.300", "label": "Physical Exam", "position": 2},
        {"field_id": "S.200", "label": "History of Present Illness", "position": 3},
    ],
}


def msh(control_id="C1", facility="NORTH", **changes):
    fields = ["MSH", "^~\\&", "SCRIBEPORT", "LAKESIDE", "ECW", facility, "20260319101500-0500", ""]
    fields += ["ORU^R01^ORU_R01", control_id, "T", "2.5.1", "", "", "", "", "", "UNICODE UTF-8"]
    for name, value in changes.items():
        fields[int(name.removeprefix("msh")) - 1] = value
    return "|".join(fields)


def oru(fields, control_id="C1", facility="NORTH", encounter="E1", patient="P1", note_id="N1", **options):
    """An ORU^R01 as docs/channels/hl7.md describes it; `fields` are pairs of field id and escaped text."""
    status = options.pop("status", "F")
    template = options.pop("template", "FM-PROGRESS")
    segments = [
        msh(control_id, facility, **options),
        f"PID|1||{patient}^^^LAKESIDE||Okafor^Lena||19810719|F",
        "PV1|1|O|||||DR7^Lee^Ann" + "|" * 12 + encounter,
        f"OBR|1|{encounter}|{note_id}|{template}^Note^L|||20260319101500-0500" + "|" * 18 + status,
    ]
    for number, (field_id, text) in enumerate(fields, start=1):
        segments.append(f"OBX|{number}|FT|{field_id}^Label^L||{text}||||||{status}")
    return "".join(segment + "\r" for segment in segments).encode()


def frame(message):
    return b"\x0b" + message + b"\x1c\r"


def msa(answer):
    """MSA-1 and MSA-2 of an answer."""
    line = next(line for line in answer.decode().split("\r") if line.startswith("MSA"))
    return tuple(line.split("|")[1:3])


class Wire:
    """A socket that speaks MLLP, for tests."""

    def __init__(self, port, timeout=5):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """The next framed answer, without its frame."""
        while b"\x1c\r" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.buffer)
            self.buffer += data
        got, self.buffer = self.buffer.split(b"\x1c\r", 1)
        assert got[:1] == b"\x0b"
        return got[1:]

    def ask(self, message):
        self.send(frame(message))
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()


class Process:
    """A sandbox of its own, on free ports."""

    def __init__(self, data, *options):
        command = [sys.executable, "-m", "sandbox", "--mllp-port", "0", "--http-port", "0", "--data", str(data)]
        self.process = subprocess.Popen(
            [*command, *options], cwd=ROOT, stdout=subprocess.PIPE, env=os.environ | {"PYTHONDEVMODE": ""}, text=True
        )
        self.first_line = self.process.stdout.readline()
        ports = json.loads(self.first_line)
        self.mllp, self.http = ports["mllp"], ports["http"]

    def wire(self, **options):
        return Wire(self.mllp, **options)

    def ask(self, message):
        with self.wire() as wire:
            return wire.ask(message)

    def call(self, method, path, body=None, headers=()):
        """Status, headers and raw body of one HTTP exchange."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=10)
        try:
            data = json.dumps(body) if isinstance(body, dict | list) else body
            connection.request(method, path, data, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def api(self, method, path, body=None):
        status, _, answer = self.call(method, "/sandbox/api" + path, body)
        assert status == 200, (status, answer)
        return json.loads(answer)

    def note(self, encounter="E1", facility="NORTH", practice="LAKESI", token="sandbox-token"):
        path = f"/openapi/v1/{practice}/encounters/{quote(encounter, safe='')}/progress-note?facility={quote(facility)}"
        status, _, answer = self.call("GET", path, headers={"Authorization": f"Bearer {token}"})
        return status, json.loads(answer)

    def clinics(self):
        self.api("PUT", "/facilities/NORTH/templates/FM-PROGRESS", NORTH)
        self.api("PUT", "/facilities/SOUTH/templates/SM-VISIT", SOUTH)
        return self

    def filings(self, **query):
        wanted = "&".join(f"{name}={value}" for name, value in query.items())
        return self.api("GET", f"/filings?{wanted}")["filings"]

    def every_filing(self):
        """All of them, a page after the other: a quick machine files more than the largest page holds."""
        found, after = [], 0
        while after is not None:
            page = self.api("GET", f"/filings?limit=5000&after={after}")
            found, after = found + page["filings"], page["next"]
        return found

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code
