"""Reads a file that somebody sent, in a child process with little time and memory: what would do harm ends there."""

import json
import subprocess
import sys
from pathlib import Path

from mapping.importers.base import MAX_BYTES, ImportRefused
from mapping.importers.headers import NOTHING, Known
from mapping.importers.reading import Reading, reading_from_json

ROOT = Path(__file__).resolve().parents[2]
# The child stops itself after two seconds of computing. This is for a machine too busy to let it compute.
LONGEST_WAIT = 20.0
TOO_LONG = (
    "The file takes longer than two seconds to be read. Copy the template's rows into a new file and import that."
)
UNREADABLE = "The file cannot be read. Save it again, as .xlsx or as CSV (UTF-8)."
BUSY = "The server is too busy to read the file just now. Nothing was saved; try again in a minute."
# Only what Python needs to start: no database address, no key. openpyxl is to read XML by defusedxml, not lxml.
ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "OPENPYXL_LXML": "False", "PATH": "", "LANG": "C.UTF-8"}


def read(filename: str, content: bytes, known: Known = NOTHING) -> Reading:
    """importers.read, in a child of its own. Raises ImportRefused, also where the child was ended."""
    if len(content) > MAX_BYTES:
        size = len(content) / 1024 / 1024
        raise ImportRefused(f"The file has {size:.1f} MB; {MAX_BYTES // 1024 // 1024} MB are the most.")
    asked = json.dumps({"filename": filename, "known": dict(known)}).encode() + b"\n"
    try:
        child = subprocess.run(
            [sys.executable, "-m", "mapping.importers.child"],
            input=asked + content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=ENVIRONMENT,
            timeout=LONGEST_WAIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ImportRefused(BUSY) from None
    if child.returncode != 0:
        raise ImportRefused(TOO_LONG if child.returncode < 0 else UNREADABLE)
    answer = json.loads(child.stdout)
    if "refused" in answer:
        raise ImportRefused(answer["refused"])
    return reading_from_json(answer["reading"])
