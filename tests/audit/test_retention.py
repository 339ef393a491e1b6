"""How long the log is kept: the floor, the rule, holds, and the two people and the certificate under which a month goes."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from audit import purging, verify_log
from audit.anchors import anchor_all
from audit.checkpoints import opened, read_statement
from audit.event import AuditEvent
from audit.log_file import patient_log, whole_log
from audit.purging import NotDue, SamePerson, approve, ask, purge_due, withdraw
from audit.retained import LegalHold, PurgeCertificate, PurgeRequest, RetentionPolicy
from audit.retention import (
    Held,
    believed,
    due,
    end_of,
    hold,
    holds_hash,
    holds_of,
    lift,
    set_years,
    standing_of,
    years_before,
    years_of,
)
from audit.sealed import AnchorReceipt, Checkpoint, Leaf, Tree
from audit.whole import verify
from tests.audit.past import AVA, DANA, month, seen, today

PATIENT, OTHER = "a" * 32, "b" * 32


def delete(*keys) -> int:
    """As SQL, past the models; how many went."""
    with transaction.atomic(), connection.cursor() as cursor:
        for key in keys:
            cursor.execute(
                "DELETE FROM audit_auditevent WHERE id = %s", [key if connection.vendor == "postgresql" else key.hex]
            )
        return cursor.rowcount


# --- the rule --------------------------------------------------------------------------------------------------------


def test_ten_years_are_the_default_and_each_practice_has_its_own(db):
    assert years_of("lakeside") == 10
    set_years("lakeside", 7, DANA)
    set_years("lakeside", 12, DANA)
    assert (years_of("lakeside"), years_of("harbor")) == (12, 10)
    recorded = AuditEvent.objects.filter(event="audit.retention.set").order_by("at")
    assert [row.detail for row in recorded] == [{"years": 7, "before": 10}, {"years": 12, "before": 7}]


@pytest.mark.parametrize("years", [0, 5, 101])
def test_L10_fewer_than_six_years_are_refused_by_the_database(db, years):
    with pytest.raises(IntegrityError), transaction.atomic():
        set_years("lakeside", years, DANA)
    with pytest.raises(IntegrityError), transaction.atomic():
        RetentionPolicy.objects.create(practice="lakeside", years=years, at=timezone.now(), by=DANA)
    assert not AuditEvent.objects.filter(event="audit.retention.set").exists()


@pytest.mark.parametrize(
    "when, years, before",
    [
        (datetime(2026, 5, 2, tzinfo=UTC), 6, datetime(2020, 5, 2, tzinfo=UTC)),
        (datetime(2024, 2, 29, tzinfo=UTC), 10, datetime(2014, 2, 28, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), 8, datetime(2020, 2, 29, tzinfo=UTC)),
    ],
)
def test_years_are_calendar_years(when, years, before):
    assert years_before(when, years) == before


@pytest.mark.parametrize("name, end", [("202612", (2027, 1, 1)), ("202602", (2026, 3, 1))])
def test_a_month_ends_with_its_last_day(name, end):
    assert end_of(Tree(practice="x", month=name)) == datetime(*end, tzinfo=UTC)


# --- holds -----------------------------------------------------------------------------------------------------------


def test_a_hold_is_recorded_and_so_is_its_lift(db):
    one = hold("lakeside", Held("patient", PATIENT), "Court order 12", DANA)
    assert list(holds_of("lakeside")) == [one]
    assert list(holds_of("harbor")) == []
    lift(one, "Settled", AVA)
    assert list(holds_of("lakeside")) == []
    told = AuditEvent.objects.filter(event__startswith="audit.hold.").order_by("at")
    assert [(row.event, row.reason, row.subject_bidx) for row in told] == [
        ("audit.hold.set", "Court order 12", PATIENT),
        ("audit.hold.lift", "Settled", PATIENT),
    ]


def test_a_hold_is_lifted_once(db):
    one = hold("lakeside", Held("location", "NORTH"), "x", DANA)
    lift(one, "y", DANA)
    with pytest.raises(IntegrityError), transaction.atomic():
        lift(one, "z", AVA)


@pytest.mark.parametrize(
    "what",
    [
        Held("patient"),
        Held("location", ""),
        Held("period"),
        Held("period", "", datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_hold_of_nothing_is_refused_by_the_database(db, what):
    with pytest.raises(IntegrityError), transaction.atomic():
        hold("lakeside", what, "x", DANA)
    assert not LegalHold.objects.exists()


def test_the_holds_hash_changes_with_each_hold_and_comes_back(db):
    assert holds_hash("lakeside") == ""
    hold("lakeside", Held("person", DANA), "x", DANA)
    first = holds_hash("lakeside")
    second_hold = hold("lakeside", Held("location", "NORTH"), "x", DANA)
    assert len({first, holds_hash("lakeside"), ""}) == 3
    lift(second_hold, "y", DANA)
    assert holds_hash("lakeside") == first


# --- the database's own floor ------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestTheDatabase:
    """Every way past the product ends at the trigger."""

    @pytest.fixture
    def old(self, anchor_file):
        tree = month(2015, 3, [*seen(PATIENT, count=2), *seen(OTHER, "SOUTH", count=2)])
        today()
        return tree

    @pytest.fixture
    def young(self, anchor_file):
        return month(timezone.now().year - 5, 3, seen(PATIENT, count=2))

    def certify(self, tree: Tree) -> PurgeCertificate:
        """As somebody could who writes the rows himself."""
        asked = PurgeRequest.objects.create(
            tree=tree, reason="x", asked_by=DANA, approved_by=AVA, asked_at=timezone.now()
        )
        return PurgeCertificate.objects.create(tree=tree, request=asked, note="x", kept=0, at=timezone.now())

    def keys(self, tree: Tree) -> list:
        return list(tree.leaves.order_by("seq").values_list("pk", flat=True))

    def test_old_events_stay_without_a_certificate(self, old):
        with pytest.raises(DatabaseError, match="insert-only"):
            delete(self.keys(old)[0])

    def test_with_one_they_can_go(self, old):
        self.certify(old)
        assert delete(self.keys(old)[0]) == 1

    def test_L10_events_under_six_years_stay_even_with_one(self, young):
        today()
        self.certify(young)
        with pytest.raises(DatabaseError, match="insert-only"):
            delete(self.keys(young)[0])

    def test_a_month_renamed_to_long_ago_is_no_older(self, young):
        today()
        Tree.objects.filter(pk=young.pk).update(month="200101")
        self.certify(young)
        with pytest.raises(DatabaseError, match="insert-only"):
            delete(self.keys(young)[0])

    def test_L10_a_clock_set_forward_makes_nothing_older(self, young):
        """The newest anchored checkpoint may say what it likes: the database's own clock counts as well."""
        self.certify(young)
        anchored = AnchorReceipt.objects.latest("pk").checkpoint
        later = Checkpoint.objects.create(
            tree=young,
            size=anchored.size,
            root=anchored.root,
            at=timezone.now() + timedelta(days=3660),
            elapsed=timezone.now() + timedelta(days=3660),
            note="x",
        )
        AnchorReceipt.objects.create(checkpoint=later, sink="x", at=timezone.now())
        with pytest.raises(DatabaseError, match="insert-only"):
            delete(self.keys(young)[0])

    def test_L10_the_database_s_clock_alone_makes_nothing_older_either(self, anchor_file):
        """The anchored time has not passed: whoever set the server's clock forward gains nothing."""
        tree = month(2015, 3, seen(count=2))
        self.certify(tree)
        with pytest.raises(DatabaseError, match="insert-only"):
            delete(self.keys(tree)[0])

    @pytest.mark.parametrize(
        "what, places",
        [
            (Held("patient", PATIENT), [0, 1]),
            (Held("location", "SOUTH"), [2, 3]),
            (Held("person", "tests"), []),
            (Held("period", "", datetime(2015, 3, 1, tzinfo=UTC), datetime(2015, 4, 1, tzinfo=UTC)), [0, 1, 2, 3]),
            (Held("period", "", datetime(2015, 4, 1, tzinfo=UTC), datetime(2015, 5, 1, tzinfo=UTC)), []),
        ],
        ids=["patient", "location", "not a person", "its period", "another period"],
    )
    def test_L11_what_is_held_stays_even_with_one(self, old, what, places):
        self.certify(old)
        hold("lakeside", what, "Court order", DANA)
        for at, key in enumerate(self.keys(old)):
            if at in places:
                with pytest.raises(DatabaseError, match="insert-only"):
                    delete(key)
            else:
                assert delete(key) == 1

    def test_once_lifted_it_can_go(self, old):
        self.certify(old)
        one = hold("lakeside", Held("patient", PATIENT), "x", DANA)
        lift(one, "y", DANA)
        assert delete(self.keys(old)[0]) == 1

    def test_another_practices_hold_holds_nothing_here(self, old):
        self.certify(old)
        hold("harbor", Held("patient", PATIENT), "x", DANA)
        assert delete(self.keys(old)[0]) == 1

    def test_nothing_else_of_the_month_can_go_or_change(self, old):
        self.certify(old)
        for statement in (
            "DELETE FROM audit_leaf",
            "DELETE FROM audit_checkpoint",
            "DELETE FROM audit_purgecertificate",
            "UPDATE audit_auditevent SET reason = 'x'",
        ):
            with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
                connection.cursor().execute(statement)

    def test_one_person_is_not_two(self, old):
        with pytest.raises(IntegrityError), transaction.atomic():
            PurgeRequest.objects.create(tree=old, reason="x", asked_by=DANA, approved_by=DANA, asked_at=timezone.now())


