"""Attack a sealed log as somebody would who owns its database, and see what the verification says each time.

Each attack is made in a transaction that is taken back afterwards. `first` is the leaf it really touched first: an
attack is located when the finding names exactly that one. Attackers: `naive` changes rows; `keyed` has the
application's key and makes check values anew; `thorough` rewrites leaves as well. None has the sealer's key.
"""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils import timezone

from audit.anchors import anchor_all
from audit.canonical import canonical, mac_of
from audit.event import AuditEvent
from audit.insert_only import sqlite_triggers
from audit.merkle import leaf_hash
from audit.models import ConfigurationEntry
from audit.record import Entry, record, record_many
from audit.sealed import Leaf, Tree
from audit.sealing import seal_all, seal_of
from audit.whole import Finding, verify

PRACTICE = "tamper"
GUARDED = ("audit_auditevent", "audit_configurationentry", "audit_leaf", "audit_checkpoint", "audit_anchorreceipt")
COLUMNS = ("actor_id", "actor_name", "event", "outcome", "reason", "location", "subject_bidx", "object_id", "recipient")
PASSES = 6
PER_PASS = 20


@dataclass(frozen=True)
class Attack:
    """What was done, and the first leaf it touched (None where no leaf existed yet)."""

    kind: str
    first: int | None


class Undo(Exception):
    """Takes the transaction of an attack back."""


def build() -> None:
    """A log of some hundred events under several checkpoints, configuration entries among them, all anchored."""
    for turn in range(PASSES):
        with transaction.atomic():
            record_many([_entry(turn, at) for at in range(PER_PASS - 1)])
            _configuration(turn)
        while AuditEvent.objects.count() > Leaf.objects.count():
            seal_all()
    anchor_all()


def _entry(turn: int, at: int) -> Entry:
    subject = f"{at % 5:032x}"
    return Entry("note.view", practice=PRACTICE, subject_bidx=subject, detail={"delivery_id": turn * PER_PASS + at})


def _configuration(turn: int) -> None:
    entry = ConfigurationEntry.objects.create(
        content_type=ContentType.objects.get_for_model(Tree), object_pk=str(turn), object_repr="a setting", action=1
    )
    detail = {"model": "audit.tree", "deed": "update", "entry": entry.pk, "entry_sha256": entry.digest()}
    record("config.change", practice=PRACTICE, object_type="tree", object_id=str(turn), detail=detail)


class Attacker:
    """Makes one attack after the other, each on the log as it was built."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.kinds: tuple[Callable[[], Attack], ...] = (
            self.edit, self.delete, self.reorder, self.back_date, self.truncate, self.roll_back, self.edit_entry,
        )  # fmt: skip

    def run(self, attacks: int) -> dict[str, Any]:
        """The counts, in all and by kind, and what was not located."""
        told: dict[str, Any] = {"attacks": attacks, "detected": 0, "located": 0, "kinds": {}}
        for number in range(attacks):
            attack, detected, located = self.one(self.kinds[number % len(self.kinds)])
            kind = told["kinds"].setdefault(attack.kind, {"attacks": 0, "detected": 0, "located": 0})
            for name, value in (("attacks", True), ("detected", detected), ("located", located)):
                kind[name] += value
                told[name] += value if name != "attacks" else 0
        return told

    def one(self, make: Callable[[], Attack]) -> tuple[Attack, bool, bool]:
        """One attack: what it was, whether it was detected, and whether its first leaf was named."""
        attack, found = Attack("", None), tuple[Finding, ...]()
        try:
            with transaction.atomic():
                _disarm()
                attack = make()
                found = verify().findings
                raise Undo
        except Undo:
            pass
        return attack, bool(found), any(finding.seq == attack.first for finding in found)

    def exposed(self, attacks: int) -> dict[str, int]:
        """The same on rows that are not sealed yet: removing these is not noticed, and it is said."""
        found = [self.one(self.remove_unsealed)[1] for _ in range(attacks)]
        return {"attacks": len(found), "detected": sum(found)}

    def leaf(self) -> Leaf:
        return self.chance.choice(list(Leaf.objects.filter(tree__practice=PRACTICE).order_by("seq")))

    def edit(self) -> Attack:
        leaf, column = self.leaf(), self.chance.choice(COLUMNS)
        _set("audit_auditevent", leaf.pk, **{column: f"{self.chance.randrange(10**9)}"})
        thoroughness = self.chance.choice(("naive", "keyed", "thorough"))
        if thoroughness != "naive":
            event = AuditEvent.objects.get(pk=leaf.pk)
            _set("audit_auditevent", leaf.pk, row_mac=mac_of(canonical(event)))
            if thoroughness == "thorough":
                _set("audit_leaf", leaf.pk, hash=leaf_hash(canonical(event)), subject=event.subject_bidx)
        return Attack(f"edit, {thoroughness}", leaf.seq)

    def delete(self) -> Attack:
        leaf, both = self.leaf(), self.chance.random() < 0.5
        _delete("audit_auditevent", leaf.pk)
        if both:
            _delete("audit_leaf", leaf.pk)
        return Attack("delete with its leaf" if both else "delete", leaf.seq)

    def reorder(self) -> Attack:
        one, other = sorted(self.chance.sample(list(Leaf.objects.filter(tree__practice=PRACTICE)), 2), key=_seq)
        for leaf, seq in ((one, 10**9), (other, one.seq), (one, other.seq)):
            _set("audit_leaf", leaf.pk, seq=seq)
        return Attack("reorder", one.seq)

    def back_date(self) -> Attack:
        """A forged event, with a right check value, put in at the end and sealed by the unsuspecting sealer's rules."""
        before = Tree.objects.get(practice=PRACTICE).size
        with transaction.atomic():
            key = record("note.view", practice=PRACTICE, detail={"delivery_id": 1})
        when = timezone.now() - timedelta(hours=2, seconds=self.chance.randrange(10**6))
        _set("audit_auditevent", key, at=connection.ops.adapt_datetimefield_value(when))
        _set("audit_auditevent", key, row_mac=mac_of(canonical(AuditEvent.objects.get(pk=key))))
        if self.chance.random() < 0.5:
            _end_after_all(key, before)
            return Attack("back-date, sealed", before)
        place = self.leaf().seq
        for leaf in Leaf.objects.filter(tree__practice=PRACTICE, seq__gte=place).order_by("-seq"):
            _set("audit_leaf", leaf.pk, seq=leaf.seq + 1)
        _insert_leaf(key, place)
        return Attack("back-date, put between", place)

    def truncate(self) -> Attack:
        cut = self.leaf().seq
        hidden = self.chance.random() < 0.5
        _cut(cut, checkpoints=hidden)
        return Attack("truncate with checkpoints" if hidden else "truncate", cut)

    def roll_back(self) -> Attack:
        """The state of the database as an earlier pass had left it."""
        cut = PER_PASS * self.chance.randrange(PASSES)
        _cut(cut, checkpoints=True)
        return Attack("roll back", cut)

    def edit_entry(self) -> Attack:
        entry = self.chance.choice(list(ConfigurationEntry.objects.filter(object_repr="a setting")))
        event = AuditEvent.objects.get(event="config.change", practice=PRACTICE, detail__entry=entry.pk)
        if self.chance.random() < 0.5:
            _set("audit_configurationentry", entry.pk, object_repr="another")
        else:
            _delete("audit_configurationentry", entry.pk)
        return Attack("configuration entry", Leaf.objects.get(pk=event.pk).seq)

    def remove_unsealed(self) -> Attack:
        with transaction.atomic():
            keys = record_many([_entry(99, at) for at in range(3)])
        _delete("audit_auditevent", self.chance.choice(keys))
        return Attack("remove an unsealed event", None)


