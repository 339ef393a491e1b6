"""What every test of a run works with: its location, its scribe, its numbers; and a test's verdict."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from delivery import contents
from delivery.certification import settling
from delivery.certification.evidence import Account
from delivery.certification.models import CertificationRun
from delivery.certification.notes import Numbering, Visit, note, sections
from delivery.certification.plan import Plan
from delivery.certification.scribe import SyntheticScribe
from delivery.models import Attempt, Delivery
from delivery.states import State
from mapping.models import RuleKind, Template
from mapping.queries import published_spec
from portal.models import Connection, Location, Part, Route

ATTESTED, UNPROVABLE = "attested", "unprovable"
NO_DELIVERY = "The note made no delivery."


@dataclass(frozen=True)
class Verdict:
    """What a test came to, in a sentence without content. `applies` is False where there was nothing to test.

    `proof` is "" for what was seen; where no chart can be read, ATTESTED by a person, or UNPROVABLE.
    """

    passed: bool
    says: str
    applies: bool = True
    proof: str = ""


def not_here(says: str) -> Verdict:
    """Nothing at this location that the test could be made with: no failure, and no proof."""
    return Verdict(True, says, applies=False)


@dataclass
class Desk:
    """One run at work."""

    run: CertificationRun
    location: Location
    plan: Plan
    scribe: SyntheticScribe
    work: settling.Work
    numbers: Numbering = field(init=False)
    sent: list[int] = field(default_factory=list)  # every delivery of the run, for the audit test

    def __post_init__(self) -> None:
        self.numbers = Numbering(self.run.pk)

    def visit(self) -> Visit:
        return self.numbers.next()

    def note(self, visit: Visit, template: Template, said: str = "Synthetic text", **more: Any) -> dict[str, Any]:
        """A note with every section that the template's mapping takes."""
        text = sections(codes_of(template), visit, said, headings_of(template))
        return note(self.location.code, visit, text, template=template.code, **more)

    def post(self, body: dict[str, Any]) -> list[int]:
        """Post as the scribe; the ids of the note's deliveries. Raises NotTaken."""
        answer = self.scribe.post(body)
        if answer.status_code != 201:
            raise NotTaken(answer.status_code)
        ids = [row["id"] for row in answer.json()["deliveries"]]
        self.sent += ids
        return ids

    def settled(self, ids: Collection[int]) -> list[Delivery]:
        return settling.settled(ids, self.work, self.plan.settle_within)

    def until(self, true: Callable[[], bool], seconds: float) -> bool:
        return settling.until(true, self.work, seconds)

    def first_template(self) -> Template:
        """The template most tests use: the first by code that has a mapping in force. Raises NothingMapped."""
        for template in mapped_templates(self.location):
            return template
        raise NothingMapped

    def sender(self) -> Connection:
        """The connection in use for note sections. Raises NothingMapped."""
        route = Route.objects.filter(location=self.location, part=Part.NOTE).order_by("position").first()
        if route is None:
            raise NothingMapped
        return route.connection


class NotTaken(Exception):
    """The API did not take a note of the run."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the API answered {status}")
        self.status = status


class NothingMapped(Exception):
    """The location has no route for note sections, or no template with a mapping in force."""


def mapped_templates(location: Location) -> list[Template]:
    rows = Template.objects.filter(location=location).order_by("code")
    return [template for template in rows if published_spec(template) is not None]


def codes_of(template: Template) -> list[str]:
    """The section codes that the mapping in force has a rule for, in the order of their fields."""
    spec = published_spec(template)
    places = {field.field_id: field.position for field in spec.fields} if spec else {}
    rules = sorted(spec.rules, key=lambda rule: (places.get(rule.field_id, 0), rule.position)) if spec else []
    return list(dict.fromkeys(rule.section_code for rule in rules if rule.section_code))


def headings_of(template: Template) -> dict[str, list[str]]:
    """By section code, the headings at which the mapping in force divides it, "" first where its rest has a field."""
    spec = published_spec(template)
    found: dict[str, list[str]] = {}
    for rule in spec.rules if spec else ():
        if rule.kind == RuleKind.SPLIT:
            found.setdefault(rule.section_code, []).append(rule.heading)
    return {code: sorted(dict.fromkeys(headings), key=bool) for code, headings in found.items()}


def in_its_field(delivery: Delivery) -> bool:
    """Proven: every section was read back where it belongs. Where nothing can be read, accepted is all there is."""
    if delivery.location.reading_connection_id is None:
        return delivery.state == State.ACCEPTED
    return delivery.state == State.VERIFIED and delivery.proof in ("field", "section")


def unproven(found: list[Delivery]) -> list[str]:
    """What is wrong with each that is not proven; a note that made no delivery proves nothing either."""
    return [wrong_with(row) for row in found if not in_its_field(row)] if found else [NO_DELIVERY]


def wrong_with(delivery: Delivery) -> str:
    """Why a delivery proves nothing, in codes: its state, its reason, and the sections that are not as sent."""
    places = [
        f"{row['code'] or row['title'] or 'a field'} {row['outcome']}"
        for row in delivery.section_outcomes
        if row["outcome"] != "verified"
    ]
    words = receivers_words(delivery) if delivery.state == State.REJECTED else ""
    reason = f" ({delivery.reason_code})" if delivery.reason_code else ""
    reason += f", eCW says: {words}" if words else ""
    proof = f", proof {delivery.proof or 'none'}" if delivery.state in (State.VERIFIED, State.ACCEPTED) else ""
    return f"{delivery.part} {delivery.state}{reason}{proof}" + (f": {', '.join(places[:6])}" if places else "")


def receivers_words(delivery: Delivery) -> str:
    """What the receiver said to the last try, where its answer is HL7: the note is synthetic, and so is this."""
    attempt = Attempt.objects.filter(delivery=delivery).order_by("-number").first()
    lines = contents.answer(attempt) if attempt else ()
    fields = next((line.split("|") for line in lines if line.startswith("MSA|")), [])
    return fields[3][:120] if len(fields) > 3 else ""


Run = Callable[[Desk, Account], Verdict]


@dataclass(frozen=True)
class Test:
    """One test of the suite: a name that stays, a title for people, what it does, and whether it has to read charts."""

    __test__ = False  # not one of pytest's

    name: str
    title: str
    run: Run
    reads: bool = False
