"""How an answer leaves the socket: plainly, or as a fault would have it."""

import itertools
from collections.abc import Iterator

from sandbox.faults import Fault

START = b"\x0b"
END = b"\x1c\r"
CHUNK = 64 * 1024

# What a socket is to do next: write bytes, wait for seconds, or (None) close.
Step = bytes | float | None


def framed(answer: bytes) -> bytes:
    return START + answer + END


def steps(answers: list[bytes], fault: Fault | None) -> Iterator[Step]:
    """The steps by which `answers` leave under `fault`; may be endless."""
    frames = [framed(answer) for answer in answers]
    if fault is None:
        return iter(frames)
    match fault.kind.name:
        case "drop_ack" | "no_file_no_ack":
            return iter(())
        case "drop_application_ack":
            return iter(frames[:-1])
        case "cut_before_file" | "cut_after_file":
            return iter((None,))
        case "delay_ack":
            return itertools.chain((fault.settings["seconds"],), frames)
        case "double_ack":
            return iter((*frames, *frames))
        case "partial_ack":
            return iter([frame[: len(frame) // 2] for frame in frames[:1]])
        case "slow_ack":
            return byte_by_byte(b"".join(frames), fault.settings["seconds"])
        case "endless_ack":
            return endless(frames)
        case "garbage_ack":
            return iter([framed(garbage(answer, fault.settings["form"])) for answer in answers])
    return iter(frames)


def byte_by_byte(data: bytes, seconds: float) -> Iterator[Step]:
    for place in range(len(data)):
        yield data[place : place + 1]
        yield seconds


def endless(frames: list[bytes]) -> Iterator[Step]:
    yield b"".join(frames).removesuffix(END)
    while True:
        yield b"." * CHUNK
        yield 0.005


def garbage(answer: bytes, form: str) -> bytes:
    """An answer out of shape; the last three forms still say clearly that this message was accepted."""
    segments = answer.split(b"\r")
    msa = segments[1].split(b"|")
    match form:
        case "no_msa":
            del segments[1]
        case "empty_id":
            segments[1] = b"|".join([*msa[:2], b"", *msa[3:]])
        case "lower_case":
            segments[1] = b"|".join([msa[0], msa[1].lower(), *msa[2:]])
        case "line_feeds":
            return b"\n".join(segments)
        case "bom":
            return b"\xef\xbb\xbf" + answer
        case _:
            return b"\xff\xfe 503 Service Unavailable"
    return b"\r".join(segments)