def _seq(leaf: Leaf) -> int:
    return leaf.seq


def _disarm() -> None:
    """As the owner can: take the triggers away."""
    with connection.cursor() as cursor:
        for table in GUARDED:
            if connection.vendor == "postgresql":
                cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER ALL')
            else:
                for name in sqlite_triggers(table):
                    cursor.execute(f'DROP TRIGGER "{name}"')


def _key(key: uuid.UUID | int) -> str | uuid.UUID | int:
    return key.hex if isinstance(key, uuid.UUID) and connection.vendor != "postgresql" else key


def _set(table: str, key: uuid.UUID | int, **columns: Any) -> None:
    names = ", ".join(f"{name} = %s" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{table}" SET {names} WHERE id = %s', [*columns.values(), _key(key)])  # noqa: S608


def _delete(table: str, key: uuid.UUID | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{table}" WHERE id = %s', [_key(key)])  # noqa: S608 (our own names)


def _insert_leaf(key: uuid.UUID, seq: int) -> None:
    tree = Tree.objects.get(practice=PRACTICE)
    hashed = leaf_hash(canonical(AuditEvent.objects.get(pk=key)))
    Leaf.objects.create(id=key, tree=tree, seq=seq, hash=hashed, seal=random.randbytes(16))


def _end_after_all(key: uuid.UUID, seq: int) -> None:
    """What the sealer itself does with an event that somebody with the application's rights has inserted."""
    tree = Tree.objects.get(practice=PRACTICE)
    hashed = leaf_hash(canonical(AuditEvent.objects.get(pk=key)))
    Leaf.objects.create(id=key, tree=tree, seq=seq, hash=hashed, seal=seal_of(tree, seq, hashed))


def _cut(cut: int, checkpoints: bool) -> None:
    tree = "JOIN audit_tree t ON t.id = tree_id WHERE t.practice = %s"
    leaves = f"SELECT l.id FROM audit_leaf l {tree} AND seq >= %s"  # noqa: S608 (our own words)
    stated = f"SELECT c.id FROM audit_checkpoint c {tree} AND c.size > %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM audit_auditevent WHERE id IN ({leaves})", [PRACTICE, cut])  # noqa: S608
        cursor.execute(f"DELETE FROM audit_leaf WHERE id IN ({leaves})", [PRACTICE, cut])  # noqa: S608
        if checkpoints:
            receipts = f"DELETE FROM audit_anchorreceipt WHERE checkpoint_id IN ({stated})"  # noqa: S608
            cursor.execute(receipts, [PRACTICE, cut])
            cursor.execute(f"DELETE FROM audit_checkpoint WHERE id IN ({stated})", [PRACTICE, cut])  # noqa: S608
