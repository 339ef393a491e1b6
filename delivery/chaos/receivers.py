"""The receivers of a chaos run: what the simulated eCW can do, the faults it shows, and its own chart at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from delivery.chaos.notes import mark_of, sections
from delivery.demo.world import Ports
from delivery.models import ConnectionState, ReceiverProfile
from portal.models import Connection, ConnectionKind, Location

PAGE = 5_000
SOCKETS = 3  # of each clinic: as many lanes


@dataclass(frozen=True)
class Receiver:
    """`options` start the sandbox; `readable`: its chart may be asked; `says` stands in the help."""

    name: str
    profile: ReceiverProfile
    options: tuple[str, ...]
    readable: bool
    says: str


RECEIVERS = {
    each.name: each
    for each in (
        Receiver("readback", ReceiverProfile.READBACK, (), True, "files a repeat again, its chart can be asked"),
        Receiver("dedupe", ReceiverProfile.DEDUPE, ("--dedupe",), False, "files a repeat once, cannot be asked"),
        Receiver("both", ReceiverProfile.BOTH, ("--dedupe",), True, "files a repeat once, its chart can be asked"),
        Receiver("blind", ReceiverProfile.BLIND, (), False, "files a repeat again, cannot be asked"),
    )
}


class NotAsExpected(Exception):
    """The receiver is not of the kind the run is about."""


def make_it(receiver: Receiver) -> None:
    """Have the portal know the receiver as that kind: by its own probe, or told so where nothing can be read."""
    for connection in Connection.objects.filter(kind=ConnectionKind.HL7_MLLP):
        connection.settings |= {"sockets": SOCKETS}
        connection.save()
    sending = ConnectionState.objects.filter(connection__kind=ConnectionKind.HL7_MLLP)
    if not receiver.readable:
        Location.objects.update(reading_connection=None)
        sending.update(profile=receiver.profile, reader_proven_at=None)
        return
    found = set(sending.values_list("profile", flat=True))
    if found != {receiver.profile.value}:
        raise NotAsExpected(f"the probe found {', '.join(sorted(found))}, not {receiver.profile.value}")


def faults(seed: int, ack_seconds: float, settle_seconds: float) -> dict[str, Any]:
    """A tenth of the answers dropped, late, another's, cut or doubled; some filings late, within the settle time."""
    shares = [
        ("drop_ack", 0.015, {}),
        ("no_file_no_ack", 0.01, {}),
        ("delay_ack", 0.015, {"seconds": ack_seconds * 1.3}),
        ("delay_filing", 0.01, {"seconds": settle_seconds * 0.5}),
        ("wrong_id_ack", 0.01, {}),
        ("double_ack", 0.01, {}),
        ("cut_before_file", 0.01, {}),
        ("cut_after_file", 0.01, {}),
        ("partial_ack", 0.005, {}),
        ("garbage_ack", 0.005, {}),
    ]
    rows = [{"kind": kind, "probability": share, **settings} for kind, share, settings in shares]
    return {"seed": seed, "faults": rows}


def switch_on(ports: Ports, wanted: dict[str, Any]) -> bool:
    """Whether the receiver took the faults; False while it is not up."""
    try:
        httpx2.put(f"{ports.base}/sandbox/api/faults", json=wanted, timeout=2).raise_for_status()
    except httpx2.HTTPError:
        return False
    return True


@dataclass(frozen=True)
class Charts:
    """The marks of all filings in the receiver's own store, in the order of filing; `torn` are those with a hole."""

    filed: tuple[str, ...]
    torn: tuple[str, ...]


def charts(ports: Ports) -> Charts:
    """Filings without a mark (the probe's) are nobody's note."""
    rows = [(mark_of(fields), fields) for fields in filings(ports)]
    torn = [mark for mark, fields in rows if mark and not whole(mark, fields)]
    return Charts(tuple(mark for mark, _ in rows if mark), tuple(torn))


def whole(mark: str, fields: dict[str, str]) -> bool:
    """Whether each section the note was posted with stands in the chart, word for word."""
    chart = "\n".join(fields.values())
    return all(section["text"] in chart for section in sections(mark))


def filings(ports: Ports) -> Iterator[dict[str, str]]:
    """The fields of each filing."""
    after: int | None = 0
    while after is not None:
        query: dict[str, str | int] = {"after": after, "limit": PAGE, "fields": 1}
        page = httpx2.get(f"{ports.base}/sandbox/api/filings", params=query, timeout=60).raise_for_status().json()
        yield from (row["fields"] for row in page["filings"])
        after = page["next"]
