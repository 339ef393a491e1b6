"""Practice mode: the courses a person may take, each with its steps; begun, begun anew, and left here."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from delivery.learning import setting_up
from delivery.learning.courses import STEPS, minutes, seen
from delivery.learning.ecw import NoSimulatedEcw
from delivery.learning.ecw import found as simulated_ecw
from delivery.learning.setting_up import COURSES
from delivery.learning.tables import Course
from portal.access import practice_of, roles_of, somewhere
from portal.models import Role, User
from portal.requests import PortalRequest

LEARNS = tuple(str(role) for role in COURSES)


def offered(user: User) -> list[Role]:
    """The courses of the roles a person holds; a director may take every one."""
    held = roles_of(user)
    return [role for role in COURSES if role in held or Role.DIRECTOR in held]


def going(user: User) -> dict[str, Course]:
    rows = Course.objects.filter(user=user, ended_at=None).select_related("location__practice")
    return {course.role: course for course in rows}


@require_GET
def learning(request: PortalRequest) -> HttpResponse:
    """Every course with how far it is; where there is no simulated eCW, why none can be begun."""
    somewhere(request.user, *LEARNS)
    mine, cards = going(request.user), []
    for role in offered(request.user):
        course = mine.get(role)
        steps = seen(course) if course else []
        cards.append({
            "role": role,
            "course": course,
            "done": sum(one.done for one in steps),
            "total": len(STEPS[role]),
            "minutes": minutes(role),
            "finished": bool(steps) and all(one.done for one in steps),
        })  # fmt: skip
    return render(request, "delivery/learning/list.html", {"cards": cards, "lacking": lacking()})


def lacking() -> str:
    try:
        simulated_ecw()
    except NoSimulatedEcw as reason:
        return str(reason)
    return ""


@require_POST
def begin(request: PortalRequest, role: str) -> HttpResponse:
    """Begin a course, or go on with it."""
    if role not in offered(request.user):
        raise Http404("no such course")
    try:
        setting_up.begin(request.user, practice_of(request.user), role)
    except NoSimulatedEcw as reason:
        messages.error(request, f"{reason} Whoever runs the server can set one up: docs/practice-mode.md.")
        return redirect("delivery:learning")
    return redirect("delivery:course", role)


@require_GET
def course(request: PortalRequest, role: str) -> HttpResponse:
    """One course: each step with what to press, why, and whether it is done."""
    mine = course_for(request, role)
    setting_up.let_in(mine)
    if request.selection.chosen != mine.location:
        return redirect(f"{reverse('delivery:course', args=[role])}?location={mine.location.code}")
    steps = seen(mine)
    if mine.finished_at is None and all(one.done for one in steps):
        mine.finished_at = timezone.now()
        mine.save(update_fields=["finished_at"])
    context = {
        "course": mine,
        "steps": steps,
        "done": sum(one.done for one in steps),
        "next": next((one for one in steps if not one.done), None),
        "minutes": minutes(role),
        "mapped": mine.role != Role.DIRECTOR or any(one.done for one in steps if one.step.key == "mapping"),
    }
    return render(request, "delivery/learning/course.html", context)


def course_for(request: PortalRequest, role: str) -> Course:
    """The person's own course of this role that has not ended; 404 for everybody else's."""
    found = going(request.user).get(role)
    if found is None:
        raise Http404("no such course")
    return found


@require_POST
def note(request: PortalRequest, role: str) -> HttpResponse:
    """Let the synthetic scribe post a note."""
    setting_up.let_a_note_come(course_for(request, role))
    messages.success(request, "A synthetic note has come.")
    return redirect("delivery:course", role)


@require_POST
def leave(request: PortalRequest, role: str) -> HttpResponse:
    """End a course; with `again` another one begins at once, with nothing done."""
    setting_up.end(course_for(request, role))
    request.session.pop("location", None)
    if request.POST.get("again"):
        return begin(request, role)
    messages.success(request, "The course has ended. You can begin it anew whenever you like.")
    return redirect("delivery:learning")
