"""The partner registration: five steps with state, dates, owner and a sealed document; and agreements that end."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent, ConfigurationEntry
from delivery.asked import Asked
from delivery.outgoing import closed_gate
from portal import crypto, keyring, rotation
from portal.agreements import Terms, record_agreement
from portal.models import AgreementKind, PartnerItem, PartnerStep
from portal.partner import LARGEST_FILE, Facts, File, document, rows, write_down
from tests.delivery.rows import make_delivery

PAGE, STEP = "/settings/partner/", "/settings/partner/soc2/"
TODAY = date(2026, 5, 2)
REPORT = File("soc2.pdf", b"%PDF canary-report")


def test_all_five_steps_are_shown_before_anything_is_written_down(cast):
    shown = rows(cast.practice, TODAY)
    assert [row.step for row in shown] == list(PartnerStep)
    assert {(row.state, row.item) for row in shown} == {("Open", None)}


def test_a_step_is_written_down_and_its_document_sealed(cast):
    item = write_down(cast.practice, "soc2", Facts("sent", "Dana", TODAY), REPORT)
    assert (item.file_name, item.file_sha256) == ("soc2.pdf", hashlib.sha256(REPORT.content).hexdigest())
    assert b"canary" not in bytes(item.sealed_file)
    assert document(item) == REPORT.content
    told = AuditEvent.objects.filter(event__startswith="partner.").order_by("at")
    assert [row.event for row in told] == ["partner.change", "partner.fetch"]
    assert told[0].detail == {"step": "soc2", "state": "sent", "sha256": item.file_sha256}


def test_the_log_of_the_configuration_holds_no_document(cast):
    write_down(cast.practice, "soc2", Facts("sent"), REPORT)
    entries = ConfigurationEntry.objects.filter(content_type__model="partneritem")
    assert entries.exists()
    assert all("sealed_file" not in entry.changes for entry in entries)


def test_without_a_new_document_the_old_one_stays(cast):
    write_down(cast.practice, "soc2", Facts("sent"), REPORT)
    item = write_down(cast.practice, "soc2", Facts("accepted", decided_on=TODAY))
    assert document(item) == REPORT.content
    assert PartnerItem.objects.count() == 1


def test_a_document_opens_in_its_own_row_only(cast):
    item = write_down(cast.practice, "soc2", Facts("sent"), REPORT)
    other = write_down(cast.practice, "hipaa", Facts("sent"), File("x", b"y"))
    other.sealed_file = item.sealed_file
    with pytest.raises(crypto.CannotOpen):
        document(other)


@pytest.fixture
def rolled_back_keys():
    """A key made in a test is gone with its transaction: what remembers it would seal what nobody opens."""
    yield
    keyring.forget()


def test_a_new_data_key_seals_it_anew(cast, rolled_back_keys):
    item = write_down(cast.practice, "soc2", Facts("sent"), REPORT)
    rotation.begin()
    assert rotation.reseal()["unreadable"] == 0
    assert document(PartnerItem.objects.get(pk=item.pk)) == REPORT.content


@pytest.mark.parametrize(
    "facts, tone, state",
    [
        (Facts("open"), "off", "Open"),
        (Facts("sent", sent_on=TODAY), "wait", "Sent"),
        (Facts("refused", decided_on=TODAY), "act", "Refused"),
        (Facts("accepted", decided_on=TODAY), "ok", "Accepted"),
        (Facts("accepted", decided_on=TODAY, valid_until=TODAY + timedelta(days=61)), "ok", "Accepted"),
        (Facts("accepted", decided_on=TODAY, valid_until=TODAY + timedelta(days=60)), "warn", "Ends in 60 days"),
        (Facts("accepted", decided_on=TODAY, valid_until=TODAY), "warn", "Ends in 0 days"),
        (Facts("accepted", decided_on=TODAY, valid_until=TODAY - timedelta(days=1)), "act", "Out of date"),
    ],
)
def test_the_state_says_what_is_due(cast, facts, tone, state):
    write_down(cast.practice, "soc2", facts)
    row = rows(cast.practice, TODAY)[1]
    assert (row.tone, row.state) == (tone, state)


def test_the_database_refuses_a_decision_before_it_was_sent_and_a_step_twice(cast):
    item = write_down(cast.practice, "soc2", Facts("sent", sent_on=TODAY))
    with pytest.raises(IntegrityError), transaction.atomic():
        write_down(cast.practice, "soc2", Facts("refused", "", TODAY, TODAY - timedelta(days=1)))
    with pytest.raises(IntegrityError), transaction.atomic():
        PartnerItem.objects.create(practice=cast.practice, step=item.step)


# --- the page -----------------------------------------------------------------------------------------------------------


def test_a_director_writes_a_step_down_and_fetches_its_document(client, cast):
    client.force_login(cast.dana)
    upload = SimpleUploadedFile("../../soc 2.pdf", REPORT.content)
    given = {"state": "sent", "owner": "Dana", "sent_on": "2026-05-01", "file": upload}
    assert client.post(STEP, given).url == PAGE
    page = client.get(PAGE).content.decode()
    assert "soc 2.pdf" in page
    assert "2026-05-01" in page
    file = client.get(reverse("portal:partner-file", args=["soc2"]))
    assert file.content == REPORT.content
    assert 'filename="soc 2.pdf"' in file["Content-Disposition"]
    assert "Dana" in client.get(STEP).content.decode()  # as it stands


@pytest.mark.parametrize(
    "given",
    [
        {"state": "gone"},
        {"state": "accepted"},
        {"state": "sent", "sent_on": "yesterday"},
        {"state": "refused", "sent_on": "2026-05-02", "decided_on": "2026-05-01"},
        {"state": "open", "file": SimpleUploadedFile("big", b"x" * (LARGEST_FILE + 1))},
        {"state": "open", "file": SimpleUploadedFile("empty", b"")},
    ],
    ids=["no state", "no day", "no date", "wrong order", "too large", "empty"],
)
def test_what_is_wrong_is_not_written_down(client, cast, given):
    client.force_login(cast.dana)
    assert client.post(STEP, given).status_code == 200
    assert not PartnerItem.objects.exists()


def test_there_are_these_steps_only_and_no_document_where_there_is_none(client, cast):
    client.force_login(cast.dana)
    assert client.get("/settings/partner/blood/").status_code == 404
    assert client.get(reverse("portal:partner-file", args=["soc2"])).status_code == 404


@pytest.mark.parametrize("who", ["ava", "omar", "mel"])
def test_it_is_the_directors(client, cast, who):
    write_down(cast.practice, "soc2", Facts("sent"), REPORT)
    client.force_login(getattr(cast, who))
    for address in (PAGE, STEP, reverse("portal:partner-file", args=["soc2"])):
        assert client.get(address).status_code == 403


def test_another_practice_has_its_own(client, cast):
    write_down(cast.practice, "soc2", Facts("sent", "Dana"), REPORT)
    client.force_login(cast.sam)
    assert client.get(reverse("portal:partner-file", args=["soc2"])).status_code == 404
    assert "Dana" not in client.get(STEP).content.decode()


# --- agreements that end --------------------------------------------------------------------------------------------------


def test_an_agreement_that_ends_closes_the_gate_with_the_next_day(cast, monkeypatch):
    """Nothing is changed at midnight, and what is kept in memory holds no longer than the day."""
    delivery = make_delivery(cast, "ready")
    cast.north.environment = "production"
    cast.north.save()
    cast.hl7.environment = "production"
    cast.hl7.save()
    last = date(2026, 5, 2)
    for kind, scribe in ((AgreementKind.BAA_SCRIBE, cast.scribe), (AgreementKind.BAA_ECW, None)):
        record_agreement(cast.practice, Terms(kind, "x", date(2026, 1, 1), last), scribe)
    delivery.location, delivery.connection = cast.north, cast.hl7
    asked = Asked()

    def gate(moment: datetime) -> str:
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
        return closed_gate(delivery, asked)

    midnight = datetime(2026, 5, 3, 4, 0, tzinfo=UTC)  # in New York
    assert gate(midnight - timedelta(seconds=1)) == ""
    assert gate(midnight) == "agreement_missing"


def test_an_agreement_that_ends_soon_is_warned_of(client, cast):
    ends = timezone.now().date() + timedelta(days=30)
    record_agreement(cast.practice, Terms(AgreementKind.BAA_ECW, "eClinicalWorks LLC", date(2026, 1, 1), ends))
    client.force_login(cast.dana)
    assert "Ends in 30 days" in client.get(reverse("portal:agreements")).content.decode()
