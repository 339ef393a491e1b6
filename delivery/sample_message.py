"""The last check before a mapping goes live: a sample note is mapped, rendered and judged by two parsers.

Every section that a rule names gets a text full of what breaks messages. python-hl7 (delivery/channels/lint.py) reads
the message again, and hl7apy validates it against its own HL7 definitions, level TOLERANT; both libraries are apart
from the builder. hl7apy never checks the order of OBX segments, so that is compared with the template here.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message

from delivery.channels import hl7, lint
from delivery.channels.base import CannotExpress, OutgoingNote, Patient, Visit
from delivery.channels.hl7_settings import Hl7Settings
from mapping.apply import apply
from mapping.note import FieldValue, MappingSpec, Problem, Section

AWKWARD = "Sample: | ^ & ~ \\ “quotes” • bullets\nsecond line, SpO₂ 98 %"
SETTINGS = Hl7Settings("127.0.0.1", 1, "sandbox", "SAMPLE")
VISIT = Visit(
    "E-SAMPLE",
    Patient("P-SAMPLE", "Sample", "Synthetic", "1970-01-01", "U"),
    datetime(2026, 1, 1, 12, tzinfo=UTC),
    "DR-SAMPLE",
    "",
    "Sample",
    "Provider",
)


def check(spec: MappingSpec) -> Sequence[Problem]:
    """What is wrong with the message this mapping makes; empty when nothing is. Pure but for the parsers' time."""
    values = sample_values(spec)
    if not values:
        return ()
    note = outgoing(spec, values)
    try:
        body = hl7.render(note, SETTINGS).body
        lint.check(body, note)
    except CannotExpress as error:
        return [wrong(f"The sample message cannot be made or does not read back as meant ({error.reason_code}).")]
    return [wrong(words) for words in judged(body, spec)]


def sample_values(spec: MappingSpec) -> tuple[FieldValue, ...]:
    """Each mapped section once, short enough for its field; what a rule makes of headings is not at issue here."""
    limits = {field.field_id: field.max_length for field in spec.fields}
    codes = dict.fromkeys(rule.section_code for rule in spec.rules)
    room = {
        code: min((limits.get(rule.field_id) or 9999 for rule in spec.rules if rule.section_code == code), default=9999)
        for code in codes
    }
    texts = {code: AWKWARD if room[code] >= 4 * len(AWKWARD) else "x" for code in codes}
    sections = [Section(place, code, code, texts[code]) for place, code in enumerate(codes)]
    return apply(spec, sections, "hold").values


def outgoing(spec: MappingSpec, values: tuple[FieldValue, ...]) -> OutgoingNote:
    return OutgoingNote(
        control_id="SAMPLE00000000000000",
        note_id="sample",
        version=1,
        visit=VISIT,
        template_code=spec.template_code,
        template_name=spec.template_name,
        values=values,
        correction=False,
        created_at=datetime(2026, 1, 1, 12, tzinfo=UTC),
    )


def judged(body: bytes, spec: MappingSpec) -> Iterator[str]:
    """hl7apy's verdict, and whether the OBX follow the template. Messages without any text of the note."""
    try:
        parse_message(body.decode(), validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=True).validate()
        flat = parse_message(body.decode(), validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    except HL7apyException as error:
        # Its messages quote the text they fault; the name of the fault is enough.
        yield f"An independent HL7 parser faults the sample message ({type(error).__name__})."
        return
    yield from out_of_order(flat, spec)


def out_of_order(message: Message, spec: MappingSpec) -> Iterator[str]:
    position = {field.field_id: field.position for field in spec.fields}
    sent = [str(segment.obx_3.obx_3_1.value) for segment in message.children if segment.name == "OBX"]
    places = [position.get(unescaped(field_id), 0) for field_id in sent]
    if places != sorted(places) or 0 in places:
        yield "The OBX segments of the sample message do not follow the template's order of fields."


def unescaped(field_id: str) -> str:
    """A field id as hl7apy leaves it (HL7 2.5.1, 2.7.1); the backslash last, so that nothing is read twice."""
    for code, character in (("F", "|"), ("S", "^"), ("T", "&"), ("R", "~"), ("E", "\\")):
        field_id = field_id.replace(f"\\{code}\\", character)
    return field_id


def wrong(words: str) -> Problem:
    return Problem("sample_message", f"{words} Report this to us with the template; nothing was published.", "/rules")