# --- the way a month goes ------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestAPurge:
    @pytest.fixture(autouse=True)
    def log(self, anchor_file):
        """2015 is over ten years ago, 2018 over six, this month is now."""
        self.old = month(2015, 3, [*seen(PATIENT, count=3), *seen(OTHER, count=4)])
        self.middle = month(2018, 3, seen(PATIENT, count=2))
        self.now = today([*seen(PATIENT), *seen(OTHER)])
        self.anchor = anchor_file

    def asked(self) -> PurgeRequest:
        one = ask(self.old, "Ten years are over", DANA)
        approve(one, AVA)
        return one

    def verdict(self, tmp_path, capsys, lines, *options: str) -> dict:
        path = tmp_path / "log.jsonl"
        path.write_bytes(b"".join(line.content + b"\n" for line in lines))
        verify_log.main([str(path), "--json", "--anchor", str(self.anchor), *options])
        return json.loads(capsys.readouterr().out)

    def test_only_what_the_rule_lets_go_is_due(self):
        assert [tree.month for tree in due("lakeside")] == ["201503"]
        set_years("lakeside", 6, DANA)
        assert [tree.month for tree in due("lakeside")] == ["201503", "201803"]
        set_years("lakeside", 20, DANA)
        assert due("lakeside") == []

    def test_before_anything_is_anchored_nothing_is_due(self, monkeypatch):
        monkeypatch.setattr("audit.retention.believed", lambda: None)
        assert due("lakeside") == []

    def test_the_believed_time_is_the_anchored_one(self):
        assert timezone.now() - believed() < timedelta(minutes=2)

    def test_it_takes_two_people(self):
        one = ask(self.old, "Ten years are over", DANA)
        with pytest.raises(SamePerson):
            approve(one, DANA)
        assert purge_due() == 0
        approve(one, AVA)
        with pytest.raises(NotDue):
            approve(one, "9")
        assert purge_due() == 7

    def test_what_is_not_due_cannot_be_asked_for(self):
        for tree in (self.middle, self.now):
            with pytest.raises(NotDue):
                ask(tree, "x", DANA)

    def test_it_is_asked_for_once_until_it_is_withdrawn(self):
        one = ask(self.old, "x", DANA)
        with pytest.raises(NotDue):
            ask(self.old, "y", AVA)
        withdraw(one)
        with pytest.raises(NotDue):
            withdraw(one)
        with pytest.raises(NotDue):
            approve(one, AVA)
        assert ask(self.old, "z", AVA).asked_by == AVA

    def test_a_longer_rule_made_meanwhile_stops_it(self):
        self.asked()
        set_years("lakeside", 20, DANA)
        assert purge_due() == 0
        assert not PurgeCertificate.objects.exists()

    def test_the_certificate_says_what_left_under_what_and_by_whom(self):
        hold("lakeside", Held("patient", PATIENT), "x", DANA)
        self.asked()
        assert purge_due() == 4
        certificate = PurgeCertificate.objects.get()
        lines = dict(line.split(" ", 1) for line in opened(certificate.note).splitlines()[3:])
        assert lines["purged"] == self.old.origin
        assert lines["approved"] == f"{DANA} {AVA}"
        assert lines["policy"] == "10 years"
        assert lines["kept"] == "3" == str(certificate.kept)
        assert lines["holds"] == holds_hash("lakeside")
        assert lines["first"].startswith("2015-03-15T12:00:00")
        recorded = AuditEvent.objects.get(event="audit.purge")
        assert recorded.detail["size"] == 7
        assert certificate.note in [json.loads(line)["note"] for line in self.anchor.read_text().splitlines()]

    def test_where_it_cannot_be_anchored_nothing_is_deleted(self, settings, tmp_path):
        self.asked()
        (tmp_path / "file").write_text("")
        settings.AUDIT_ANCHORS = [f"file://{tmp_path}/file/impossible"]
        assert purge_due() == 0
        assert PurgeCertificate.objects.exists()
        settings.AUDIT_ANCHORS = [f"file://{self.anchor}"]
        assert purge_due() == 7

    def test_without_any_anchor_nothing_is_deleted(self, settings):
        self.asked()
        settings.AUDIT_ANCHORS = []
        assert purge_due() == 0

    def test_killed_on_its_way_it_goes_on(self, monkeypatch):
        self.asked()
        monkeypatch.setattr(purging, "BATCH", 2)
        deleting, rounds = connection.cursor, []

        def killed_at_the_third(*args, **kwargs):
            rounds.append(1)
            return deleting(*args, **kwargs)

        (certificate,) = [purging.certify(PurgeRequest.objects.get())]
        keys = list(purging.leaving(self.old).values_list("pk", flat=True)[:3])
        delete(*keys)  # what a killed sealer had come to
        monkeypatch.setattr(connection, "cursor", killed_at_the_third)
        assert purge_due() == 4
        assert rounds
        assert PurgeCertificate.objects.get() == certificate

    def test_afterwards_the_log_is_whole(self):
        self.asked()
        purge_due()
        assert [str(one) for one in verify().findings] == []
        assert Leaf.objects.filter(tree=self.old).count() == 7  # so that a root can still be computed

    def test_an_event_gone_from_a_month_that_was_not_purged_is_named(self):
        self.asked()
        purge_due()
        tables = ("audit_auditevent",)
        with transaction.atomic(), connection.cursor() as cursor:
            for table in tables:
                cursor.execute(
                    f"ALTER TABLE {table} DISABLE TRIGGER ALL"
                    if connection.vendor == "postgresql"
                    else "DROP TRIGGER insert_only_audit_auditevent_delete"
                )
            first = self.middle.leaves.order_by("seq").first().pk
            cursor.execute(
                "DELETE FROM audit_auditevent WHERE id = %s",
                [first if connection.vendor == "postgresql" else first.hex],
            )
            (found,) = verify().findings
            transaction.set_rollback(True)
        assert (found.origin, found.seq, found.what) == (self.middle.origin, 0, "the event is gone")

    def test_a_certificate_that_nobody_signed_is_none(self):
        one = self.asked()
        PurgeCertificate.objects.create(tree=self.old, request=one, note="x", kept=0, at=timezone.now())
        assert "certificate" in str(verify().findings[0])

    def test_the_offline_verifier_accepts_the_gap_with_the_certificate_only(self, tmp_path, capsys):
        self.asked()
        purge_due()
        anchor_all()
        lines = list(whole_log("lakeside"))
        said = self.verdict(tmp_path, capsys, lines)
        assert said["whole"], said
        assert said["trees"] == 2
        without = [line for line in lines if not line.content.startswith(b'{"+purged"')]
        assert self.verdict(tmp_path, capsys, without)["wrong"].startswith("the month before is not in the file")

    @pytest.mark.parametrize("before, whole", [(None, True), ("scribeport/audit/lakeside/201412 9 00", False)])
    def test_offline_a_certificate_goes_on_from_the_month_before_it(self, tmp_path, capsys, monkeypatch, before, whole):
        monkeypatch.setattr(purging, "_before", lambda tree: [f"previous {before}"] if before else [])
        self.asked()
        purge_due()
        anchor_all()
        said = self.verdict(tmp_path, capsys, list(whole_log("lakeside")))
        assert said["whole"] is whole
        assert whole or "a month before is missing" in said["wrong"]

    def test_a_forged_certificate_is_named_offline(self, tmp_path, capsys):
        self.asked()
        purge_due()
        forged = [
            type(line)(line.content.replace(b"policy 10 years", b"policy 06 years"), line.event)
            for line in whole_log("lakeside")
        ]
        assert "not signed" in self.verdict(tmp_path, capsys, forged)["wrong"]

    def test_a_patient_whose_events_left_is_proved_for_the_rest(self, tmp_path, capsys):
        self.asked()
        purge_due()
        said = self.verdict(tmp_path, capsys, list(patient_log("lakeside", PATIENT)))
        assert (said["whole"], said["events"]) == (True, 3)

    def test_L11_a_patient_under_a_hold_is_proved_whole(self, tmp_path, capsys):
        hold("lakeside", Held("patient", PATIENT), "x", DANA)
        self.asked()
        purge_due()
        anchor_all()
        said = self.verdict(tmp_path, capsys, list(patient_log("lakeside", PATIENT)))
        assert said["whole"], said
        assert said["events"] >= 6

    def test_after_the_lift_the_rest_goes_under_the_same_certificate(self):
        one = hold("lakeside", Held("patient", PATIENT), "x", DANA)
        self.asked()
        assert purge_due() == 4
        assert purge_due() == 0
        lift(one, "y", DANA)
        assert purge_due() == 3
        assert PurgeCertificate.objects.count() == 1

    def test_each_checkpoint_states_the_holds(self):
        hold("lakeside", Held("patient", PATIENT), "x", DANA)
        today()
        assert read_statement(opened(Checkpoint.objects.latest("pk").note)).holds == holds_hash("lakeside")

    def test_what_the_page_shows(self):
        shown = standing_of("lakeside")
        assert (shown.years, [tree.month for tree in shown.due], shown.purged) == (10, ["201503"], ())
        assert shown.oldest == datetime(2015, 3, 15, 12, tzinfo=UTC)
        self.asked()
        shown = standing_of("lakeside")
        assert (shown.due, len(shown.requests)) == ((), 1)
        purge_due()
        shown = standing_of("lakeside")
        assert [one.tree for one in shown.purged] == [self.old]
        assert shown.requests == ()
        assert shown.oldest == datetime(2018, 3, 15, 12, tzinfo=UTC)

    def test_nothing_was_recorded_of_a_purge_that_was_refused(self):
        with pytest.raises(NotDue):
            ask(self.now, "x", DANA)
        assert not AuditEvent.objects.filter(event__startswith="audit.purge").exists()

    def test_every_step_of_one_is_recorded_with_its_month(self):
        one = ask(self.old, "x", DANA)
        withdraw(one)
        self.asked()
        purge_due()
        told = AuditEvent.objects.filter(event__startswith="audit.purge").order_by("at")
        assert [row.event.removeprefix("audit.purge") for row in told] == [".ask", ".withdraw", ".ask", ".approve", ""]
        assert {row.object_id for row in told} == {"201503"}
        assert {row.detail["origin"] for row in told} == {self.old.origin}
