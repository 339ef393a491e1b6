"""Which faults are switched on, and the seeded draw that decides whom they strike."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.caller import at_hand
from sandbox.fault_kinds import KINDS, FaultKind, Stage

FILTERS = ("kind", "probability", "facility", "connection", "count")


class BadFault(ValueError):
    """A fault as posted makes no sense; the text says why."""


@dataclass
class Fault:
    """A fault switched on. `facility` and `connection` "" strike all of them, `count` None without end."""

    kind: FaultKind
    probability: float
    facility: str
    count: int | None
    settings: dict[str, Any]
    connection: str = ""  # a sending application (MSH-3), a client id, or the Open API's token
    draw: random.Random = field(default_factory=random.Random)
    fired: int = 0

    def strikes(self, facility: str) -> bool:
        """Draws once for a message or a read at this facility."""
        if self.connection not in ("", at_hand.get()):
            return False
        if self.facility not in ("", facility) or (self.count is not None and self.fired >= self.count):
            return False
        if self.draw.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.name,
            "probability": self.probability,
            "facility": self.facility or None,
            "connection": self.connection or None,
            "count": self.count,
            **self.settings,
            "fired": self.fired,
        }


class Switchboard:
    """The faults that are on. Each draws from a generator of its own, so that adding one does not change the others."""

    def __init__(self) -> None:
        self.seed = 0
        self.faults: list[Fault] = []

    def set(self, faults: list[Fault], seed: int) -> None:
        self.seed = seed
        self.faults = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        same = sum(each.kind is fault.kind for each in self.faults)
        fault.draw.seed(f"{self.seed} {fault.kind.name} {same}")
        self.faults.append(fault)

    def struck(self, stage: Stage, facility: str) -> list[Fault]:
        """The faults drawn for one message or read, in the order they were switched on."""
        return [fault for fault in self.faults if fault.kind.stage is stage and fault.strikes(facility)]

    def answer_fault(self, facility: str) -> Fault | None:
        """The first fault of the answer stage that strikes; those after it are not drawn."""
        return self.first(Stage.ANSWER, facility)

    def first(self, stage: Stage, facility: str, name: str = "") -> Fault | None:
        """The first fault of a stage (and of a name, where one is given) that strikes; others are not drawn."""
        asked = (fault for fault in self.faults if fault.kind.stage is stage and name in ("", fault.kind.name))
        return next((fault for fault in asked if fault.strikes(facility)), None)

    def as_json(self) -> dict[str, Any]:
        return {"seed": self.seed, "faults": [fault.as_json() for fault in self.faults]}


def fault_from_json(body: Any) -> Fault:
    """A fault from {"kind", "probability", "facility", "count", … its own settings}. Raises BadFault."""
    kind = KINDS.get(str(body.get("kind"))) if isinstance(body, Mapping) else None
    if kind is None:
        raise BadFault('A fault is an object whose "kind" is one of ' + ", ".join(KINDS) + ".")
    names = [parameter.name for parameter in kind.parameters]
    if unknown := set(body) - {*FILTERS, *names, "fired"}:
        raise BadFault(f"{kind.name} has no setting {', '.join(sorted(unknown))}.")
    return Fault(
        kind,
        probability=read_probability(body),
        facility=str(body.get("facility") or ""),
        count=read_count(body),
        settings=read_settings(kind, body),
        connection=str(body.get("connection") or ""),
    )


def read_probability(body: Mapping[str, Any]) -> float:
    probability = body.get("probability", 1.0)
    if not is_number(probability) or not 0 <= probability <= 1:
        raise BadFault("The probability is a number from 0 to 1.")
    return float(probability)


def read_count(body: Mapping[str, Any]) -> int | None:
    count = body.get("count")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise BadFault("The count is a whole number from 1, or null.")
    return count


def read_settings(kind: FaultKind, body: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a kind of fault, each of the type of its default."""
    settings: dict[str, Any] = {}
    for parameter in kind.parameters:
        value = body.get(parameter.name, parameter.default)
        if isinstance(parameter.default, str):
            right = isinstance(value, str) and (not parameter.choices or value in parameter.choices)
        else:
            right = is_number(value) and value >= 0 and (isinstance(parameter.default, float) or value == int(value))
        if not right:
            raise BadFault(f"{kind.name}: {parameter.name} cannot be that.")
        settings[parameter.name] = type(parameter.default)(value)
    return settings


def is_number(value: Any) -> bool:
    """Whether this is a finite number (JSON as Python reads it also knows NaN and Infinity)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e9
