"""Group commit: what comes while one transaction is under way goes together into the next.

A durable commit costs the same for one note as for thirty. Nobody waits for company: a caller who comes alone is served
alone, at once.
"""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Place(Generic[Item, Result]):
    """One caller in the queue, and what became of them."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.done = False
        self.fate: Result | Exception | None = None


class Group(Generic[Item, Result]):
    """Threads hand in items; one of the threads does the work for all that wait.

    `work` gets at most `most` items and returns for each its result, or the exception that is its caller's alone. What
    `work` itself raises is raised in every caller.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result | Exception]], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: deque[Place[Item, Result]] = deque()
        self._turn = Lock()

    def submit(self, item: Item) -> Result:
        """The result of one item, once the transaction that carries it has been committed."""
        place: Place[Item, Result] = Place(item)
        self._waiting.append(place)
        while not place.done:
            with self._turn:
                if not place.done:
                    self._serve()
        if isinstance(place.fate, Exception):
            raise place.fate
        return place.fate  # type: ignore[return-value]  # done: never None

    def _serve(self) -> None:
        served = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most))]
        fates: Sequence[Result | Exception]
        try:
            fates = self._work([place.item for place in served])
            if len(fates) != len(served):
                raise ValueError("the work did not answer everybody")
        except Exception as error:
            fates = [error] * len(served)
        for place, fate in zip(served, fates, strict=True):
            place.fate, place.done = fate, True
