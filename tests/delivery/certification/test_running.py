"""A run's course: what a test may do to it, what stops it, and that it always leaves things as they were."""

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery.certification import between, running, scribe, settling, suite
from delivery.certification.desk import Desk, NotTaken, Test, Verdict
from delivery.certification.errors import failing
from delivery.certification.models import CertificationRun
from delivery.certification.relay import Mood
from delivery.certification.running import carry_out, request, run_waiting
from portal.models import ApiKey, Connection, Location, Part, Route
from tests.delivery.certification.conftest import QUICK, failed, results


def only_these(monkeypatch, *tests: Test) -> None:
    monkeypatch.setattr(running, "tests_of", lambda location: list(tests))


def a_test(name: str, what) -> Test:
    return Test(name, f"The test {name}", what)


def test_a_test_that_breaks_is_a_failed_one_and_the_rest_is_made(clinic, monkeypatch):
    def breaks(desk, account):
        raise RuntimeError("with a patient's name in it")

    def refused(desk, account):
        raise NotTaken(403)

    only_these(
        monkeypatch,
        a_test("one", breaks),
        a_test("two", refused),
        a_test("three", lambda desk, account: Verdict(True, "Well.")),
    )
    run = clinic.certify()
    assert failed(run) == {
        "one": "The test could not be made (RuntimeError).",
        "two": "The note was not taken in: the API answered 403.",
    }
    assert results(run)["three"].passed
    assert run.state == "failed"


def test_after_a_failed_connection_test_nothing_else_is_tried(clinic):
    sender = clinic.route(Part.NOTE)
    sender.settings |= {"port": 1}
    sender.save()
    run = clinic.certify("connections", "functional.FM", "load")
    found = failed(run)
    assert "NORTH notes (HL7) at Network (connection_refused)" in found["connections"]
    assert set(found.values()) - {found["connections"]} == {"Not made: the connections have to work first."}


def test_a_location_without_a_mapping_or_a_route_says_so(clinic):
    Route.objects.filter(location=clinic.location, part=Part.NOTE).delete()
    found = failed(clinic.certify("errors.cut", "checklist"))
    assert "no route for note sections" in found["errors.cut_before"]
    clinic.location.templates.all().update(default_for=[])
    assert [test.name for test in suite.tests_of(clinic.location)][2] == "functional.FM-PROGRESS.in_person"


def test_what_is_changed_beneath_a_run_spoils_it(clinic, monkeypatch):
    def changes(desk, account):
        desk.location.templates.update(default_for=["in_person"])
        return Verdict(True, "Well.")

    only_these(monkeypatch, a_test("one", changes))
    run = clinic.certify()
    assert failed(run) == {}
    assert run.state == "failed", "what it proved is not what stands there now"


def test_a_run_in_which_every_test_passes_has_passed(clinic, monkeypatch):
    only_these(monkeypatch, a_test("one", lambda desk, account: Verdict(True, "Well.")))
    run = clinic.certify()
    assert run.state == "passed"
    event = AuditEvent.objects.get(event="certification.end")
    assert (event.detail["outcome"], event.detail["failed"], event.object_id) == ("passed", 0, str(run.pk))


def test_a_run_that_is_interrupted_is_broken_off_and_leaves_nothing_behind(clinic, monkeypatch):
    def interrupted(desk: Desk, account):
        with between.relay_before(desk, desk.sender()):
            assert Route.objects.get(location=desk.location, part=Part.NOTE).connection.name.startswith(between.NAME)
            raise KeyboardInterrupt

    only_these(monkeypatch, a_test("one", interrupted))
    waiting = request(clinic.location, QUICK)
    with pytest.raises(KeyboardInterrupt):
        carry_out(waiting, settling.by_hand)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.restore) == ("broken", [])
    assert clinic.route(Part.NOTE).name == "NORTH notes (HL7)"
    assert not Connection.objects.filter(name__startswith=between.NAME, enabled=True).exists()
    assert not ApiKey.objects.filter(scribe__name=scribe.NAME, revoked_at=None).exists()


def test_the_next_run_takes_a_dead_ones_relay_out_first(clinic):
    sender = clinic.route(Part.NOTE)
    dead = CertificationRun.objects.create(
        location=clinic.location, state="broken", by="x", restore=[sender.pk], finished_at=timezone.now()
    )
    ghost = Connection.objects.create(
        practice=clinic.location.practice, name=f"{between.NAME} (x)", kind="hl7", environment="sandbox"
    )
    Route.objects.filter(location=clinic.location, part=Part.NOTE).update(connection=ghost)
    run = clinic.certify("functional.FM-PROGRESS.in_person")
    assert failed(run) == {}
    dead.refresh_from_db()
    assert dead.restore == []
    assert clinic.route(Part.NOTE) == sender


def test_a_run_is_carried_out_once(clinic):
    waiting = request(clinic.location, QUICK)
    CertificationRun.objects.filter(pk=waiting.pk).update(state="running", beat_at=timezone.now())
    assert carry_out(waiting, settling.by_hand) is None


def test_a_worker_finds_a_waiting_run_and_rests_without_one(clinic, monkeypatch):
    assert run_waiting() == 0
    only_these(monkeypatch, a_test("one", lambda desk, account: Verdict(True, "Well.")))
    waiting = request(clinic.location, QUICK)
    assert run_waiting() == 1
    waiting.refresh_from_db()
    assert waiting.state == "passed"
    assert AuditEvent.objects.get(event="certification.end").actor_type == "worker"


def test_a_synthetic_scribe_never_posts_into_production(clinic):
    Location.objects.filter(pk=clinic.location.pk).update(environment="production")
    with pytest.raises(ValueError, match="sandbox only"):
        scribe.arrive(Location.objects.get(pk=clinic.location.pk))


def test_a_failure_that_does_not_come_about_proves_nothing(clinic, monkeypatch):
    only_these(monkeypatch, a_test("one", lambda desk, account: failing(desk, account, Mood.PASS)))
    assert failed(clinic.certify()) == {"one": "The failure did not come about: the note never passed by the relay."}


def test_a_connection_that_a_person_signed_in_cannot_be_lent(clinic):
    sender = clinic.route(Part.DIAGNOSES)
    sender.settings |= {"grant": "authorization_code"}
    with pytest.raises(between.CannotStandBetween, match="A person has signed"):
        between.address_of(sender)


@pytest.mark.parametrize("kind", ["errors.time_out", "errors.cut_before", "errors.cut_after", "errors.malformed"])
def test_a_receiver_that_cannot_be_asked_leaves_the_doubt_to_a_person_in_sight(clinic, kind):
    from delivery.models import ConnectionState, Delivery

    ConnectionState.objects.update(profile="blind")
    run = clinic.certify(kind)
    assert failed(run) == {}
    if Delivery.objects.filter(state="parked").exists():
        assert "waiting for a person" in results(run)[kind].says
