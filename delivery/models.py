"""Notes as they came in, and their deliveries with every attempt, move and reading."""

from typing import Any

from django.db import models
from django.db.models import Q

from audit.insert_only import InsertOnlyModel
from delivery.alerts.models import Alert, AlertNotice, AlertRecipient, AlertRound, AlertSettings
from delivery.bulk.tables import Job, JobItem
from delivery.certification.models import CertificationArtefact, CertificationResult, CertificationRun
from delivery.columns import PutAway
from delivery.completeness.kept import CountedDay
from delivery.events.models import Arrival, Event, EventSource, SourceState, VisitStage
from delivery.learning.tables import Course
from delivery.list_indexes import NARROWED
from delivery.lives import Incarnation, Recovery
from delivery.monitor.tables import Counted, Issue, Standing, Tally
from delivery.pilot.tables import Feedback, Pilot, PilotMove, PilotTurn
from delivery.population.models import Population
from delivery.release.tables import EhiRequest
from delivery.reports.tables import CountedReport, ReportMail, ReportMailing
from delivery.states import STRIKABLE, State
from delivery.ways.models import Attestation, CapabilityProbe, Deviation, ProbeTurn, TemplateStop
from delivery.webhooks.models import EndpointState, ScribeEndpoint, WebhookMessage
from mapping.models import MappingVersion, Template
from portal.models import ApiKey, Connection, Location, Part, Practice, Scribe

# Rows of parts that Django looks for here.
__all__ = [
    "Alert", "AlertNotice", "AlertRecipient", "AlertRound", "AlertSettings", "Arrival", "Attestation",
    "CapabilityProbe", "CertificationArtefact", "CertificationResult", "CertificationRun", "Counted", "CountedDay",
    "CountedReport", "Course", "Deviation", "EhiRequest", "EndpointState", "Event", "EventSource", "Feedback",
    "Incarnation", "Issue", "Job", "JobItem", "Pilot", "PilotMove", "PilotTurn", "Population", "ProbeTurn", "PutAway",
    "Recovery", "ReportMail", "ReportMailing", "ScribeEndpoint", "SourceState", "Standing", "Tally", "TemplateStop",
    "VisitStage", "WebhookMessage",
]  # fmt: skip

STATES = [(state.value, state.value) for state in State]


class Note(models.Model):
    """One note of one scribe; its content lives in versions."""

    id = models.UUIDField(primary_key=True)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="notes")
    scribe = models.ForeignKey(Scribe, on_delete=models.PROTECT, related_name="notes", db_index=False)
    source_note_id = models.CharField(max_length=200)  # the scribe's id
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scribe", "source_note_id"], name="source_note_id_per_scribe")]

    def __str__(self) -> str:
        return str(self.id)


class NoteVersion(models.Model):
    """One version as posted. `sealed_body` is the whole request body (UTF-8 JSON), encrypted for this row."""

    id = models.UUIDField(primary_key=True)
    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    received_at = models.DateTimeField()
    sealed_body = models.BinaryField()
    template = models.ForeignKey(Template, on_delete=models.PROTECT, null=True, related_name="+")
    visit_type = models.CharField(max_length=20, default="in_person")
    provider_id = models.CharField(max_length=80, blank=True)
    provider_name = models.CharField(max_length=200, blank=True)
    encounter_start = models.DateTimeField(null=True)
    patient_bidx = models.CharField(max_length=32, blank=True)
    encounter_bidx = models.CharField(max_length=32, blank=True)
    correlation_id = models.CharField(max_length=64)
    retract_requested_at = models.DateTimeField(null=True, blank=True)
    # The clinician who changed the version before into this one; empty for what the scribe posted.
    edited_by = models.ForeignKey("portal.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # [{"index", "code", "title"}] of the sections that hold no text, in the note's order; null where it has none.
    empty_sections = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "number"], name="note_version_once")]
        indexes = [
            models.Index(fields=["patient_bidx"], name="noteversion_patient"),
            models.Index(fields=["encounter_bidx"], name="noteversion_encounter"),
            models.Index(fields=["provider_id"], name="noteversion_provider"),
        ]

    def __str__(self) -> str:
        return f"{self.note_id} v{self.number}"


class IdempotencyKey(models.Model):
    """A scribe's Idempotency-Key with the body it came with and the answer it got (ids and states, no content)."""

    scribe = models.ForeignKey(Scribe, on_delete=models.CASCADE, related_name="+", db_index=False)
    key_hash = models.CharField(max_length=64)
    body_sha256 = models.CharField(max_length=64)
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="+")
    answer = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scribe", "key_hash"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key_hash[:12]


