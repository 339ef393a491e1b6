"""The sealer's rounds: what it does in which order, how often it anchors, and what it outlives."""

import logging
from datetime import date

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError

from audit.event import AuditEvent
from audit.management.commands import seal_audit
from audit.management.commands.seal_audit import ANCHOR_SECONDS, NIGHT, Rounds
from audit.sealed import SealerState, Tree
from audit.sealing import head_leaf, seal_of, without_leaf
from audit.whole import Report

pytestmark = pytest.mark.django_db
LOGGER = "audit.management.commands.seal_audit"


class Clock:
    """Stands in for the time module of the sealer."""

    now = 5000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def done(monkeypatch):
    """What a round does, in its order; each step can be made to fail by putting an error here."""

    class Done(list):
        missing: list = []
        error: Exception | None = None
        failures: list = []

    done = Done()

    def seal_all() -> int:
        if done.error:
            raise done.error
        done.append("seal")
        return 1

    monkeypatch.setattr(seal_audit, "missing_from_database", lambda: done.missing)
    monkeypatch.setattr(seal_audit, "seal_all", seal_all)
    monkeypatch.setattr(seal_audit, "anchor_all", lambda: done.append("anchor") or done.failures)
    monkeypatch.setattr(seal_audit, "nightly", lambda day=0: done.append("verify") or Report(0, 0, ()))
    monkeypatch.setattr(Rounds, "verify_at_night", lambda rounds, today, hour: done.append("night?"))
    monkeypatch.setattr(seal_audit, "close_old_connections", lambda: None)
    return done


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(seal_audit, "time", made)
    return made


class TestARound:
    def test_seals_then_anchors_then_asks_for_the_night(self, done, clock):
        Rounds().round()
        assert done == ["seal", "anchor", "night?"]

    def test_anchors_once_a_minute(self, done, clock):
        rounds = Rounds()
        for _ in range(3):
            rounds.round()
            clock.now += ANCHOR_SECONDS / 3
        assert done.count("anchor") == 1
        rounds.round()
        assert done.count("anchor") == 2
        assert done.count("seal") == 4

    def test_of_a_new_process_anchors_at_once(self, done, clock):
        Rounds().round()
        Rounds().round()
        assert done.count("anchor") == 2

    def test_that_could_not_anchor_says_where_and_goes_on(self, done, clock, caplog):
        done.failures = ["file:audit.jsonl: OSError"]
        with caplog.at_level(logging.WARNING, logger=LOGGER):
            Rounds().round()
        assert caplog.messages == ["a checkpoint could not be anchored: file:audit.jsonl: OSError"]
        assert done[-1] == "night?"

    def test_on_a_database_older_than_its_anchor_does_nothing(self, done, clock):
        done.missing = ["lakeside/202605"]
        Rounds().round()
        assert done == []

    def test_on_an_older_database_complains_once_and_again_after_it_was_well(self, done, clock, caplog):
        rounds = Rounds()
        with caplog.at_level(logging.ERROR, logger=LOGGER):
            for missing in (["x"], ["x"], [], ["x"]):
                done.missing = missing
                rounds.round()
        words = "the audit log in the database is older than its anchor: nothing is sealed"
        assert caplog.messages == [words, words]


