"""A location that nothing reads: what a run claims there, what a person signs for, and what the lock makes of it."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.models import AuditEvent
from delivery.certification.attested import NOT_PROVABLE, as_far_as_it_goes, samples, signed_for
from delivery.certification.bundle import as_html
from delivery.certification.desk import ATTESTED, UNPROVABLE, Test, Verdict, in_its_field
from delivery.certification.models import CertificationRun
from delivery.certification.page import word_of
from delivery.certification.report import is_genuine, statement
from delivery.certification.report_pdf import word
from delivery.certification.standing import standing
from delivery.models import Delivery
from delivery.states import State
from delivery.ways.models import Attestation
from mapping.going_live import keep_rehearsal
from mapping.note import RuleSpec
from mapping.publishing import fingerprint, publish, save_rules, start_draft
from mapping.queries import spec_of
from portal.models import Location, User
from tests.delivery.certification.conftest import failed, results
from tests.delivery.rows import make_delivery

FUNCTIONAL = ["functional.FM-PROGRESS.in_person", "functional.FM-PROGRESS.telehealth"]
PAGE = b"%PDF-1.7 the chart's printed page"


@pytest.fixture
def blind(clinic):
    """The clinic without its reader."""
    Location.objects.filter(pk=clinic.location.pk).update(reading_connection=None)
    clinic.location = Location.objects.select_related("practice").get(pk=clinic.location.pk)
    return clinic


def sign(clinic, pk: int, page: bytes = PAGE, reason: str = "Every section, field by field"):
    client = Client()
    client.force_login(User.objects.get(username="director"))
    files = SimpleUploadedFile("chart.pdf", page, "application/pdf")
    return client.post(
        f"/deliveries/certification/{clinic.location.code}/sign/{pk}/", {"page": files, "reason": reason}
    )


def test_unsigned_it_fails_by_what_is_in_which_field_alone_and_signed_it_passes_attested(blind):
    first = blind.certify()
    assert set(failed(first)) == set(FUNCTIONAL), failed(first)
    assert all("sign for it" in says for says in failed(first).values())
    assert standing(blind.location).run is None
    (sample,) = samples(blind.location)
    sign(blind, sample.delivery.pk)

    second = blind.certify()
    assert (failed(second), second.state) == ({}, "passed")
    found = results(second)
    assert {name for name, row in found.items() if row.proof == ATTESTED} == set(FUNCTIONAL)
    assert (
        "Attested by Dana Rivera on" in found[FUNCTIONAL[0]].says or "Attested by director" in found[FUNCTIONAL[0]].says
    )
    assert hashlib.sha256(PAGE).hexdigest()[:12] in found[FUNCTIONAL[0]].says
    unprovable = {name for name, row in found.items() if row.proof == UNPROVABLE}
    assert unprovable >= {"encounter", "checklist.amendment", "checklist.same_again", "load"}
    assert all(NOT_PROVABLE.split(":")[0] in found[name].says for name in unprovable)
    assert {name for name, row in found.items() if not row.proof} >= {
        "connections",
        "checklist.wrong_patient",
        "security.tls",
    }
    assert standing(blind.location).attested
    said = statement(second)
    assert {one["name"] for one in said["tests"] if one.get("proof") == ATTESTED} == set(FUNCTIONAL)
    assert ">Attested<" in as_html(second)
    _another_mapping_needs_another_signature(blind)


def _another_mapping_needs_another_signature(blind) -> None:
    director = User.objects.get(username="director")
    draft = start_draft(blind.location.templates.get(), director)
    save_rules(draft, [*spec_of(draft).rules, RuleSpec("nutrition", "119112.17", position=99)], "119112.17", director)
    keep_rehearsal(draft, fingerprint(spec_of(draft)), director, 1, [])
    publish(draft, director, "As agreed")
    assert standing(blind.location).why == "The mapping of FM-PROGRESS has changed since"
    assert signed_for(blind.location, blind.location.templates.get()) is None
    run = blind.certify("connections", FUNCTIONAL[0])
    assert set(failed(run)) == {FUNCTIONAL[0]}


@pytest.mark.django_db
class TestWhatMayBeSignedFor:
    @pytest.fixture
    def north(self, cast) -> Location:
        cast.north.reading_connection = None
        cast.north.save()
        return cast.north

    def accepted(self, cast, source="cert-1-1", **more) -> Delivery:
        made = make_delivery(cast, State.ACCEPTED, **more)
        type(made.note).objects.filter(pk=made.note_id).update(source_note_id=source)
        Delivery.objects.filter(pk=made.pk).update(proof="none")
        return made

    def test_the_newest_synthetic_note_of_the_mapping_in_force(self, cast, north):
        self.accepted(cast)
        newest = self.accepted(cast, "cert-1-2")
        self.accepted(cast, "nt-real-patient")
        assert [one.delivery for one in samples(north)] == [newest]

    def test_nothing_where_charts_are_read(self, cast):
        self.accepted(cast)
        assert samples(cast.north) == []

    def test_without_a_run_there_is_nothing_to_compare_yet(self, cast, north, client):
        assert [(one.delivery, one.signed) for one in samples(north)] == [(None, None)]
        client.force_login(cast.dana)
        assert "A run makes the sample" in client.get("/deliveries/certification/NORTH/").content.decode()

    def sign(self, client, pk, **data):
        given = {"page": SimpleUploadedFile("p.pdf", PAGE), "reason": "Every field"} | data
        return client.post(f"/deliveries/certification/NORTH/sign/{pk}/", {k: v for k, v in given.items() if v})

    def test_its_pages_fingerprint_is_kept_and_recorded_and_the_page_is_not(self, cast, north, client):
        made = self.accepted(cast)
        client.force_login(cast.dana)
        assert self.sign(client, made.pk).status_code == 302
        row = Attestation.objects.get()
        digest = hashlib.sha256(PAGE).hexdigest()
        assert (row.delivery_id, row.page_sha256, row.mapping_version) == (made.pk, digest, cast.north_mapping)
        event = AuditEvent.objects.get(event="delivery.attest")
        assert (event.detail["page_sha256"], event.reason) == (digest, "Every field")
        assert signed_for(north, cast.north_mapping.template) == row
        assert "Attested" in client.get("/deliveries/certification/NORTH/").content.decode()

    @pytest.mark.parametrize("lacking", [{"page": None}, {"reason": ""}, {"reason": "no"}])
    def test_without_the_page_or_a_word_of_what_was_compared_nothing_is_signed(self, cast, north, client, lacking):
        made = self.accepted(cast)
        client.force_login(cast.dana)
        self.sign(client, made.pk, **lacking)
        assert not Attestation.objects.exists()

    def test_nothing_else_can_be_signed_for(self, cast, north, client):
        real, south = self.accepted(cast, "nt-real"), self.accepted(cast, location=cast.south)
        client.force_login(cast.dana)
        for one in (real, south):
            assert self.sign(client, one.pk).status_code == 404
        assert not Attestation.objects.exists()

    def test_only_a_director_signs(self, cast, north, client):
        made = self.accepted(cast)
        for user in (cast.omar, cast.ava, cast.mel):
            client.force_login(user)
            assert self.sign(client, made.pk).status_code == 403
        assert not Attestation.objects.exists()

    def test_a_signature_without_a_page_does_not_certify_and_can_be_given_again_with_one(self, cast, north, client):
        made = self.accepted(cast)
        Delivery.objects.filter(pk=made.pk).update(proof="attested")
        Attestation.objects.create(
            delivery=made, location=north, connection=cast.hl7, mapping_version=cast.north_mapping, wire_sha256="0" * 64, by="x"
        )  # fmt: skip
        assert signed_for(north, cast.north_mapping.template) is None
        client.force_login(cast.dana)
        self.sign(client, made.pk)
        assert signed_for(north, cast.north_mapping.template).by == "dana"

    def test_a_signature_for_another_way_or_mapping_does_not_count(self, cast, north):
        made = self.accepted(cast)
        signed = {"delivery": made, "location": north, "wire_sha256": "0" * 64, "page_sha256": "1" * 64, "by": "x"}
        Attestation.objects.create(connection=cast.reader, mapping_version=cast.north_mapping, **signed)
        Attestation.objects.create(connection=cast.hl7, mapping_version=cast.south_mapping, **signed)
        Attestation.objects.create(connection=cast.hl7, mapping_version=None, **signed)
        assert signed_for(north, cast.north_mapping.template) is None


@pytest.mark.django_db
class TestWhatIsCalledWhat:
    class Desk:
        def __init__(self, location):
            self.location = location

    def test_a_test_that_needs_a_reader_claims_no_more_than_acceptance(self, cast):
        cast.north.reading_connection = None
        reads, other = (Test("t", "T", lambda desk, account: None, reads=reads) for reads in (True, False))
        passed = Verdict(True, "20 sections, each in its field.")
        found = as_far_as_it_goes(self.Desk(cast.north), reads, passed)
        assert (found.proof, found.passed) == (UNPROVABLE, True)
        assert "field" not in found.says
        assert as_far_as_it_goes(self.Desk(cast.north), other, passed) == passed

    def test_a_failure_stays_one_and_where_charts_are_read_nothing_changes(self, cast):
        test = Test("t", "T", lambda desk, account: None, reads=True)
        passed, wrong = Verdict(True, "In its field."), Verdict(False, "Missing.")
        assert as_far_as_it_goes(self.Desk(cast.north), test, passed) == passed
        cast.north.reading_connection = None
        assert as_far_as_it_goes(self.Desk(cast.north), test, wrong) == wrong

    @pytest.mark.parametrize("state", [state for state in State if state is not State.ACCEPTED])
    def test_where_nothing_reads_only_acceptance_is_good(self, cast, state):
        cast.north.reading_connection = None
        made = Delivery(location=cast.north, state=state, proof="none")
        assert not in_its_field(made)
        assert in_its_field(Delivery(location=cast.north, state=State.ACCEPTED, proof="none"))

    def test_acceptance_is_not_good_where_charts_are_read(self, cast):
        assert not in_its_field(Delivery(location=cast.north, state=State.ACCEPTED, proof="none"))

    def test_no_word_of_the_reports_calls_it_passed(self):
        test = {"passed": True, "applies": True}
        assert [word(test | {"proof": proof}) for proof in (ATTESTED, UNPROVABLE)] == ["attested", "not provable here"]
        assert word(test) == "passed"
        assert word({"passed": False, "applies": True, "proof": UNPROVABLE}) == "FAILED"

    def test_a_signed_report_from_before_is_still_genuine(self, cast):
        run = CertificationRun.objects.create(location=cast.north, state="passed", by="x")
        assert all("proof" not in one for one in statement(run)["tests"])
        assert not is_genuine(run), "it was never signed"

    def test_the_page_has_a_word_and_a_tone_for_each(self):
        class Row:
            passed, applies, proof = True, True, ""

        words = {}
        for proof in ("", ATTESTED, UNPROVABLE):
            Row.proof = proof
            words[proof] = word_of(Row)
        assert words == {"": ("ok", "Passed"), ATTESTED: ("warn", "Attested"), UNPROVABLE: ("off", "Not provable here")}
