"""Why is this note not in the chart? One sentence with its evidence, for a patient, a visit, a provider, a day.

The answer is about one note: the newest that fits. Where none fits, it says what is known of that instead: that nothing
came from the scribe that day, that other notes came but not this one, or that it stands under another visit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from audit.models import AuditEvent
from delivery.detail import Detail, detail_of
from delivery.failures import failure
from delivery.models import Breaker, ConnectionState, Delivery, NoteVersion
from delivery.monitor.times import Clock, clock
from delivery.queries import Scope
from delivery.states import BLOCKING, State
from portal import crypto
from portal.models import Part

LONGEST = 200


@dataclass(frozen=True)
class Asked:
    """What a person knows of the note; at least a patient or a visit. Never kept, logged or put into an address."""

    patient: str = ""
    encounter: str = ""
    provider: str = ""
    day: date | None = None

    @property
    def patient_bidx(self) -> str:
        return crypto.blind_index("patient", self.patient) if self.patient else ""

    @property
    def encounter_bidx(self) -> str:
        return crypto.blind_index("encounter", self.encounter) if self.encounter else ""


@dataclass(frozen=True)
class Answer:
    """One sentence; `cause` is its name, `evidence` what it rests on, `detail` the delivery it speaks of."""

    cause: str
    sentence: str
    evidence: tuple[str, ...] = ()
    detail: Detail | None = None
    tone: str = "act"


def answer(asked: Asked, scope: Scope, now: datetime | None = None) -> Answer:
    now = now or timezone.now()
    version = _newest(_versions(asked, scope), asked, scope)
    if version is None:
        return _absent(asked, scope)
    deliveries = _deliveries(version)
    if not deliveries:
        return Answer("nothing_made", "The note came, but nothing was made of it for eCW.", (_came(version, scope),))
    # What is not in the chart is asked for; only where all of it is, the note itself is spoken of.
    one = max(deliveries, key=lambda row: (GRAVITY.index(State(row.state)), row.part == Part.NOTE))
    return _of(one, version, scope, now)


# From what needs no answer to what needs one most.
GRAVITY = (
    State.VERIFIED,
    State.SUPERSEDED,
    State.ACCEPTED,
    State.SENDING,
    State.CANCELLED,
    State.READY,
    State.UNKNOWN,
    State.MISFILED,
    State.REJECTED,
    State.PARKED,
    State.HELD,
)


def _versions(asked: Asked, scope: Scope) -> QuerySet[NoteVersion]:
    found = NoteVersion.objects.filter(note__location__in=scope.locations)
    if asked.encounter:
        found = found.filter(encounter_bidx=asked.encounter_bidx)
    if asked.patient:
        found = found.filter(patient_bidx=asked.patient_bidx)
    return found.select_related("note__location", "note__scribe").defer("sealed_body")


def _newest(found: QuerySet[NoteVersion], asked: Asked, scope: Scope) -> NoteVersion | None:
    if asked.provider:
        found = found.filter(Q(provider_id__iexact=asked.provider) | Q(provider_name__icontains=asked.provider))
    if asked.day:
        begins, ends = _day(asked.day, scope)
        visited = Q(encounter_start__gte=begins, encounter_start__lt=ends)
        found = found.filter(visited | Q(encounter_start=None, received_at__gte=begins, received_at__lt=ends))
    newest = found.order_by("-received_at").first()
    # Its note's latest version, whichever came last: an earlier one may have been held up on its way here.
    return found.filter(note=newest.note_id).order_by("-number").first() if newest else None


def _notes(versions: QuerySet[NoteVersion]) -> int:
    """How many notes these are versions of."""
    return versions.order_by().values("note").distinct().count()


def _day(day: date, scope: Scope) -> tuple[datetime, datetime]:
    begins = datetime.combine(day, time.min, scope.zone)
    return begins, datetime.combine(day + timedelta(days=1), time.min, scope.zone)


def _deliveries(version: NoteVersion) -> list[Delivery]:
    """The version's own, each part's newest: what was sent again stands for what it was sent again from."""
    rows = Delivery.objects.filter(note_version=version).order_by("pk")
    return list({row.part: row for row in rows}.values())


def _absent(asked: Asked, scope: Scope) -> Answer:
    """No note fits: what is known instead."""
    others = _notes(_versions(asked, scope))
    if others and (asked.provider or asked.day):
        number = "another note" if others == 1 else f"{others} other notes"
        said = f"We never received such a note, but we have {number} of this {_whom(asked)} by another provider or day."
        return Answer("other_note", said, ("Ask again without the provider and the day to see the newest of them.",))
    if asked.patient and asked.encounter and (under := _under_another(asked, scope)):
        return Answer("other_visit", *under)
    return _never(asked, scope)


def _whom(asked: Asked) -> str:
    return "visit" if asked.encounter else "patient"


def _under_another(asked: Asked, scope: Scope) -> tuple[str, tuple[str, ...]] | None:
    if _versions(Asked(encounter=asked.encounter), scope).exists():
        said = "We have a note of this visit, but the scribe posted it under another patient."
        return said, ("The patient’s id in eCW and in the scribe’s schedule differ: the scribe’s vendor can say why.",)
    if number := _notes(_versions(Asked(patient=asked.patient), scope)):
        said = "We never received a note of this visit from the scribe, only of other visits of this patient."
        return said, (f"Notes of this patient’s other visits: {number}.",)
    return None


def _never(asked: Asked, scope: Scope) -> Answer:
    here = NoteVersion.objects.filter(note__location__in=scope.locations)
    evidence = ["No note, no version and no withdrawn note has this patient or visit at the locations in view."]
    newest = here.aggregate(newest=Max("received_at"))["newest"]
    if newest:
        evidence.append(f"The newest note of any patient came {_at(newest, scope)}.")
    cause, said = "never_received", "We never received this note from the scribe."
    if asked.day:
        begins, ends = _day(asked.day, scope)
        came = _notes(here.filter(received_at__gte=begins, received_at__lt=ends))
        if not came:
            cause, said = "nothing_came", "We never received this note: the scribe posted nothing at all that day."
        else:
            evidence.append(f"{came} other note{'s' if came > 1 else ''} came that day.")
        evidence += _refused(begins, ends, scope)
    return Answer(cause, said, tuple(evidence))


def _refused(begins: datetime, ends: datetime, scope: Scope) -> list[str]:
    """Of a refused note nothing is kept, not even whose it was."""
    practices = {location.practice.code for location in scope.locations}
    rows = AuditEvent.objects.filter(practice__in=practices, event="note.refuse", at__gte=begins, at__lt=ends)
    if not (number := rows.count()):
        return []
    posts = "post was" if number == 1 else "posts were"
    return [f"{number} {posts} refused that day and not kept; the scribe was told why; this note may be among them."]


def about(one: Delivery, scope: Scope, now: datetime | None = None) -> Answer:
    """The same sentence and evidence of one delivery that is known already."""
    return _of(one, one.note_version, scope, now or timezone.now())


def _of(one: Delivery, version: NoteVersion, scope: Scope, now: datetime) -> Answer:
    full = Delivery.objects.select_related("note_version__template", "note__scribe", "location__practice", "connection")
    detail = detail_of(full.select_related("mapping_version").defer("note_version__sealed_body").get(pk=one.pk))
    cause, lead = _withdrawn(detail.delivery) or LEADS[State(one.state)](detail.delivery, now)
    part = "" if one.part == Part.NOTE else f" ({detail.delivery.get_part_display().lower()})"
    evidence = [_came(version, scope), detail.sentence, *detail.evidence, detail.waiting]
    return Answer(cause, f"{lead}{part}.", tuple(one for one in evidence if one), detail, detail.words.tone)


def _came(version: NoteVersion, scope: Scope) -> str:
    return f"Received from {version.note.scribe.name} {_at(version.received_at, scope)}, version {version.number}."


def _at(at: datetime, scope: Scope) -> str:
    shown: Clock = clock(at, "site", str(scope.zone), at)
    return f"on {at.astimezone(scope.zone):%d %b %Y} at {shown.words} {shown.below}"


Lead = tuple[str, str]  # cause, the sentence without its full stop


def _withdrawn(one: Delivery) -> Lead | None:
    if one.to_strike:
        return "withdrawn", "The scribe withdrew this note after it was sent: a person must strike it in the chart"
    return ("withdrawn", "The scribe withdrew this note before it was sent") if one.reason_code == "retracted" else None


def _why(one: Delivery) -> str:
    return f": {failure(one.reason_code).title.lower()}" if one.reason_code else ""


def _held(one: Delivery, now: datetime) -> Lead:
    return one.reason_code or "held", f"We hold it{_why(one)}"


def _ready(one: Delivery, now: datetime) -> Lead:
    state = ConnectionState.objects.filter(connection=one.connection_id).exclude(breaker=Breaker.CLOSED).first()
    if state is not None:
        why = f": {failure(state.last_reason).title.lower()}" if state.last_reason else ""
        return "connection_stopped", f"It waits to be sent, because the connection is stopped{why}"
    if one.reason_code and one.attempts:
        return "retrying", f"It could not be sent yet and is tried again{_why(one)}"
    earlier = Delivery.objects.filter(encounter_bidx=one.encounter_bidx, pk__lt=one.pk, state__in=BLOCKING)
    if earlier.filter(location=one.location_id).exists():
        return "behind_another", "It waits for an earlier note of the same visit, so that their order is kept"
    return "waiting", "It waits for its turn to be sent"


def _accepted(one: Delivery, now: datetime) -> Lead:
    if one.proof == "none" or one.location.reading_connection_id is None:
        return "cannot_be_read", "eCW accepted it, but this location’s chart cannot be read back: nobody has proved it"
    return "not_read_yet", f"eCW accepted it; the chart has not been read back yet{_why(one)}"


def _superseded(one: Delivery, now: datetime) -> Lead:
    return "superseded", "This version was replaced by a newer one before it was sent"


LEADS: dict[State, Callable[[Delivery, datetime], Lead]] = {
    State.HELD: _held,
    State.READY: _ready,
    State.SENDING: lambda one, now: ("sending", "It is being sent at this moment"),
    State.ACCEPTED: _accepted,
    State.VERIFIED: lambda one, now: ("verified", "It is in the chart: every section was read back in its place"),
    State.MISFILED: lambda one, now: ("misfiled", "It is in the chart, but not as sent"),
    State.REJECTED: lambda one, now: ("rejected", f"eCW refused it{_why(one)}"),
    State.UNKNOWN: lambda one, now: (
        "unknown",
        "It was sent, but no answer came: perhaps it is in the chart, and the chart is asked",
    ),
    State.PARKED: lambda one, now: ("parked", f"It waits for a person’s decision{_why(one)}"),
    State.SUPERSEDED: _superseded,
    State.CANCELLED: lambda one, now: ("cancelled", "A person called it off before it was sent"),
}
