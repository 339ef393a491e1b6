"""The contract of every channel and reader, readable in a minute.

A channel renders (pure) and sends; a reader looks into the chart. Errors carry the decision:
CannotExpress (stop at publishing, not at the patient), Refused (permanent), Unavailable (no byte of the note
left: try later), NoAnswer (perhaps it arrived: look before resending).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from delivery.documents import Document
from delivery.entries import Entry
from mapping.note import FieldValue

if TYPE_CHECKING:
    from delivery.channels.compare import ReadBack


@dataclass(frozen=True)
class Patient:
    """As posted; sex is M, F, O or U."""

    id: str
    family: str
    given: str
    birth_date: str  # YYYY-MM-DD or ""
    sex: str


@dataclass(frozen=True)
class Visit:
    """The encounter a note belongs to."""

    encounter_id: str
    patient: Patient
    start: datetime | None
    provider_id: str
    provider_npi: str
    provider_family: str
    provider_given: str
    facility: str = ""  # how eCW calls the location (MSH-6); "": as the connection's settings say


@dataclass(frozen=True)
class OutgoingNote:
    """A mapped note, ready to be rendered. `values` stand in template order and are never empty."""

    control_id: str  # MSH-10, 20 characters, the identity the chart is asked for
    note_id: str  # ours; stable over versions (OBR-3)
    version: int
    visit: Visit
    template_code: str
    template_name: str
    values: tuple[FieldValue, ...]
    correction: bool  # amends an earlier version (OBX-11/OBR-25 = C)
    created_at: datetime  # MSH-7


@dataclass(frozen=True)
class OutgoingEntries:
    """The coded entries of one part of a note, checked; never empty. Each is known by `control_id` and its number."""

    control_id: str
    note_id: str
    visit: Visit
    part: str
    entries: tuple[Entry, ...]
    created_at: datetime


@dataclass(frozen=True)
class OutgoingDocuments:
    """The documents attached to a note; never empty. They stand beside the Progress Note, in no field of it."""

    control_id: str
    note_id: str
    visit: Visit
    documents: tuple[Document, ...]
    created_at: datetime


@dataclass(frozen=True)
class Rendered:
    """What goes on the wire, before any transport framing."""

    body: bytes
    content_type: str


@dataclass(frozen=True)
class Receipt:
    """A positive answer for this very message. `answer` is the raw answer and may hold PHI."""

    code: str
    answer: bytes


class ChannelError(Exception):
    """`reason_code` is a code of delivery/failures.py; `answer` the receiver's words, kept out of the message."""

    def __init__(self, reason_code: str, code: str = "", answer: bytes = b"", retry_after: float | None = None) -> None:
        super().__init__(f"{reason_code} {code}".strip())
        self.reason_code = reason_code
        self.code = code
        self.answer = answer
        self.retry_after = retry_after  # seconds, where the receiver named a time


class CannotExpress(ChannelError):
    """This channel cannot say this without losing something. Nothing was sent.

    `places` are pointers into the note as posted (/patient/family) or to a field it fills (/fields/<field id>).
    """

    def __init__(self, reason_code: str, *places: str) -> None:
        super().__init__(reason_code)
        self.places = places


class Refused(ChannelError):
    """The receiver refused this message for good."""


class Unavailable(ChannelError):
    """Not sent: it is proven that no byte of the message left. Try later."""


class NoAnswer(ChannelError):
    """Perhaps sent, perhaps filed: nobody may resend before the chart has been asked."""


@dataclass(frozen=True)
class ChartNote:
    """One filing found in the chart: its identity, and the text of each field by field id.

    At section grade `text` is the whole document's instead; None where it has none that can be read.
    """

    control_id: str
    fields: dict[str, str]
    text: str | None = None
    template: str = ""  # the code of the template that it fills; "" where the reader cannot say


