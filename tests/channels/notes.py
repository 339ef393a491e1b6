"""Synthetic notes for the channel tests, and the wild texts that dictation brings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from delivery.channels.base import OutgoingNote, Patient, Visit
from delivery.channels.hl7_settings import Hl7Settings
from mapping.note import Contribution, FieldValue

CONTROL_ID = "ABCDEFGHIJKLMNOPQ234"
OTHER_ID = "ZZZZZZZZZZZZZZZZZZZZ"
EASTERN = timezone(timedelta(hours=-5))

PATIENT = Patient("P1001", "Okafor", "Lena", "1981-07-19", "F")
VISIT = Visit("E5001", PATIENT, datetime(2026, 3, 19, 10, 15, tzinfo=EASTERN), "DR7", "1234567893", "Lee", "Ann")
FIELDS = [("NF-01", "Chief Complaint"), ("NF-02", "HPI"), ("NF-04", "Examination"), ("NF-06", "Treatment Plan")]
TEXTS = [
    "Cough for nine days.",
    "Dry cough, worse at night.\nNo fever.\n\nTook honey & lemon.",
    "Lungs clear. SpO2 98 % | pulse 72.",
    "1) Fluids\n2) Return if worse",
]

# What scribes and dictation really produce, and what has broken HL7 senders.
NASTY = [
    "• first\n• second",
    "“curly” ‘quotes’ — and dashes …",
    "narrow\u202fspace",
    "zero\u200bwidth",
    "line\u2028separator and paragraph\u2029separator",
    "next\u0085line",
    "emoji 🫁👩🏽‍⚕️ done",
    "שלום عليكم \u202eoverride\u202c",
    "|^~\\&",
    "\\.br\\ written out, \\E\\ and \\F\\ too",
    "\\X0D\\OBX|9|FT|NF-09||injected",
    "OBX|9|FT|NF-09||looks like a segment",
    "MSH|^~\\&|X",
    "trailing backslash \\",
    "  leading and trailing spaces  ",
    "tab\tseparated\tvalues",
    "\n\nblank lines around\n\n",
    "e\u0301 combining and é composed",
    "\ufeffbyte order mark inside",
    "\U0010ffff highest and \ufffd replacement",
]

SETTINGS = Hl7Settings.read({"host": "127.0.0.1", "port": 2575, "receiving_facility": "NORTH"}, {}, "sandbox")


def values(texts: list[str]) -> tuple[FieldValue, ...]:
    """One field per text, in template order."""
    return tuple(
        FieldValue(f"NF-{place:02}", f"Field {place}", place, text, (Contribution(place, f"s{place}", "", text),))
        for place, text in enumerate(texts, start=1)
    )


def note(*texts: str, **changes) -> OutgoingNote:
    """The golden note, or one with these texts; `changes` replace attributes."""
    if texts:
        filled = values(list(texts))
    else:
        filled = tuple(
            FieldValue(field_id, label, place, text, ())
            for place, ((field_id, label), text) in enumerate(zip(FIELDS, TEXTS, strict=True), start=1)
        )
    made = OutgoingNote(
        control_id=CONTROL_ID,
        note_id="0198c0de-0000-7000-8000-000000000001",
        version=1,
        visit=VISIT,
        template_code="FM-PROGRESS",
        template_name="Family Medicine Progress Note",
        values=filled,
        correction=False,
        created_at=datetime(2026, 3, 19, 15, 15, 2, tzinfo=UTC),
    )
    return replace(made, **changes)


def for_patient(**changes) -> OutgoingNote:
    return note(visit=replace(VISIT, patient=replace(PATIENT, **changes)))


def for_visit(**changes) -> OutgoingNote:
    return note(visit=replace(VISIT, **changes))


# More than the API lets through, which refuses C1 controls (but NEL) and non-characters too: notes stored before may hold them.
_CHARACTERS = st.characters(
    exclude_categories=["Cs"],
    exclude_characters="".join(map(chr, [*range(9), *range(11, 32), 127])),
)
WILD = st.one_of(
    st.text(_CHARACTERS, min_size=1),
    st.text("|^~\\&\n\t .brEFSTRX0D", min_size=1),
    st.lists(st.one_of(st.sampled_from(NASTY), st.text(_CHARACTERS, max_size=20)), min_size=1).map("".join),
).filter(lambda text: text.strip() and text != '""')
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("|^~\\&"), min_size=1, max_size=40
).filter(lambda text: text != '""')
WILD_NOTES = st.lists(WILD, min_size=1, max_size=8).map(lambda texts: note(*texts))
