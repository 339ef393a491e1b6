"""The comparison sheet: what was shown stands there with its date and its evidence, and nothing else is claimed."""

import csv
import io
import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from audit.models import AuditEvent
from delivery.certification.evidence import keep
from delivery.certification.models import CertificationResult, CertificationRun
from delivery.certification.subject import subject_of
from delivery.models import Delivery
from delivery.states import State
from delivery.ways.capabilities import Capability
from delivery.ways.catalogue import BY_KEY, WAYS
from delivery.ways.compared import compared
from delivery.ways.models import Attestation, CapabilityProbe
from delivery.ways.sheet import ASSUMED, NOT_DONE, WORDS, Evidence, best, sheets
from portal.models import Connection, Location, Route
from portal.partner import Facts, write_down
from tests.delivery.rows import make_delivery

PAGE = "/deliveries/ways/NORTH/sheet/"
FIELD = "Each section stands in its own field"


def of(location, key="hl7"):
    """The claims of one way by their words."""
    found = next(one for one in sheets(location) if one.way.key == key)
    return {claim.what: claim.evidence for claim in found.claims}


def every_claim(location):
    return [claim for one in sheets(location) for claim in one.claims] + compared(location)


def probed(cast, **outcomes):
    rows = [Capability(cast.hl7.pk, cast.hl7.name, key, key, outcome, "Filed.") for key, outcome in outcomes.items()]
    return CapabilityProbe.objects.create(location=cast.north, by="Dana", findings=[vars(row) for row in rows])


def run_of(location, *names, passed=True, state="passed", subject=None):
    """A finished run with results of these names, as running.py leaves them."""
    now = timezone.now()
    run = CertificationRun.objects.create(
        location=location, state=state, by="dana", subject=subject or subject_of(location), started_at=now, finished_at=now
    )  # fmt: skip
    for place, name in enumerate(names, start=1):
        CertificationResult.objects.create(
            run=run, position=place, name=name, title=name, passed=passed, says="", seconds=0.1, artefact=keep(run, f"{name}.json", b"1")
        )  # fmt: skip
    return run


@pytest.mark.django_db
class TestWithoutAnyEvidence:
    def test_every_way_is_there_and_everything_about_it_is_assumed(self, cast):
        found = sheets(cast.north)
        assert [one.way for one in found] == list(WAYS)
        assert {claim.evidence for one in found for claim in one.claims} == {ASSUMED}

    def test_only_the_way_in_use_names_its_connection(self, cast):
        assert {one.way.key: one.connections for one in sheets(cast.north) if one.connections} == {
            "hl7": (cast.hl7.name,)
        }

    def test_a_location_without_anything_has_a_sheet_too(self, cast):
        bare = cast.elsewhere
        assert {claim.evidence.status for claim in every_claim(bare)} == {"assumed", "not_done"}


@pytest.mark.django_db
class TestWhatAProbeShows:
    def test_what_it_found_is_proven_with_its_date_and_the_way_there(self, cast):
        made = probed(cast, write="yes", repeat="yes", read_back="yes")
        found = of(cast.north)
        for what in ("Takes a note", "A repeated message is filed once", "What it sent can be read back"):
            assert (found[what].word, found[what].at) == ("Proven", made.at)
            assert found[what].url == "/deliveries/ways/NORTH/#probe"
        assert found[FIELD] == ASSUMED, "that a note was taken says nothing of its fields"

    def test_what_it_found_otherwise_is_said_as_plainly(self, cast):
        probed(cast, repeat="no")
        assert of(cast.north)["A repeated message is filed once"].word == "Not so here"

    def test_what_was_not_asked_is_not_known(self, cast):
        probed(cast, write="unknown")
        assert of(cast.north)["Takes a note"] == ASSUMED

    def test_the_newest_probe_alone_counts(self, cast):
        probed(cast, write="yes")
        probed(cast, write="unknown")
        assert of(cast.north)["Takes a note"] == ASSUMED

    def test_another_connections_findings_prove_nothing_of_this_one(self, cast):
        row = Capability(cast.reader.pk, "Other", "write", "Takes a note", "yes", "Filed.")
        CapabilityProbe.objects.create(location=cast.north, by="Dana", findings=[vars(row)])
        assert of(cast.north)["Takes a note"] == ASSUMED


