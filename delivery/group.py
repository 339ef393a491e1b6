"""Group commit: what comes while one transaction is under way goes together into the next.

A durable commit costs the same for one note as for thirty. A caller who comes alone is served alone, at once; where
the round before had several, the next waits a few milliseconds for as many: they are on their way.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = (
    0.006  # seconds a round waits for as many as came to the last one: less than what a commit costs a busy machine
)
LULL = 0.05  # seconds after which the last round says nothing of the next


class Place(Generic[Item, Result]):
    """One caller in the queue, and what became of them."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.served = Lock()  # held until then: to wait for it wakes nobody else
        self.served.acquire()
        self.fate: Result | Exception | None = None
        self.leads = False  # the turn has come to this caller


class Group(Generic[Item, Result]):
    """Threads hand in items; one of the threads does the work for all that wait.

    `work` gets at most `most` items and returns for each its result, or the exception that is its caller's alone. What
    `work` itself raises is raised in every caller.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: deque[Place[Item, Result]] = deque()
        self._door = Lock()  # for a moment: who waits, and whether somebody leads
        self._led = False
        self._wanted = 1  # as many make the round that waits begin
        self._company = Event()
        self._last_round = 1
        self._ended = 0.0

    def submit(self, item: Item) -> Result:
        """The result of one item, once the transaction that carries it has been committed."""
        place: Place[Item, Result] = Place(item)
        with self._door:
            self._waiting.append(place)
            if len(self._waiting) == self._wanted:
                self._company.set()
            place.leads, self._led = not self._led, True
        if not place.leads:
            place.served.acquire()
        if place.leads:
            self._lead(place)
        if isinstance(place.fate, Exception):
            raise place.fate
        return place.fate  # type: ignore[return-value]  # done: never None

    def _lead(self, own: Place[Item, Result]) -> None:
        """Serve a round in which one's own item is; then one of those who came meanwhile leads the next."""
        try:
            self._serve()
        finally:
            with self._door:
                if own in self._waiting:  # broken off before the round: whoever leaves cannot lead the next
                    self._waiting.remove(own)
                follower = self._waiting[0] if self._waiting else None
                self._led = follower is not None
            if follower is not None:
                follower.leads = True
                follower.served.release()

    def _wait_for_company(self) -> None:
        """Until as many wait as the last round had, or time is up: each round tells how many go round together."""
        with self._door:
            self._wanted = self._last_round if time.monotonic() - self._ended < LULL else 1
            if len(self._waiting) >= self._wanted:
                return
            self._company.clear()
        self._company.wait(PATIENCE)

    def _serve(self) -> None:
        self._wait_for_company()
        with self._door:
            served = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
        fates: Sequence[Result | Exception] = [InterruptedError("the round was broken off")] * len(served)
        try:
            answered = self._work([place.item for place in served])
            if len(answered) != len(served):
                raise ValueError("the work did not answer everybody")
            fates = answered
        except Exception as error:
            fates = [error] * len(served)
        finally:
            self._last_round, self._ended = len(served), time.monotonic()
            for place, fate in zip(served, fates, strict=True):
                place.fate = fate
                if not place.leads:
                    place.served.release()
