"""The drugs that notes wait for: each unknown code once, with how many notes wait; and deciding on one.

Found by opening the notes that wait (codes are their content, so none is kept beside them). A decision is a row of the
crosswalk: it releases every waiting delivery whose drugs are then all known, and every later note passes by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from audit.record import record
from audit.when_called import when_called
from delivery import actions
from delivery.affected import by_problems
from delivery.contents import body
from delivery.entries import Medication, entries_of
from delivery.medication_checks import DECIDABLE, looked_up, medication_problems
from delivery.models import Delivery
from delivery.states import State
from mapping.codes import drugs
from mapping.codes.crosswalk import Found
from mapping.codes.drug_files import DrugRow
from mapping.codes.drug_imports import keep
from mapping.codes.drugs import DrugCode
from mapping.models import CrosswalkDrug
from portal.models import Part, Practice, User

MOST = 5000  # waiting deliveries that are opened for one page
if TYPE_CHECKING:
    from delivery.near_names import near
else:
    near = when_called("delivery.near_names.near")

MOST_CANDIDATES = 8


class DecidedMeanwhile(Exception):
    """Somebody else has decided on this code, or no note waits for it any more."""


@dataclass(frozen=True)
class Place:
    """Where one unknown drug stands: a held delivery, and the place in its note's list."""

    delivery: Delivery
    index: int
    medication: Medication


@dataclass
class UnknownDrug:
    """One code nobody has decided on, and every place where it stands."""

    found: Found
    places: list[Place] = field(default_factory=list)

    @property
    def first(self) -> Place:
        return self.places[0]

    @property
    def since(self) -> datetime:
        return self.first.delivery.created_at

    @property
    def deliveries(self) -> list[Delivery]:
        return list({place.delivery.pk: place.delivery for place in self.places}.values())

    @property
    def notes(self) -> int:
        return len({delivery.note_id for delivery in self.deliveries})

    @property
    def locations(self) -> list[str]:
        return sorted({delivery.location.name for delivery in self.deliveries})

    @property
    def readings(self) -> list[str]:
        """The ways to read an ambiguous NDC, as people write them."""
        code = self.found.code
        return [drugs.spelt(each) for each in code.readings] if code.kind == drugs.AMBIGUOUS else []


@dataclass(frozen=True)
class Candidate:
    """A drug of the crosswalk that may be the same, and why it is shown. None is ever chosen by itself."""

    row: CrosswalkDrug
    why: str


@dataclass(frozen=True)
class Effect:
    """What a decision does: deliveries that go, and those that wait for another drug too."""

    going: tuple[int, ...]
    staying: tuple[int, ...]


def medications_of(delivery: Delivery) -> tuple[Medication, ...]:
    return entries_of(body(delivery.note_version)).medications


def held(practice: Practice) -> list[Delivery]:
    """The deliveries that wait for a decision on a drug, oldest first."""
    rows = Delivery.objects.filter(
        practice=practice, part=Part.MEDICATIONS, state=State.HELD, reason_code__in=DECIDABLE
    )
    return list(rows.select_related("note_version", "location").order_by("created_at", "pk")[:MOST])


def queue(practice: Practice) -> list[UnknownDrug]:
    """Every unknown code of the practice's waiting notes, the most waited for first."""
    found: dict[str, UnknownDrug] = {}
    opened = [(delivery, medications_of(delivery)) for delivery in held(practice)]
    flat = [(delivery, index, one) for delivery, listed in opened for index, one in enumerate(listed)]
    for (delivery, index, one), known in zip(flat, looked_up([one for *_, one in flat], practice.pk), strict=True):
        if known.drug is None and known.key:
            found.setdefault(known.key, UnknownDrug(known)).places.append(Place(delivery, index, one))
    return sorted(found.values(), key=lambda one: (-one.notes, one.since))


def unknown_at(practice: Practice, delivery_pk: int, index: int) -> UnknownDrug | None:
    """The unknown drug that stands at this place of a waiting note, with all its other places."""
    at = (delivery_pk, index)
    return next(
        (one for one in queue(practice) if at in {(place.delivery.pk, place.index) for place in one.places}), None
    )