@pytest.mark.django_db
class TestWhatAReadBackShows:
    def test_a_note_verified_by_field_proves_the_fields(self, cast):
        made = make_delivery(cast, State.VERIFIED)
        Delivery.objects.filter(pk=made.pk).update(proof="field")
        found = of(cast.north)[FIELD]
        assert (found.word, found.at, found.url) == ("Proven", made.verified_at, f"/deliveries/{made.pk}/")

    @pytest.mark.parametrize("proof", ["section", "document", "none", "attested", ""])
    def test_a_lower_grade_does_not(self, cast, proof):
        made = make_delivery(cast, State.VERIFIED)
        Delivery.objects.filter(pk=made.pk).update(proof=proof)
        assert of(cast.north)[FIELD] == ASSUMED

    @pytest.mark.parametrize("state", [State.HELD, State.READY, State.MISFILED, State.REJECTED, State.UNKNOWN])
    def test_no_other_state_proves_anything(self, cast, state):
        made = make_delivery(cast, state)
        Delivery.objects.filter(pk=made.pk).update(proof="field")
        assert {claim.evidence for one in sheets(cast.north) for claim in one.claims} == {ASSUMED}

    def test_accepted_proves_that_it_was_taken_and_no_more(self, cast):
        make_delivery(cast, State.ACCEPTED)
        found = of(cast.north)
        assert found["Takes a note"].word == "Proven"
        assert "not proof of the chart" in found["Takes a note"].says
        assert found[FIELD] == found["What it sent can be read back"] == ASSUMED

    def test_the_other_locations_notes_prove_nothing_here(self, cast):
        make_delivery(cast, State.VERIFIED, location=cast.south)
        assert {claim.evidence for one in sheets(cast.north) for claim in one.claims} == {ASSUMED}


@pytest.mark.django_db
class TestWhatCertificationShows:
    NAMES = ("functional.FM-PROGRESS.in_person", "functional.FM-PROGRESS.telehealth")

    def test_a_run_that_holds_proves_the_fields(self, cast):
        run = run_of(cast.north, *self.NAMES)
        found = of(cast.north)[FIELD]
        assert (found.word, found.at) == ("Proven", run.finished_at)
        assert self.NAMES[0] in found.says
        assert found.url == f"/deliveries/certification/runs/{run.pk}/html/"

    def test_after_a_change_it_is_said_that_something_changed_since(self, cast):
        run_of(cast.north, *self.NAMES)
        cast.north.unmapped_policy = "catch-all"
        cast.north.save()
        assert of(cast.north)[FIELD].word == "Proven, changed since"

    def test_a_failed_test_proves_nothing(self, cast):
        run_of(cast.north, *self.NAMES, passed=False, state="failed")
        assert of(cast.north)[FIELD] == ASSUMED

    def test_coded_entries_are_proven_by_their_own_test_alone(self, cast):
        fhir = Connection.objects.create(
            practice=cast.practice, name="F", kind="fhir", environment="sandbox", settings={}
        )
        for part in ("diagnoses", "allergies"):
            Route.objects.create(location=cast.north, part=part, connection=fhir)
        run_of(cast.north, "functional.diagnoses")
        found = of(cast.north, "clinical-notes")
        assert found["Takes coded diagnoses"].word == "Proven"
        assert found["Takes coded allergies"] == ASSUMED
        assert found["Takes a note"] == ASSUMED, "no note went by it"

    def test_a_run_by_another_way_proves_nothing_of_this_one(self, cast):
        subject = subject_of(cast.north)
        run_of(cast.north, *self.NAMES, subject=subject | {"ways": {"note": ["openapi"]}})
        assert of(cast.north)[FIELD] == ASSUMED