@dataclass(frozen=True)
class Chart:
    """What stands in the chart of one encounter: every filing, oldest first, and each field as a clinician sees it.

    `grade` is what this reader can prove: "field", or "section" where it sees documents and no fields.
    """

    filings: tuple[ChartNote, ...]
    fields: dict[str, str]
    grade: str = "field"
    template: str = ""  # the code of the template that the visit's note is made of; "" for none, or not to be seen


@dataclass(frozen=True)
class WantedTemplate:
    """Of which template the note of which visit is to be made, before a message's texts are written."""

    control_id: str
    visit: Visit
    template: str


class Credentials(Protocol):
    """Where a channel gets its access tokens. Every call raises Unavailable where there is none to be had."""

    def token(self, seconds: float) -> str:
        """One that is good for so many seconds."""

    def another(self, refused: str, seconds: float) -> str:
        """One other than that which the receiver has just refused."""

    def spend(self) -> bool:
        """One call more of this minute's; False when there is none left."""


class Channel(Protocol):
    """A way in. Instances hold an open client and are used by one thread."""

    def render(self, note: OutgoingNote) -> Rendered:
        """Pure; raises CannotExpress."""

    def open(self) -> None:
        """Connect, shake hands, authenticate; raises Unavailable. Sends nothing of any note."""

    def send(self, rendered: Rendered, control_id: str) -> Receipt:
        """Send one message and wait for its answer; raises Refused, Unavailable or NoAnswer."""

    def close(self) -> None: ...


@runtime_checkable
class EntriesChannel(Protocol):
    """A channel that carries coded entries as well."""

    def render_entries(self, entries: OutgoingEntries) -> Rendered:
        """Pure; raises CannotExpress."""


@runtime_checkable
class DocumentsChannel(Protocol):
    """A channel that carries attached documents as well."""

    def render_documents(self, documents: OutgoingDocuments) -> Rendered:
        """Pure; raises CannotExpress."""


@runtime_checkable
class Populator(Protocol):
    """A channel that has eCW make the visit's note of a practice template, by a call before that of the texts."""

    def wanted_template(self, rendered: Rendered) -> WantedTemplate | None:
        """What a note's bytes ask for; None where the connection is set to leave it to the texts."""

    def standing_template(self, wanted: WantedTemplate) -> str:
        """The template the visit's note is made of now, "" for none. May raise Unavailable and Refused."""

    def populate(self, wanted: WantedTemplate) -> Receipt:
        """Have it made. Raises Refused, Unavailable or NoAnswer."""


@runtime_checkable
class Finder(Protocol):
    """A channel that can look for what it may have left, without any reader of the chart."""

    def find(self, body: bytes, control_id: str) -> str:
        """drop.THERE, NOT_THERE or CANNOT_SAY; raises Unavailable."""

    def close(self) -> None: ...


@runtime_checkable
class EntriesReader(Protocol):
    """A reader that finds coded entries in a chart by our identity. Raises Unavailable when it cannot say."""

    def entries(self, visit: Visit, part: str) -> dict[str, dict[str, Any]] | None:
        """Identity to resource of those of ours that the chart holds; None where this kind cannot be read."""

    def close(self) -> None: ...


@runtime_checkable
class DocumentsReader(Protocol):
    """A reader that finds attached documents in a chart by our identity. Raises Unavailable when it cannot say."""

    def compare_documents(self, visit: Visit, control_id: str, body: bytes) -> "ReadBack":
        """The documents of a rendered message against those of ours that the chart holds, byte for byte."""

    def close(self) -> None: ...


class ChartReader(Protocol):
    """A way to look. Raises Unavailable when it cannot say."""

    def read(self, visit: Visit) -> Chart: ...

    def close(self) -> None: ...


class TemplateLister(Protocol):
    """A reader that can say which templates a facility has. Raises Unavailable when it cannot."""

    def templates(self, facility: str) -> bytes: ...

    def close(self) -> None: ...