def candidates(practice: Practice, unknown: UnknownDrug) -> list[Candidate]:
    """Drugs of the crosswalk that may be the same: by RxNorm code, by the NDC's product, by name."""
    code = unknown.found.code
    rows = list(CrosswalkDrug.objects.filter(practice=practice))
    found: dict[str, Candidate] = {}
    for row in rows:
        if code.rxcui and row.rxcui == code.rxcui:
            found.setdefault(row.ecw_id, Candidate(row, "the same RxNorm code"))
        elif row.ndc11 and any(row.ndc11[:9] == reading[:9] for reading in code.readings):
            found.setdefault(row.ecw_id, Candidate(row, "the same product in another package"))
    names = {row.pk: row.name for row in rows}
    by_pk = {row.pk: row for row in rows}
    for pk in near(unknown.first.medication.text, names, MOST_CANDIDATES):
        found.setdefault(by_pk[pk].ecw_id, Candidate(by_pk[pk], "a similar name"))
    return list(found.values())[:MOST_CANDIDATES]


def effect(unknown: UnknownDrug, practice: Practice) -> Effect:
    """Which deliveries a decision would release: those that wait for nothing but this code."""
    going: list[int] = []
    staying: list[int] = []
    for delivery in unknown.deliveries:
        found = looked_up(medications_of(delivery), practice.pk)
        others = any(one.drug is None and not _settled(one, unknown.found) for one in found)
        (staying if others else going).append(delivery.pk)
    return Effect(tuple(going), tuple(staying))


def _settled(one: Found, decided: Found) -> bool:
    """Whether a decision on `decided` settles this too: the same key, and no RxNorm code of another drug beside it."""
    rxcui = kept_rxcui(decided.code)
    disagree = one.code.ndc and one.code.rxcui and rxcui and one.code.rxcui != rxcui
    return one.key == decided.key and not disagree


def kept_rxcui(code: DrugCode) -> str:
    """The RxNorm code that a decision keeps: none that is not written as one."""
    return code.rxcui if drugs.RXCUI.fullmatch(code.rxcui) else ""


@transaction.atomic
def decide(practice: Practice, unknown: UnknownDrug, chosen: DrugRow, user: User) -> tuple[int, int]:
    """Keep the decision and release what waited for it; how many went, and how many wait for another drug too.

    Raises DecidedMeanwhile.
    """
    Practice.objects.select_for_update(no_key=True).get(pk=practice.pk)
    if CrosswalkDrug.objects.filter(practice=practice, key=unknown.found.key).exists():
        raise DecidedMeanwhile
    row = keep(practice, chosen, user, "the workbench")
    seen = effect(unknown, practice)
    gone = actions.release(seen.going, "A person decided which drug of eCW the code is.") if seen.going else []
    name_what_is_left(seen.staying, practice)
    record(
        "crosswalk.decide",
        practice=practice.code,
        object_type="crosswalk",
        object_id=str(row.pk),
        detail={"released": len(gone), "asked": len(seen.going), "waiting": len(seen.staying)},
    )
    return len(gone), len(seen.staying)


def name_what_is_left(ids: Sequence[int], practice: Practice) -> None:
    """Those that go on waiting name the places that are still unknown, and the reason that is left."""
    for delivery in Delivery.objects.filter(pk__in=ids, state=State.HELD).select_related("note_version"):
        problems = medication_problems(medications_of(delivery), practice.pk)
        Delivery.objects.filter(pk=delivery.pk, state=State.HELD).update(
            reason_code=problems[0].code, **by_problems([vars(one) for one in problems])
        )


def row_for(unknown: UnknownDrug, drug: CrosswalkDrug | None, said: dict[str, str], reading: str) -> DrugRow:
    """The crosswalk's row of a decision: this code, with eCW's drug as another row has it or as a person wrote it."""
    code = unknown.found.code
    columns = ("name", "ecw_id", "strength", "formulation")
    values = {name: getattr(drug, name) if drug else said[name] for name in columns}
    return DrugRow(
        key=unknown.found.key,
        ndc=code.ndc,
        ndc11=reading.replace("-", "") or code.ndc11,
        rxcui=kept_rxcui(code),
        **values,
    )
