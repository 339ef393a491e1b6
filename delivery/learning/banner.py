"""Over every page while somebody practises: that this is practice, what is next, and why."""

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from delivery.learning.courses import seen
from delivery.learning.tables import Course
from portal.selection import NOTHING


def banner(request: HttpRequest) -> SafeString | str:
    """Only where the location in view is one of practice: elsewhere it says nothing, and asks nothing."""
    chosen = getattr(request, "selection", NOTHING).chosen
    if chosen is None or not chosen.for_learning:
        return ""
    course = Course.objects.select_related("location__practice").filter(location=chosen).first()
    if course is None:
        return ""
    steps = seen(course)
    following = next((one for one in steps if not one.done), None)
    context = {
        "course": course,
        "next": following,
        "place": steps.index(following) + 1 if following else len(steps),
        "steps": len(steps),
        "here": bool(following) and request.path == following.url.partition("?")[0] if following else False,
    }
    return render_to_string("delivery/learning/banner.html", context)
