"""The courses: per role a few deeds, each with what to press and why, and a look at the rows that says if it is done.

A tick comes from what stands in the database since the course began: nobody sets one, and undoing a deed takes it away
where the product can see that.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from audit.event import AuditEvent
from delivery.certification.models import CertificationRun, RunState
from delivery.learning.tables import Course
from delivery.models import Delivery
from delivery.states import State
from delivery.ways.models import CapabilityProbe
from mapping.models import MappingState, MappingVersion, Rehearsal, Template
from portal.models import Part, Role, Route


@dataclass(frozen=True)
class Step:
    """One deed. `minutes` is what it takes a person who reads everything, waiting included."""

    key: str
    text: str
    press: str
    why: str
    minutes: int
    url: Callable[[Course], str]
    done: Callable[[Course], bool]


@dataclass(frozen=True)
class Seen:
    """A step as it stands for one course."""

    step: Step
    done: bool
    url: str


def seen(course: Course) -> list[Seen]:
    """Every step of the person's course with its tick and the page where it is done."""
    return [Seen(step, step.done(course), step.url(course)) for step in STEPS[Role(course.role)]]


def did(course: Course, *events: str, **detail: str) -> bool:
    """Whether this person did such a thing at this location since the course began, by the audit log."""
    rows = AuditEvent.objects.filter(
        practice=course.location.practice.code,
        location=course.location.code,
        event__in=events,
        actor_id=str(course.user_id),
        at__gte=course.begun_at,
        outcome="ok",
    )
    return any(
        all(row.get(name) == value for name, value in detail.items()) for row in rows.values_list("detail", flat=True)
    )


def template(course: Course) -> Template | None:
    return Template.objects.filter(location=course.location_id).order_by("pk").first()


def versions(course: Course, *states: str) -> list[MappingVersion]:
    return list(MappingVersion.objects.filter(template__location=course.location_id, state__in=states))


def here(name: str) -> Callable[[Course], str]:
    """A page of the course's location, by its code."""
    return lambda course: reverse(name, args=[course.location.code])


def listed(name: str) -> Callable[[Course], str]:
    """A page of what is in view: the course's location alone."""
    return lambda course: f"{reverse(name)}?location={course.location.code}"


def on_its_page(course: Course) -> str:
    """The page of the course itself: who maps sees no list of notes."""
    return reverse("delivery:course", args=[course.role])


def board(course: Course) -> str:
    found = template(course)
    return reverse("mapping:mapping", args=[found.pk]) if found else reverse("mapping:templates")


def travels(course: Course) -> bool:
    reads = course.location.reading_connection_id is not None
    return reads and Route.objects.filter(location=course.location_id, part=Part.NOTE).exists()


def published(course: Course) -> bool:
    return bool(versions(course, MappingState.PUBLISHED))


def drafted(course: Course) -> bool:
    return bool(versions(course, MappingState.DRAFT, MappingState.PUBLISHED))


def filled(course: Course) -> bool:
    return any(version.rules.count() > 2 for version in versions(course, MappingState.DRAFT, MappingState.PUBLISHED))


def caught(course: Course) -> bool:
    return any(one.catch_all_field_id for one in versions(course, MappingState.DRAFT, MappingState.PUBLISHED))


def rehearsed(course: Course) -> bool:
    rows = Rehearsal.objects.filter(mapping__template__location=course.location_id, rehearsed_by=course.user_id)
    return rows.filter(rehearsed_at__gte=course.begun_at, notes__gt=0).exists()


def again_published(course: Course) -> bool:
    return any(version.number > 1 for version in versions(course, MappingState.PUBLISHED))


def verified(course: Course) -> bool:
    return Delivery.objects.filter(location=course.location_id, part=Part.NOTE, state=State.VERIFIED).exists()


def certified(course: Course) -> bool:
    return CertificationRun.objects.filter(location=course.location_id, state=RunState.PASSED).exists()


def probed(course: Course) -> bool:
    return CapabilityProbe.objects.filter(location=course.location_id, at__gte=course.begun_at).exists()


def waiting_note(course: Course) -> str:
    """The oldest note that waits for this clinician; the list of those that wait where there is none."""
    rows = Delivery.objects.filter(location=course.location_id, part=Part.NOTE, state=State.HELD).order_by("pk")
    found = rows.first()
    return reverse("delivery:review", args=[found.pk]) if found else listed("delivery:deliveries")(course)


def newest_note(course: Course) -> str:
    rows = Delivery.objects.filter(location=course.location_id, part=Part.NOTE).exclude(state=State.HELD)
    found = rows.order_by("-updated_at", "-pk").first()
    return reverse("delivery:delivery", args=[found.pk]) if found else listed("delivery:deliveries")(course)


def opened(course: Course) -> bool:
    return did(course, "note.view")