class TestTrouble:
    @pytest.mark.parametrize("error", [OperationalError("down"), DatabaseError("no"), InterfaceError("closed")])
    def test_of_the_database_is_outlived_and_not_recorded(self, done, clock, caplog, error):
        done.error = error
        with caplog.at_level(logging.WARNING, logger=LOGGER):
            Rounds().guarded()
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert AuditEvent.objects.filter(event="audit.seal.fail").count() == 0

    def test_of_another_kind_is_outlived_and_recorded_by_its_kind(self, done, clock):
        done.error = ValueError("a patient's name would stand here")
        Rounds().guarded()
        event = AuditEvent.objects.get(event="audit.seal.fail")
        assert (event.outcome, event.detail) == ("error", {"step": "ValueError"})

    def test_that_lasts_is_recorded_once_and_not_every_five_seconds(self, done, clock):
        """Each record is itself to be sealed: a failing sealer must not fill the log it cannot seal."""
        rounds = Rounds()
        done.error = ValueError("x")
        for _ in range(10):
            rounds.guarded()
        assert AuditEvent.objects.filter(event="audit.seal.fail").count() == 1

    def test_of_a_second_kind_is_recorded_too(self, done, clock):
        rounds = Rounds()
        for error in (ValueError("x"), KeyError("y"), KeyError("z")):
            done.error = error
            rounds.guarded()
        steps = [event.detail["step"] for event in AuditEvent.objects.filter(event="audit.seal.fail").order_by("at")]
        assert steps == ["ValueError", "KeyError"]

    def test_that_comes_back_after_a_good_round_is_recorded_again(self, done, clock):
        rounds = Rounds()
        for error in (ValueError("x"), None, ValueError("x")):
            done.error = error
            rounds.guarded()
        assert AuditEvent.objects.filter(event="audit.seal.fail").count() == 2

    def test_that_cannot_even_be_recorded_is_outlived(self, done, clock, monkeypatch):
        def refuse(*args, **columns):
            raise OperationalError("the database went away meanwhile")

        monkeypatch.setattr(seal_audit, "record", refuse)
        done.error = ValueError("x")
        rounds = Rounds()
        rounds.guarded()
        done.error = None
        rounds.guarded()
        assert done == ["seal", "anchor", "night?"]

    def test_says_nothing_of_what_it_carried(self, done, clock, caplog):
        done.error = ValueError("Lena Okafor")
        with caplog.at_level(logging.DEBUG, logger=LOGGER):
            Rounds().guarded()
        assert "Okafor" not in " ".join(caplog.messages)


class TestTheNight:
    @pytest.fixture
    def verified(self, monkeypatch):
        days: list[int] = []
        monkeypatch.setattr(seal_audit, "nightly", lambda day=0: days.append(day) or Report(0, 0, ()))
        SealerState.objects.get_or_create(pk=1)
        return days

    def test_begins_at_two_and_not_before(self, verified):
        for hour in range(NIGHT):
            Rounds().verify_at_night(date(2026, 5, 1), hour)
        assert verified == []
        Rounds().verify_at_night(date(2026, 5, 1), NIGHT)
        assert verified == [date(2026, 5, 1).toordinal()]

    def test_comes_once_for_two_sealers(self, verified):
        Rounds().verify_at_night(date(2026, 5, 1), 3)
        Rounds().verify_at_night(date(2026, 5, 1), 4)
        assert len(verified) == 1

    def test_comes_late_where_the_sealer_was_away(self, verified):
        Rounds().verify_at_night(date(2026, 5, 1), 23)
        assert len(verified) == 1

    def test_comes_every_day(self, verified):
        for day in (1, 2, 3):
            Rounds().verify_at_night(date(2026, 5, day), 2)
        assert verified == [date(2026, 5, day).toordinal() for day in (1, 2, 3)]


class TestNames:
    def test_of_a_tree_are_installation_practice_and_month(self, settings):
        settings.AUDIT_ORIGIN = "portal.example/audit"
        assert Tree(practice="lakeside", month="202605").origin == "portal.example/audit/lakeside/202605"

    def test_of_a_tree_of_no_practice_have_a_dash(self):
        assert Tree(practice="", month="202605").origin == "scribeport/audit/-/202605"

    def test_of_a_tree_beside_a_lost_one_have_its_number(self):
        assert Tree(practice="lakeside", month="202605", part=2).origin == "scribeport/audit/lakeside/202605.2"

    def test_of_an_entry_of_the_head_map_are_index_and_number(self):
        assert head_leaf("1" * 32, 12) == b"1" * 32 + b" 12"

    def test_of_a_leaf_are_sealed_for_tree_and_place(self):
        tree, other = Tree(practice="lakeside", month="202605"), Tree(practice="lakeside", month="202606")
        made = {seal_of(tree, 0, b"h"), seal_of(tree, 1, b"h"), seal_of(other, 0, b"h"), seal_of(tree, 0, b"g")}
        assert len(made) == 4
        assert {len(one) for one in made} == {16}
        assert seal_of(tree, 0, b"h") == seal_of(tree, 0, b"h")

    def test_of_a_leaf_need_the_sealers_key(self, settings):
        tree = Tree(practice="lakeside", month="202605")
        before = seal_of(tree, 0, b"h")
        settings.AUDIT_SIGNING_KEY = "11" * 32
        assert seal_of(tree, 0, b"h") != before


def test_events_without_a_leaf_are_those_that_were_never_sealed():
    assert list(without_leaf()) == list(AuditEvent.objects.all())
