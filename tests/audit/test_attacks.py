"""Each way of attacking a sealed log is noticed, and the finding names the leaf that was touched first."""

import pytest
from django.db import connection, transaction

from audit.event import AuditEvent
from audit.models import ConfigurationEntry
from audit.sealed import Checkpoint, Leaf, Tree
from audit.tampering import PRACTICE, Attack, Attacker, Undo, _disarm, build
from audit.whole import verify
from tests.audit.log import seal_now

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = ["edit", "delete", "reorder", "back_date", "truncate", "roll_back", "edit_entry"]


@pytest.fixture(scope="module")
def small():
    """Two passes of six events are enough to attack, and seal quickly."""
    patch = pytest.MonkeyPatch()
    patch.setattr("audit.tampering.PASSES", 3)
    patch.setattr("audit.tampering.PER_PASS", 6)
    yield
    patch.undo()


@pytest.fixture
def built(small):
    build()
    seal_now()
    assert verify().findings == ()


def counts() -> tuple[int, int, int, int]:
    return (
        AuditEvent.objects.count(),
        Leaf.objects.count(),
        Checkpoint.objects.count(),
        ConfigurationEntry.objects.count(),
    )


def test_the_log_to_attack_has_several_checkpoints_and_entries(built):
    tree = Tree.objects.get(practice=PRACTICE)
    assert tree.size == 18
    assert ConfigurationEntry.objects.count() == 3
    assert tree.checkpoints.count() >= 3


def test_L01_every_kind_of_attack_is_noticed_and_located(built):
    for name in KINDS:
        for seed in range(4):
            attacker = Attacker(seed)
            attack, detected, located = attacker.one(getattr(attacker, name))
            assert (name, seed, attack.kind, detected, located) == (name, seed, attack.kind, True, True)


def test_an_attack_leaves_nothing_behind(built):
    before = counts()
    attacker = Attacker(1)
    for make in attacker.kinds:
        attacker.one(make)
    assert counts() == before
    assert verify().findings == ()


def test_where_nothing_is_done_nothing_is_found(built):
    attacker = Attacker(1)
    assert attacker.one(lambda: Attack("nothing", None)) == (Attack("nothing", None), False, False)


def test_L04_rows_that_are_not_sealed_yet_are_not_protected_and_this_is_said(built):
    assert Attacker(1).exposed(2) == {"attacks": 2, "detected": 0}


def test_the_counts_are_by_kind_and_in_all(built):
    told = Attacker(3).run(7)
    assert (told["attacks"], told["detected"], told["located"]) == (7, 7, 7)
    assert sum(kind["attacks"] for kind in told["kinds"].values()) == 7


def test_the_same_seed_makes_the_same_attacks(built):
    def made() -> list[tuple[str, int | None]]:
        attacker = Attacker(11)
        attacks = [attacker.one(make)[0] for make in attacker.kinds]
        return [(attack.kind, attack.first) for attack in attacks]

    assert made() == made()


def test_a_change_in_each_column_alone_is_located(built):
    """Whatever column an attacker picks: none is left out of what is hashed."""
    leaf = Leaf.objects.filter(tree__practice=PRACTICE).order_by("seq")[4]
    columns = (
        "actor_id",
        "actor_name",
        "outcome",
        "reason",
        "location",
        "practice",
        "source_ip",
        "recipient",
        "row_mac",
    )
    for column in columns:
        with pytest.raises(Undo), transaction.atomic():
            _disarm()
            with connection.cursor() as cursor:
                key = leaf.pk if connection.vendor == "postgresql" else leaf.pk.hex
                cursor.execute(f"UPDATE audit_auditevent SET {column} = 'x' WHERE id = %s", [key])
            assert [(one.seq, column) for one in verify().findings] == [(4, column)]
            raise Undo
