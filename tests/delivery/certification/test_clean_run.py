"""A whole run at a clinic where everything is right: every test passes, and no claim is made of nothing."""

from delivery.certification import suite
from delivery.certification.models import CertificationRun
from delivery.certification.standing import standing
from delivery.models import Note
from tests.delivery.certification.conftest import failed, results

ALL = [
    "connections",
    "templates",
    "functional.FM-PROGRESS.in_person",
    "functional.FM-PROGRESS.telehealth",
    "functional.diagnoses",
    "functional.medications",
    "functional.allergies",
    "functional.immunizations",
    "functional.observations",
    "encounter",
    "checklist.amendment",
    "checklist.wrong_patient",
    "checklist.same_again",
    "errors.time_out",
    "errors.cut_before",
    "errors.cut_after",
    "errors.malformed",
    "errors.down",
    "security.tls",
    "security.bad_certificate",
    "security.token_renewal",
    "security.scopes",
    "load",
    "security.audit",
]


def test_a_whole_run_passes_and_proves_the_location(clinic):
    assert [test.name for test in suite.tests_of(clinic.location)] == ALL
    assert standing(clinic.location).why == "No run has passed yet"
    run = clinic.certify()
    assert failed(run) == {}
    assert run.state == "passed"
    found = results(run)
    assert list(found) == run.planned == ALL
    assert all(row.applies for row in found.values())
    assert "signed; a later change is refused" in found["encounter"].says
    assert "after 2 attempts" in found["errors.cut_before"].says
    assert "after 1 attempt." in found["errors.cut_after"].says
    assert standing(clinic.location).run == run
    _only_synthetic_patients_were_written(run)


def _only_synthetic_patients_were_written(run: CertificationRun) -> None:
    ids = Note.objects.values_list("source_note_id", flat=True)
    assert ids
    assert all(name.startswith(f"cert-{run.pk}-") for name in ids)
