"""The crosswalk of a practice: looked up exactly, imported with a preview, edited under a name, each change recorded."""

import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.models import AuditEvent
from mapping.codes import crosswalk, drugs
from mapping.codes.crosswalk import look_up
from mapping.codes.drug_files import DrugRow, drug_row
from mapping.codes.drug_imports import keep
from mapping.codes.drugs import drug_code
from mapping.models import CrosswalkDrug

pytestmark = pytest.mark.django_db

LISINOPRIL = {"ndc": "0093-1113-01", "rxcui": "314076", "name": "Lisinopril", "ecw_id": "77", "strength": "10 mg"}


@pytest.fixture
def lisinopril(cast):
    return keep(cast.practice, drug_row(LISINOPRIL), cast.dana, "by hand")


def reasons(cast, *codes) -> list[str]:
    return [
        found.drug.ecw_id if found.drug else found.reason
        for found in look_up(cast.practice.pk, [drug_code(*code) for code in codes])
    ]


class TestLookingUp:
    def test_finds_a_drug_by_any_spelling_of_its_ndc(self, cast, lisinopril):
        assert reasons(cast, ("00093-1113-01", ""), ("00093111301", "314076")) == ["77", "77"]

    def test_takes_nothing_that_is_only_near(self, cast, lisinopril):
        asked = [("0093-1113-10", "314076"), ("", "314076"), ("0093111301", ""), ("93-1", ""), ("", "")]
        assert reasons(cast, *asked) == [
            crosswalk.UNKNOWN,
            crosswalk.UNKNOWN,
            drugs.AMBIGUOUS,
            drugs.BAD_NDC,
            drugs.NONE,
        ]

    def test_holds_an_ndc_with_another_rxnorm_code_until_the_pair_is_decided(self, cast, lisinopril):
        assert reasons(cast, ("0093-1113-01", "1")) == [crosswalk.DISAGREE]
        pair = drug_code("0093-1113-01", "1").pair
        keep(cast.practice, DrugRow(pair, "0093-1113-01", "00093111301", "1", "L", "78", "", ""), cast.dana, "x")
        assert reasons(cast, ("0093-1113-01", "1"), ("0093-1113-01", "314076")) == ["78", "77"]

    def test_sees_no_other_practices_drugs(self, cast, lisinopril):
        assert look_up(cast.elsewhere.practice_id, [drug_code("0093-1113-01", "")])[0].drug is None

    def test_asks_once_however_many_drugs(self, cast, lisinopril, django_assert_num_queries):
        with django_assert_num_queries(1):
            look_up(cast.practice.pk, [drug_code("0093-1113-01", str(number)) for number in range(1, 40)])


def workbook(*rows) -> bytes:
    book = openpyxl.Workbook()
    for row in (("NDC", "RxCUI", "Drug", "eCW Drug ID", "Strength", "Formulation"), *rows):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


class TestAFile:
    def preview(self, client, content: bytes, name="drugs.xlsx"):
        return client.post(reverse("codes:drug-import"), {"file": SimpleUploadedFile(name, content)})

    def test_is_shown_before_anything_is_saved_and_saved_as_shown(self, cast, client, lisinopril):
        client.force_login(cast.dana)
        content = workbook(
            ("0093-1113-01", "314076", "Lisinopril", "99", "10 mg", ""),
            ("", "861007", "Metformin", "80", "500 mg", "tablet"),
            (93111301, "", "Zeros lost", "81", "", ""),
        )
        page = self.preview(client, content)
        text = page.content.decode()
        assert "1 new, 1 changed, 0 as they are" in text
        assert "was Lisinopril · 77" in text
        assert "drops zeros at the beginning" in text
        assert CrosswalkDrug.objects.count() == 1
        assert client.post(reverse("codes:drug-import-save"), {"token": page.context["token"]}).status_code == 302
        kept = {row.key: (row.ecw_id, row.verified_by, row.source) for row in CrosswalkDrug.objects.all()}
        assert kept == {
            "ndc:00093111301": ("99", cast.dana, "drugs.xlsx"),
            "rxcui:861007": ("80", cast.dana, "drugs.xlsx"),
        }
        event = AuditEvent.objects.get(event="crosswalk.import")
        assert event.detail == {"new": 1, "changed": 1, "unchanged": 0}
        assert AuditEvent.objects.filter(event="config.change").count() >= 2

    def test_that_another_person_previewed_is_not_saved(self, cast, client):
        client.force_login(cast.dana)
        token = self.preview(client, workbook(("", "861007", "Metformin", "80", "", ""))).context["token"]
        client.force_login(cast.sam)
        answer = client.post(reverse("codes:drug-import-save"), {"token": token})
        assert answer.status_code == 422
        assert not CrosswalkDrug.objects.exists()

    def test_that_cannot_be_read_says_so(self, cast, client):
        client.force_login(cast.dana)
        answer = self.preview(client, b"A,B\n1,2\n", "drugs.csv")
        assert answer.status_code == 422
        assert "Name the columns NDC" in answer.content.decode()


class TestADrugByHand:
    def test_is_kept_under_the_persons_name(self, cast, client):
        client.force_login(cast.dana)
        assert client.post(reverse("codes:drug-new"), LISINOPRIL).status_code == 302
        kept = CrosswalkDrug.objects.get()
        assert (kept.ndc11, kept.verified_by, kept.source) == ("00093111301", cast.dana, "by hand")

    def test_with_an_ambiguous_code_is_refused_with_its_readings(self, cast, client):
        client.force_login(cast.dana)
        answer = client.post(reverse("codes:drug-new"), {**LISINOPRIL, "ndc": "0093111301"})
        assert answer.status_code == 422
        assert "00093-1113-01, 00931-0113-01, 00931-1130-01" in answer.content.decode()

    def test_keeps_its_code_when_it_is_edited(self, cast, client, lisinopril):
        client.force_login(cast.dana)
        address = reverse("codes:drug", args=[lisinopril.pk])
        assert client.post(address, {**LISINOPRIL, "ndc": "1111-1111-11", "ecw_id": "78"}).status_code == 302
        lisinopril.refresh_from_db()
        assert (lisinopril.key, lisinopril.ecw_id) == ("ndc:00093111301", "78")

    def test_taken_out_is_unknown_again(self, cast, client, lisinopril):
        client.force_login(cast.dana)
        assert client.post(reverse("codes:drug-remove", args=[lisinopril.pk])).status_code == 302
        assert reasons(cast, ("0093-1113-01", "")) == [crosswalk.UNKNOWN]

    def test_is_found_by_name_and_by_code(self, cast, client, lisinopril):
        client.force_login(cast.ava)
        for sought, found in (
            ("lisin", True),
            ("0093-1113", False),
            ("00093-1113", True),
            ("314076", True),
            ("x", False),
        ):
            page = client.get(reverse("codes:drugs"), {"q": sought}).content.decode()
            assert (f">{lisinopril.name}</th>" in page) is found, sought
