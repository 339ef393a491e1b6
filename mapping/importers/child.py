"""Reads one file in a process of its own, which can take no more time and memory than this; run by limited.py.

Standard input: one line of JSON (filename, known), then the file. Standard output: one line of JSON, the reading or the
reason why there is none. Nothing of the file is logged.
"""

import json
import resource
import signal
import sys
from typing import Any

from mapping.importers import read
from mapping.importers.base import MAX_BYTES, ImportRefused
from mapping.importers.reading import reading_in_json

MEMORY = 256 * 1024 * 1024  # of addresses; Python with all readers needs 50 MB
SECONDS = 1.4  # of computing, after the start; with the start, under two
MOST_OPEN = 16
TOO_MUCH = "The file needs more than 256 MB to be read. Copy the template's rows into a new file."


def limit() -> None:
    """From here on the system ends this process when it takes more; nothing in the file can put that off."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (3, 3))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_OPEN, MOST_OPEN))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # SIGPROF, unhandled, ends the process


def main() -> None:
    answer: dict[str, Any]
    asked = json.loads(sys.stdin.buffer.readline())
    limit()
    try:
        found = read(asked["filename"], sys.stdin.buffer.read(MAX_BYTES + 1), asked["known"])
        answer = {"reading": reading_in_json(found)}
    except ImportRefused as refused:
        answer = {"refused": str(refused)}
    except MemoryError:
        answer = {"refused": TOO_MUCH}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