class Lane(models.Model):
    """One socket's worth of sending on a connection, held by one worker at a time.

    `epoch` rises with every takeover; a move made under an older epoch changes nothing. `expires_at` is compared
    with the database's clock only. `draining` tells intake whether the bell need be rung.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="lanes")
    index = models.PositiveSmallIntegerField()
    epoch = models.PositiveBigIntegerField(default=0)
    owner = models.CharField(max_length=100, blank=True)
    expires_at = models.DateTimeField(null=True)
    draining = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "index"], name="lane_once")]

    def __str__(self) -> str:
        return f"{self.connection_id}.{self.index}"


class Delivery(models.Model):
    """One part of one note version on its way by one route. `state` is written by delivery/transition.py alone."""

    note_version = models.ForeignKey(NoteVersion, on_delete=models.PROTECT, related_name="deliveries")
    # The note itself as well, and its encounter: the order guards look at them without a join.
    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="deliveries")
    encounter_bidx = models.CharField(max_length=32)
    provider_id = models.CharField(max_length=80, blank=True)  # the note version's, for the lists
    # No index of their own: those of the lists below begin with them.
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    part = models.CharField(max_length=20, choices=Part)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, null=True, related_name="deliveries")
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, null=True, related_name="deliveries", db_index=False)
    # The note version's, for the lists; None: the note named none that the location has.
    template = models.ForeignKey(Template, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    mapping_version = models.ForeignKey(
        MappingVersion, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    state = models.CharField(max_length=12, choices=STATES)
    reason_code = models.CharField(max_length=60, blank=True)  # a code of delivery/failures.py
    problems = models.JSONField(default=list)  # mapping.note.Problem rows: names of places, no content
    control_id = models.CharField(max_length=20)  # MSH-10; the same for every retransmission
    correction = models.BooleanField(default=False)  # amends what an earlier version may have charted
    replay_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replays", db_index=False
    )
    # The delivery by another way in whose place this one goes (delivery/fallback.py).
    replaces = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by", db_index=False
    )

    ever_failed = models.BooleanField(default=False)  # a try failed or trouble came of it, whatever came later
    epoch = models.PositiveBigIntegerField(default=0)  # the lane's epoch when it was last claimed
    attempts = models.PositiveIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    deadline = models.DateTimeField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    took_seconds = models.PositiveIntegerField(null=True, blank=True)  # from receipt to `verified_at`

    # Reading back: when to look next, how often it was looked for in vain, the grade of proof reached.
    read_at = models.DateTimeField(null=True, blank=True)
    readings_made = models.PositiveSmallIntegerField(default=0)
    negatives = models.PositiveSmallIntegerField(default=0)
    # The scribe withdrew the note when this might be in the chart already; null again once a person has struck it.
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    proof = models.CharField(max_length=12, blank=True)  # field, section, document, attested, none
    # [{"code", "title", "field_id", "outcome"}] for the section strip: outcomes, no text.
    section_outcomes = models.JSONField(default=list)
    affected = models.TextField(blank=True)  # ",hpi,plan,": the sections that are wrong (affected.py)

    in_hand: Any = None  # no column: what delivery/handed.py keeps of it between sending and reading back

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["control_id"], condition=Q(replay_of__isnull=True), name="control_id_once_but_for_replays"
            ),
            models.UniqueConstraint(
                fields=["replaces"], condition=Q(replaces__isnull=False), name="delivery_replaced_once"
            ),
        ]
        indexes = [
            models.Index(fields=["control_id"], name="delivery_control_id"),
            models.Index(fields=["lane", "not_before"], name="delivery_due", condition=Q(state="ready")),
            models.Index(fields=["read_at"], name="delivery_to_read", condition=Q(read_at__isnull=False)),
            models.Index(
                fields=["location", "state", "withdrawn_at"],
                name="delivery_withdrawn",
                condition=Q(withdrawn_at__isnull=False),
            ),
            models.Index(
                fields=["location", "state", "accepted_at"],
                name="delivery_unread",
                condition=Q(read_at__isnull=False),
            ),
            models.Index(fields=["lane"], name="delivery_sending", condition=Q(state="sending")),
            models.Index(
                fields=["encounter_bidx"],
                name="delivery_blocking",
                condition=Q(state__in=["ready", "sending", "unknown"]),
            ),
            # The lists: newest first within a state of a location, within a location, and over all of a practice. The
            # first also counts the states, and nothing but itself is read for that.
            models.Index(fields=["location", "state", "-created_at", "-id"], name="delivery_by_state"),
            models.Index(fields=["location", "-created_at", "-id"], name="delivery_by_location"),
            models.Index(fields=["practice", "-created_at", "-id"], name="delivery_by_practice"),
            # What many rows are narrowed by, with the state to count by (queries.py: WITH_REASON, NO_NOTE).
            models.Index(
                fields=["location", "reason_code", "state", "-created_at", "-id"],
                name="delivery_by_reason",
                condition=Q(reason_code__gt=""),
            ),
            models.Index(
                fields=["location", "provider_id", "state", "-created_at", "-id"], name="delivery_by_provider"
            ),
            models.Index(
                fields=["location", "state", "-created_at", "-id", "provider_id"],
                name="delivery_ever_failed",
                condition=Q(ever_failed=True),
            ),
            models.Index(
                fields=["location", "part", "state", "-created_at", "-id"],
                name="delivery_by_part",
                condition=~Q(part="note"),
            ),
            models.Index(fields=["replay_of"], name="delivery_replays", condition=Q(replay_of__isnull=False)),
            *NARROWED,
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def to_strike(self) -> bool:
        """The note was withdrawn and stands in the chart, or may: a person must strike it there."""
        return self.withdrawn_at is not None and self.state in STRIKABLE

    @property
    def why(self) -> str:
        """The reason code to be shown: a withdrawal outlasts whatever the chart says afterwards."""
        return "retract_requested" if self.to_strike else self.reason_code


class Wire(models.Model):
    """The bytes of a delivery, rendered once and frozen: every retransmission sends exactly these.

    `sealed_bytes` is what goes on the wire (HL7: unframed); `sealed_plan` the JSON of the field values it carries,
    which the chart is compared with.
    """

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, primary_key=True, related_name="wire")
    sealed_bytes = models.BinaryField()
    sealed_plan = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=60)
    rendered_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.sha256[:12]


class Attempt(models.Model):
    """One try at sending: committed as an intent before the first byte leaves, completed afterwards."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempt_rows", db_index=False)
    number = models.PositiveIntegerField()
    epoch = models.PositiveBigIntegerField()
    worker = models.CharField(max_length=100)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    wire_sha256 = models.CharField(max_length=64)
    intent_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, blank=True)  # accepted, refused, unavailable, no_answer; "" = under way
    code = models.CharField(max_length=20, blank=True)  # the receiver's: AA, AE, HTTP 200 …
    reason_code = models.CharField(max_length=60, blank=True)
    sealed_answer = models.BinaryField(null=True, blank=True)  # the receiver's answer, which may hold PHI

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number_once")]

    def __str__(self) -> str:
        return f"{self.delivery_id} attempt {self.number}"


