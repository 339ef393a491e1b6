"""Lists of diagnoses as they are published, and the page to which a director uploads them."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.models import AuditEvent
from mapping.codes import icd10_files
from mapping.codes.code_lists import add, carried, list_for
from mapping.codes.icd10 import CodeList, dotted, judge
from mapping.codes.icd10_files import ListRefused, read
from mapping.models import DiagnosisList

LINES = {
    "order": "00001 A00     0 Cholera\n00002 A000    1 Cholera due to Vibrio cholerae 01, biovar cholerae\n",
    "codes": "A000    Cholera due to Vibrio cholerae 01\nA001    Cholera, eltor\n",
    "csv": '﻿Code,Description\n"A00.0","Cholera, classical"\nA00.1,Eltor\n',
    "plain": "A00.0\nA00.1\n\nA00-A09\n",
}


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(icd10_files, "FEWEST", 1)


@pytest.mark.parametrize("kind", LINES)
def test_each_published_form_is_read(few, kind):
    assert {"A000"} <= set(read("list.txt", LINES[kind].encode(), "October"))


def test_headings_of_a_csv_are_no_codes(few):
    assert list(read("list.csv", LINES["csv"].encode(), "October")) == ["A000", "A001"]


def test_a_part_of_the_list_is_refused_as_it_would_hold_right_diagnoses():
    with pytest.raises(ListRefused, match="Only 2 codes"):
        read("list.txt", LINES["codes"].encode(), "October")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("list.xlsx", b"PK", "Only .txt and .csv"),
        ("list.txt", b"A00\0", "NUL"),
        ("list.txt", b"A000\n" * 200_001, "200,000 lines"),
        ("list.txt", b"A" * (20 * 1024 * 1024 + 1), "20 MB"),
        ("list.txt", b"A000\n" * 40 + b"???\n", "Line 41"),
    ],
)
def test_what_is_no_list_is_refused_in_words(name, content, words):
    with pytest.raises(ListRefused, match=words):
        read(name, content, "October")


def whole_list(*more: str) -> bytes:
    return "\n".join([*(dotted(code) for code in carried()), *more]).encode()


class TestTheListInForce:
    pytestmark = pytest.mark.django_db

    def test_is_the_carried_one_until_another_is_uploaded(self, cast):
        assert list_for(cast.practice.pk, date(2026, 12, 1)) is carried()

    def test_is_that_of_the_day_of_the_visit_and_of_this_practice(self, cast):
        add(cast.practice, CodeList.of("October", ["Z999"]), date(2026, 10, 1), cast.dana)
        assert list_for(cast.practice.pk, date(2026, 9, 30)) is carried()
        newer = list_for(cast.practice.pk, date(2026, 10, 1))
        assert (newer.name, list(newer)) == ("October", ["Z999"])
        assert list_for(cast.elsewhere.practice_id, date(2026, 10, 1)) is carried()


class TestThePage:
    pytestmark = pytest.mark.django_db

    def upload(self, client, content: bytes, name: str = "list.txt"):
        data = {"file": SimpleUploadedFile(name, content), "name": "October 2026", "in_force_from": "2026-10-01"}
        return client.post(reverse("codes:diagnosis-upload"), data)

    def test_a_director_uploads_a_newer_list_and_it_is_recorded(self, cast, client):
        client.force_login(cast.dana)
        assert self.upload(client, whole_list("Z99.95")).status_code == 302
        kept = DiagnosisList.objects.get()
        assert (kept.codes, kept.uploaded_by) == (len(carried()) + 1, cast.dana)
        assert judge("Z99.95", list_for(cast.practice.pk, date(2026, 11, 1))).kind == "ok"
        entry = AuditEvent.objects.filter(event="config.change").latest("pk")
        assert "diagnosislist" in str(entry.detail).lower()
        assert "October 2026" in client.get(reverse("codes:diagnoses")).content.decode()

    def test_a_list_that_is_refused_says_why_at_its_field(self, cast, client):
        client.force_login(cast.dana)
        answer = self.upload(client, b"A000\n")
        assert answer.status_code == 422
        assert "Only 1 codes were found" in answer.content.decode()
        assert not DiagnosisList.objects.exists()

    def test_a_list_taken_away_leaves_the_one_before(self, cast, client):
        kept = add(cast.practice, CodeList.of("October", ["Z999"]), date(2020, 10, 1), cast.dana)
        client.force_login(cast.dana)
        assert client.post(reverse("codes:diagnosis-remove", args=[kept.pk])).status_code == 302
        assert list_for(cast.practice.pk, date(2026, 1, 1)) is carried()

    def test_a_stranger_takes_nothing_away(self, cast, client):
        kept = add(cast.practice, CodeList.of("October", ["Z999"]), date(2020, 10, 1), cast.dana)
        client.force_login(cast.sam)
        assert client.post(reverse("codes:diagnosis-remove", args=[kept.pk])).status_code == 404

    def test_a_code_that_is_looked_up_is_judged_with_titles(self, cast, client):
        client.force_login(cast.ava)
        page = client.get(reverse("codes:diagnoses"), {"code": "J45"}).content.decode()
        assert "A category: a longer code is needed" in page
        assert "Unspecified asthma, uncomplicated" in page
        assert "And 13 more below it." in page
        assert "Upload a newer list" not in page