@pytest.mark.django_db
class TestWhatAPersonSignedFor:
    @pytest.fixture
    def signed(self, cast):
        made = make_delivery(cast, State.ACCEPTED)
        return Attestation.objects.create(
            delivery=made, location=cast.north, connection=cast.hl7, wire_sha256="0" * 64, by="Dr Lee"
        )

    def test_it_counts_where_nothing_can_read_back_and_is_called_attested(self, cast, signed):
        cast.north.reading_connection = None
        cast.north.save()
        found = of(cast.north)[FIELD]
        assert (found.word, found.at) == ("Attested", signed.at)
        assert "Dr Lee" in found.says

    def test_where_the_chart_can_be_read_a_signature_is_no_proof(self, cast, signed):
        assert of(cast.north)[FIELD] == ASSUMED


@pytest.mark.django_db
class TestTheSetUp:
    def said(self, location):
        return {claim.what: claim.evidence for claim in compared(location)}

    def test_the_registration_is_what_a_director_recorded(self, cast):
        write_down(cast.practice, "soc2", Facts("accepted", "Dana", date(2026, 1, 1), date(2026, 2, 3)))
        write_down(cast.practice, "hipaa", Facts("sent", "Dana", date(2026, 1, 1)))
        found = self.said(cast.north)["Registered as a partner of eClinicalWorks"]
        assert (found.word, found.at) == ("Attested", datetime(2026, 2, 3, tzinfo=UTC))
        assert "1 of 5 steps" in found.says

    def test_what_nobody_has_done_here_is_not_yet_and_never_assumed(self, cast):
        empty = Location.objects.create(practice=cast.practice, code="EMPTY", name="Empty", environment="sandbox")
        assert {(one.word, one.at) for one in self.said(empty).values()} == {("Not yet", None)}

    def test_a_run_that_holds_certifies_it_and_one_that_does_not_does_not(self, cast):
        run_of(cast.north)
        assert self.said(cast.north)["Certified as it is set up now"].word == "Proven"
        cast.north.unmapped_policy = "catch-all"
        cast.north.save()
        assert self.said(cast.north)["Certified as it is set up now"] == NOT_DONE

    def test_a_template_without_a_mapping_is_named(self, cast):
        assert self.said(cast.north)["Every template has a mapping in force"].word == "Proven"
        cast.north_mapping.state = "retired"
        cast.north_mapping.save()
        found = self.said(cast.north)["Every template has a mapping in force"]
        assert (found.word, "not mapped: FM-PROGRESS" in found.says) == ("Not so here", True)

    def test_a_probe_says_what_vanished(self, cast):
        probed(cast, write="yes")
        probed(cast, write="no")
        assert "1 findings, 1 vanished" in self.said(cast.north)["A change at eCW is noticed by a daily probe"].says


NOW = datetime(2026, 3, 1, tzinfo=UTC)
evidences = st.builds(
    Evidence,
    st.sampled_from([one for one in WORDS if one not in ("assumed", "not_done")]),
    st.text(max_size=3),
    st.integers(0, 40).map(lambda days: NOW + timedelta(days=days)),
    st.just("/x/"),
)


class TestWhatWeighsMost:
    @given(st.lists(evidences | st.just(ASSUMED), max_size=6))
    def test_it_is_one_of_those_found_and_never_better_than_any(self, found):
        picked = best(found)
        assert picked in found or picked == ASSUMED
        assert (picked == ASSUMED) == all(one == ASSUMED for one in found)

    @given(st.lists(evidences, min_size=1, max_size=6))
    def test_a_contradiction_is_outweighed_by_a_later_proof_only(self, found):
        picked = best(found)
        against = [one.at for one in found if one.status == "not_so"]
        if picked.status != "not_so" and against:
            assert max(against) < max(one.at for one in found if one.status != "not_so")

    def test_the_order_in_which_it_is_found_does_not_matter(self):
        three = [Evidence("proven", "a", NOW), Evidence("attested", "b", NOW + timedelta(days=9)), ASSUMED]
        assert {best(list(order)) for order in itertools.permutations(three)} == {three[0]}