class Move(InsertOnlyModel):
    """One change of a delivery's state: append-only, written by transition() in the same transaction."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="moves", db_index=False)
    from_state = models.CharField(max_length=12, blank=True)  # "" for the first
    to_state = models.CharField(max_length=12)
    at = models.DateTimeField()
    epoch = models.PositiveBigIntegerField(default=0)
    reason_code = models.CharField(max_length=60, blank=True)
    actor = models.CharField(max_length=150)

    class Meta:
        indexes = [models.Index(fields=["delivery", "id"], name="move_of_delivery")]

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.from_state} to {self.to_state}"


class Reading(models.Model):
    """One look into the chart for one delivery."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="readings")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    answer = models.CharField(max_length=12)  # there, not_there, cannot_say
    grade = models.CharField(max_length=12, blank=True)
    reason_code = models.CharField(max_length=60, blank=True)
    # JSON: per section {"code", "title", "field_id", "outcome", "in_chart", "found_in"}; holds chart text.
    sealed_sections = models.BinaryField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.answer}"


class ReceiverProfile(models.TextChoices):
    """What a probe found out about a receiver: how an unknown outcome may be settled (docs/probe.md)."""

    DEDUPE = "dedupe", "Ignores a repeated message"
    READBACK = "readback", "Can be asked what it holds"
    BOTH = "both", "Ignores repeats and can be asked"
    BLIND = "blind", "Neither: doubt waits for a person"


class Breaker(models.TextChoices):
    """Whether a connection may be tried, and who must act when not."""

    CLOSED = "closed", "Open for traffic"
    OPEN = "open", "Waiting after connection failures"
    AUTH = "auth", "Stopped: a person must reconnect"
    CONTENT = "content", "Stopped: the same rejection again and again"


class ConnectionState(models.Model):
    """What delivery knows of a connection: its proven profile, its breaker, and its last trouble."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="delivery_state")
    # Empty until a probe has run: treated as BLIND.
    profile = models.CharField(max_length=10, choices=ReceiverProfile, blank=True)
    probed_at = models.DateTimeField(null=True, blank=True)
    # The reader has been seen to answer "there" for a fresh note and "not there" for one never sent.
    reader_proven_at = models.DateTimeField(null=True, blank=True)
    breaker = models.CharField(max_length=10, choices=Breaker, default=Breaker.CLOSED)
    retry_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)  # connection failures in a row
    last_reason = models.CharField(max_length=60, blank=True)
    last_failed_at = models.DateTimeField(null=True, blank=True)
    last_ok_at = models.DateTimeField(null=True, blank=True)
    rejections = models.PositiveIntegerField(default=0)  # identical rejections in a row
    rejection_code = models.CharField(max_length=80, blank=True)
    # The newest test, step by step (delivery/connection_steps.py).
    tested_at = models.DateTimeField(null=True, blank=True)
    test_steps = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return f"{self.connection_id}: {self.breaker}"


class RateWindow(models.Model):
    """How many of a window are used up, shared by all processes (delivery/rate.py): calls to eCW, a source's events."""

    key = models.CharField(max_length=120, primary_key=True)
    minute = models.PositiveBigIntegerField()  # Unix time in whole windows: a minute for calls, less for events
    used = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """A worker's sign of life: written by its own loop, so that a deaf worker is seen to be deaf."""

    worker = models.CharField(max_length=100, primary_key=True)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    busy_lanes = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.worker
