"""A run's desk without a portal, a worker or an eCW: what the API answers is set, and deliveries stand as they were made."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from delivery.certification.desk import Desk
from delivery.certification.evidence import Account
from delivery.certification.models import CertificationRun, RunState
from delivery.certification.plan import Plan
from delivery.models import Delivery

AT_ONCE = Plan(load_notes=2, verified_within=10.0, settle_within=0.001, answer_within=0.1)


@dataclass
class Answer:
    status_code: int = 201
    body: dict[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        return self.body


def taken(*deliveries: Delivery, status: int = 201) -> Answer:
    """The API's answer to a note that made these deliveries."""
    return Answer(status, {"deliveries": [{"id": one.pk} for one in deliveries]})


class StubScribe:
    """Posts nowhere: keeps what it was given and answers what it was told to, one after the other."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers, self.posted = answers, []
        self.http = SimpleNamespace(post=lambda path, **rest: Answer(200))
        self.listener = SimpleNamespace(heard=lambda kind, encounter: None, refused=0)

    def post(self, body: dict[str, Any]) -> Answer:
        self.posted.append(body)
        return self.answers.pop(0)


def desk_at(location, *answers: Answer, plan: Plan = AT_ONCE) -> Desk:
    run = CertificationRun.objects.create(location=location, by="tests", state=RunState.RUNNING)
    return Desk(run, location, plan, StubScribe(list(answers)), lambda: None)


def account_of(desk: Desk, name: str = "a.test") -> Account:
    return Account(desk.run, name, "A test")


def came(account: Account) -> list[str]:
    return [step["came"] for step in account.steps]