@pytest.mark.django_db
class TestThePageAndItsFiles:
    def test_every_proof_on_it_has_a_date_and_a_place_to_look(self, cast, client):
        probed(cast, write="yes", repeat="no", read_back="yes")
        run_of(cast.north, "functional.FM-PROGRESS.in_person")
        make_delivery(cast, State.VERIFIED)
        client.force_login(cast.dana)
        for claim in every_claim(cast.north):
            shown = claim.evidence.status not in ("assumed", "not_done")
            assert bool(claim.evidence.at) == bool(claim.evidence.url) == shown, claim
            if shown:
                assert client.get(claim.evidence.url).status_code == 200, claim

    def test_the_same_stands_on_the_page_in_the_csv_and_in_the_pdf(self, cast, client):
        probed(cast, write="yes", repeat="no")
        client.force_login(cast.dana)
        page = client.get(PAGE).content.decode()
        rows = list(csv.reader(io.StringIO(client.get(PAGE + "csv/").content.decode())))
        text = "".join(one.extract_text() for one in PdfReader(io.BytesIO(client.get(PAGE + "pdf/").content)).pages)
        flat = " ".join(text.split())
        assert len(rows) == 1 + len(every_claim(cast.north))
        for row in rows[1:]:
            assert row[3] in page.replace("&#x27;", "'")
            assert row[3] in flat
            assert row[4] in page
        assert [row[4] for row in rows if row[3] == "A repeated message is filed once" and row[2]] == ["Not so here"]

    def test_the_same_findings_give_the_same_pdf(self, cast, client):
        client.force_login(cast.dana)
        assert client.get(PAGE + "pdf/").content == client.get(PAGE + "pdf/").content

    def test_a_name_is_text_in_the_pdf_and_no_formula_in_the_csv(self, cast, client):
        cast.hl7.name = '=HYPERLINK("x")&<b>'
        cast.hl7.save()
        client.force_login(cast.dana)
        assert "'=HYPERLINK" in client.get(PAGE + "csv/").content.decode()
        text = PdfReader(io.BytesIO(client.get(PAGE + "pdf/").content)).pages[0].extract_text()
        assert "&<b>" in text

    def test_a_file_is_recorded_as_an_export_with_its_sha256(self, cast, client):
        client.force_login(cast.dana)
        client.get(PAGE + "csv/")
        event = AuditEvent.objects.get(event="report.export")
        assert (event.detail["what"], event.location, len(event.detail["sha256"])) == ("ways", "NORTH", 64)

    def test_another_form_does_not_exist(self, cast, client):
        client.force_login(cast.dana)
        assert client.get(PAGE + "xls/").status_code == 404
        assert client.get("/deliveries/ways/SOUTH/sheet/csv/").status_code == 200

    def test_only_a_director_gets_it(self, cast, client):
        for user in (cast.mel, cast.omar, cast.ava):
            client.force_login(user)
            assert client.get(PAGE).status_code == 403, user.username
            assert client.get(PAGE + "csv/").status_code == 403

    def test_another_practices_location_of_the_same_code_is_another_location(self, cast, client):
        probed(cast, write="yes")
        client.force_login(cast.sam)
        assert "Proven</span>" not in client.get(PAGE).content.decode()
        assert client.get("/deliveries/ways/SOUTH/sheet/").status_code == 404

    def test_the_way_there_stands_on_the_page_of_ways(self, cast, client):
        client.force_login(cast.dana)
        assert PAGE in client.get("/deliveries/ways/NORTH/").content.decode()


@pytest.mark.django_db
def test_another_form_of_document_is_another_way_and_needs_another_run(cast):
    fhir = Connection.objects.create(
        practice=cast.practice, name="F", kind="fhir", environment="sandbox", settings={"profile": "document"}
    )
    Route.objects.filter(location=cast.north, part="note").update(connection=fhir)
    assert subject_of(cast.north)["ways"] == {"note": [BY_KEY["fhir-document"].key]}
    fhir.settings = {"profile": "sections"}
    fhir.save()
    assert subject_of(cast.north)["ways"] == {"note": ["clinical-notes"]}