DIRECTOR = (
    Step(
        "travel",
        "Choose how notes travel",
        "Reading connection: Practice eCW, reads back. Save settings. Below, Note sections: Practice eCW, sends. Save"
        " routes.",
        "A location sends by its routes. It is believed only what is read back through its reading connection.",
        2,
        here("portal:location"),
        travels,
    ),
    Step(
        "template",
        "Import the template that eCW has",
        "Read from eCW, look at the fields, Save.",
        "Sections are filed by the field identifiers of this location's own template, never by a label.",
        2,
        here("mapping:import"),
        lambda course: template(course) is not None,
    ),
    Step(
        "mapping",
        "Put a mapping in force",
        "Start the mapping. Accept the chosen suggestions. Choose a catch-all field, write a reason, Save and publish.",
        "Until then every note of this template is held for a person.",
        4,
        board,
        published,
    ),
    Step(
        "probe",
        "Find out what this eCW really does",
        "Probe now, and read what was found.",
        "A probe writes two synthetic notes and looks at the chart: what is not shown here is only assumed.",
        2,
        here("delivery:ways"),
        probed,
    ),
    Step(
        "note",
        "Follow a note into the chart",
        "On this page: Let a note come. Then open it in the list, read its way, and under Sections: Show the texts,"
        " sent and in the chart.",
        "Accepted is not verified: only what was read back stands as verified.",
        3,
        listed("delivery:deliveries"),
        lambda course: verified(course) and opened(course),
    ),
    Step(
        "certify",
        "Let it be certified",
        "Notes in the load test: 6. Begin a run, and wait for its end.",
        "Production stays locked until a run has passed for exactly what a location has; the report is the evidence.",
        5,
        here("delivery:certification"),
        certified,
    ),
    Step(
        "lock",
        "Stop sending, and let it go on",
        "Under Lock: a reason, Lock. Then under Release: a reason, Release.",
        "What arrives in between is accepted and held; nothing is lost. You want to have done this before a bad day.",
        2,
        here("portal:location"),
        lambda course: did(course, "location.lock") and did(course, "location.release"),
    ),
)
EDITOR = (
    Step(
        "start",
        "Begin a mapping",
        "Start the mapping.",
        "A draft is yours to try things with: nothing of it counts before it is published.",
        1,
        board,
        drafted,
    ),
    Step(
        "suggestions",
        "Take over what is surely right",
        "Look at the suggestions and their reasons. Accept the chosen suggestions.",
        "Sure ones are chosen beforehand, unsure ones never: each says why.",
        3,
        board,
        filled,
    ),
    Step(
        "catch-all",
        "Say where everything else goes",
        "Catch-all field: Additional Notes. Save draft.",
        "A section that no rule takes would hold the note, or, with this field, stand there under its title.",
        1,
        board,
        caught,
    ),
    Step(
        "publish",
        "Publish it",
        "Read the warnings, write a reason, Save and publish.",
        "Versions never change once published, and each can be put in force again.",
        2,
        board,
        published,
    ),
    Step(
        "notes",
        "See notes arrive by it",
        "On this page: Let a note come, then look again until this step is ticked: the note is verified in the chart.",
        "The mapping is right when the chart shows each section in its field. You need not read a note for that.",
        2,
        on_its_page,
        verified,
    ),
    Step(
        "rehearse",
        "Rehearse a change",
        "Edit as a draft. Give Patient instructions the field Treatment Plan. Rehearse.",
        "The last notes go through the draft and the mapping in force side by side: what would be lost is named.",
        4,
        board,
        rehearsed,
    ),
    Step(
        "again",
        "Put the change in force",
        "On the rehearsal's page: a reason, Publish mapping 2.",
        "Without a rehearsal it would take a second person.",
        2,
        board,
        again_published,
    ),
)
CLINICIAN = (
    Step(
        "open",
        "Open a note that waits for you",
        "Read each section, and below it the field of the chart it goes to.",
        "Here every note waits until a clinician has looked at it. Looking is recorded, as in any chart.",
        2,
        waiting_note,
        lambda course: did(course, "note.view", what="review"),
    ),
    Step(
        "change",
        "Change a word, and keep it",
        "Change a text. Keep changes, still hold.",
        "The change is a further version with your name; what the scribe wrote stays beside it.",
        2,
        waiting_note,
        lambda course: did(course, "note.edit"),
    ),
    Step(
        "release",
        "Release it",
        "Sign off and release.",
        "It goes into the chart now, and is read back there.",
        1,
        waiting_note,
        lambda course: did(course, "delivery.released"),
    ),
    Step(
        "reject",
        "Reject another",
        "Write why it must not go. Reject.",
        "It never reaches the chart; the reason is recorded.",
        2,
        waiting_note,
        lambda course: did(course, "delivery.cancelled"),
    ),
    Step(
        "chart",
        "See that yours stands in the chart",
        "Look at the note you released until it says Verified in the chart.",
        "Released is not charted: only what was read back is.",
        2,
        newest_note,
        verified,
    ),
)
STEPS: dict[Role, tuple[Step, ...]] = {
    Role.DIRECTOR: DIRECTOR,
    Role.MAPPING_EDITOR: EDITOR,
    Role.CLINICIAN: CLINICIAN,
}


def minutes(role: str) -> int:
    return sum(step.minutes for step in STEPS[Role(role)])
