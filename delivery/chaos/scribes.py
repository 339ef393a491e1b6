"""The scribes of a chaos run: each visit's notes in order, the same key again and again until 201 comes."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from zlib import crc32

from delivery.chaos.notes import Posted, body

PAUSE = 0.05
PATIENCE = 15.0  # seconds for one answer


class Scribes:
    """`threads` scribes take visits from one list. `accepted` are the notes answered 201, in no order."""

    def __init__(
        self,
        port: int,
        key: str,
        locations: Sequence[str],
        visits: Iterator[list[Posted]],
        may_post: Callable[[int], bool],
    ) -> None:
        self.port = port
        self.key = key
        self.locations = locations
        self.visits = visits
        self.may_post = may_post
        self.accepted: list[Posted] = []
        self.repeated = 0  # posts that had to be made again, because no answer or a 5xx came
        self.refused = ""
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.threads: list[threading.Thread] = []

    def start(self, threads: int) -> None:
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    @property
    def at_work(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)

    def work(self) -> None:
        while not self.stopping.is_set():
            with self.lock:
                visit = next(self.visits, None)
            if visit is None:
                return
            for posted in visit:
                if not self.post_until_taken(posted):
                    return

    def post_until_taken(self, posted: Posted) -> bool:
        """False when the run ends before it was taken."""
        location = self.locations[crc32(posted.encounter.encode()) % len(self.locations)]
        content = json.dumps(body(posted, location)).encode()
        while not self.stopping.is_set():
            if not self.may_post(len(self.accepted)):
                time.sleep(PAUSE)
                continue
            status = self.post(posted, content)
            if status == 201:
                with self.lock:
                    self.accepted.append(posted)
                return True
            if 400 <= status < 500 and status not in (408, 409, 429):
                self.refused = f"a note was refused with {status}"
                self.stopping.set()
                return False
            with self.lock:
                self.repeated += 1
            time.sleep(PAUSE)
        return False

    def post(self, posted: Posted, content: bytes) -> int:
        """The status of one attempt; 0 when nobody answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Idempotency-Key": posted.mark,
            "Content-Type": "application/json",
        }
        try:
            connection.request("POST", "/api/v1/notes", content, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
