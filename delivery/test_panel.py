"""What delivery adds to a connection's page: its newest test, step by step, and the button to test it now."""

from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from delivery.connection_steps import DOES_NOT_APPLY, FAILED, NOT_REACHED, PASSED, STEPS
from delivery.failures import Failure, failure
from delivery.models import ConnectionState
from portal import access
from portal.models import Connection, Role
from portal.requests import PortalRequest

WORDS = {
    PASSED: ("ok", "Passed"),
    FAILED: ("act", "Failed"),
    NOT_REACHED: ("wait", "Not reached"),
    DOES_NOT_APPLY: ("wait", "Not asked"),
}


@dataclass(frozen=True)
class Line:
    """One step as it is shown; `trouble` says whose job a failure is."""

    label: str
    tone: str
    word: str
    says: str
    trouble: Failure | None


def panel(request: PortalRequest, connection: Connection) -> SafeString:
    """Each step with what was seen; of the one that failed, whose job it is and what to do."""
    state = ConnectionState.objects.filter(connection=connection).first() or ConnectionState(connection=connection)
    context = {
        "connection": connection,
        "state": state,
        "lines": [line(row) for row in state.test_steps],
        "may_act": Role.DIRECTOR in access.roles_everywhere(request.user),
    }
    return render_to_string("delivery/test_panel.html", context, request)


def line(row: dict[str, str]) -> Line:
    tone, word = WORDS[row["outcome"]]
    trouble = failure(row["reason_code"]) if row["outcome"] == FAILED else None
    return Line(STEPS[row["key"]], tone, word, row["says"], trouble)
