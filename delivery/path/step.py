"""What a step of the path is, and who did it, as the audit log tells."""

from dataclasses import dataclass
from datetime import datetime

from audit.event import AuditEvent
from portal.models import Location, User


@dataclass(frozen=True)
class Step:
    """One thing that must be so: whether it is, what was seen, who did it and when, and where it is done.

    `url` "" for whoever may not do it. Nobody ticks a step: `done` is what a look at the rows says.
    """

    text: str
    done: bool
    says: str = ""
    who: str = ""
    when: datetime | None = None
    url: str = ""


@dataclass(frozen=True)
class Phase:
    """Steps that belong together. `next` is the first of the whole path that is not done."""

    name: str
    steps: tuple[Step, ...]
    next: Step | None = None

    @property
    def done(self) -> bool:
        return all(step.done for step in self.steps)

    @property
    def count(self) -> int:
        return sum(step.done for step in self.steps)


def name_of(user: User | None) -> str:
    return (user.get_full_name() or user.username) if user else ""


def told(location: Location, event: str, object_type: str, object_id: object) -> tuple[str, datetime | None]:
    """Who did something last, and when, by the practice's audit log."""
    rows = AuditEvent.objects.filter(
        practice=location.practice.code, event=event, object_type=object_type, object_id=str(object_id), outcome="ok"
    )
    found = rows.order_by("-at", "-id").values_list("actor_name", "actor_id", "at").first()
    return (found[0] or found[1], found[2]) if found else ("", None)
