"""A test is named after a template's code: whatever stands in it, the artefact is one part of an address, and opens."""

import json
import re

import pytest
from django.utils import timezone

from delivery.certification import bundle
from delivery.certification.evidence import Account, file_name, open_artefact
from delivery.certification.models import CertificationResult, CertificationRun
from delivery.certification.subject import subject_of

pytestmark = pytest.mark.django_db
CODES = ["FM/PROGRESS", "A B", "50%", "ä#?", "../x", 'q"<b>', "plain-1.2"]


@pytest.fixture(params=CODES)
def kept(request, cast):
    run = CertificationRun.objects.create(
        location=cast.north,
        state="passed",
        by="x",
        planned=[f"functional.{request.param}.in_person"],
        subject=subject_of(cast.north),
        finished_at=timezone.now(),
    )
    account = Account(run, run.planned[0], "T")
    artefact = account.close("said", passed=True)
    CertificationResult.objects.create(
        run=run, position=1, name=account.name, title="T", passed=True, says="said", seconds=0.1, artefact=artefact
    )
    return artefact


def test_the_name_has_no_part_of_a_path_and_the_account_says_which_test_it_was(kept):
    assert "/" not in kept.name
    assert json.loads(open_artefact(kept))["test"] == kept.run.planned[0]


def test_the_report_leads_to_it(cast, client, kept):
    client.force_login(cast.dana)
    page = client.get(f"/deliveries/certification/runs/{kept.run_id}/html/").content.decode()
    (href,) = set(re.findall(r'href="\.\./(artefacts/[^"]+)"', page))
    answer = client.get(f"/deliveries/certification/runs/{kept.run_id}/{href}")
    assert answer.status_code == 200
    assert json.loads(answer.content)["says"] == "said"


def test_the_page_leads_to_it(cast, client, kept):
    client.force_login(cast.dana)
    page = client.get("/deliveries/certification/NORTH/").content.decode()
    (href,) = set(re.findall(r'href="(/deliveries/certification/runs/\d+/artefacts/[^"]+)"', page))
    assert client.get(href).status_code == 200


def test_the_bundle_has_it_as_one_file_inside_its_folder(tmp_path, kept):
    bundle.write(kept.run, tmp_path)
    assert [path.name for path in (tmp_path / "artefacts").iterdir()] == [kept.name]


def test_two_codes_that_differ_have_two_names():
    assert len({file_name(code) for code in [*CODES, "FM-PROGRESS", "FM_PROGRESS"]}) == len(CODES) + 2
