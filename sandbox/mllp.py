"""MLLP framing on a socket (HL7 v2 transport specification, MLLP release 1): frames in, frames out, nothing else."""

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import cast

from sandbox.answering import END, START, Step, framed, steps
from sandbox.faults import Fault
from sandbox.reception import Reception

LARGEST = 16 * 1024 * 1024  # bytes of one frame; more closes the socket
UNSENT = 1024 * 1024  # bytes an endless answer may pile up for a sender that does not read


class TooLarge(ValueError):
    """A frame grew over LARGEST."""


class Deframer:
    """Cuts a byte stream into frames, wherever the segments of the network fall. Bytes between frames are dropped."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.searched = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes. Raises TooLarge."""
        self.buffer += data
        frames = []
        while (frame := self.next_frame()) is not None:
            frames.append(frame)
        return frames

    def next_frame(self) -> bytes | None:
        buffer = self.buffer
        if not buffer.startswith(START):
            start = buffer.find(START)
            del buffer[: start if start >= 0 else len(buffer)]
            self.searched = 0
        end = buffer.find(END, self.searched)
        if end < 0:
            self.searched = max(len(buffer) - 1, 0)  # the end mark may be split between two reads
            if len(buffer) > LARGEST:
                raise TooLarge
            return None
        frame = bytes(buffer[1:end])
        del buffer[: end + len(END)]
        self.searched = 0
        return frame


class MllpConnection(asyncio.Protocol):
    """One socket: takes one message at a time, in the order they came."""

    def __init__(self, reception: Reception, connections: set["MllpConnection"]) -> None:
        self.reception = reception
        self.connections = connections
        self.deframer = Deframer()
        self.frames: deque[bytes] = deque()
        self.busy = False
        self.transport: asyncio.Transport | None = None
        self.playing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.connections.discard(self)
        if self.playing is not None:
            self.playing.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self.frames.extend(self.deframer.feed(data))
        except TooLarge:
            self.close()
        self.take_next()

    def take_next(self) -> None:
        if self.frames and not self.busy:
            self.busy = True
            self.reception.take(self.frames.popleft(), self.answer)

    def answer(self, answers: list[bytes], fault: Fault | None) -> None:
        """Writes the answers, each in a frame of its own, and goes on with the next message."""
        if fault is None:
            for each in answers:
                self.write(framed(each))
            self.go_on()
        else:
            self.playing = asyncio.get_running_loop().create_task(self.play(steps(answers, fault)))

    async def play(self, script: Iterator[Step]) -> None:
        """Answers as a fault would have it, then goes on unless the fault closed the socket."""
        for step in script:
            match step:
                case None:
                    self.frames.clear()
                    self.close()
                case float():
                    await asyncio.sleep(step)
                case bytes():
                    self.write(step)
            while self.transport is not None and self.transport.get_write_buffer_size() > UNSENT:
                await asyncio.sleep(0.05)
            if self.transport is None:
                return
        self.go_on()

    def go_on(self) -> None:
        self.busy = False
        self.take_next()

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()
