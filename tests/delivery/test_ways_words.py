"""What a probe says of what it could not ask, without sending anything: unknown is never left out and never a yes."""

import pytest

from delivery.channels.base import Unavailable
from delivery.models import ReceiverProfile
from delivery.probe import CannotProbe, Finding
from delivery.ways import capabilities
from delivery.ways.capabilities import UNKNOWN, Capability, expected, methods, reading, rights, used_at, writing
from portal.models import Connection, Route
from tests.delivery.fhir import fhir_connection

pytestmark = pytest.mark.django_db
BLANK = Capability(1, "line", "", "", UNKNOWN)


def raising(error):
    def refuse(*_, **__):
        raise error

    return refuse


@pytest.fixture
def fhir(cast):
    return fhir_connection(cast, "http://127.0.0.1:1")


class TestRights:
    def test_of_a_person_are_not_asked_for_one_by_one(self, fhir):
        fhir.settings["grant"] = "authorization_code"
        assert list(rights(fhir, BLANK)) == []

    @pytest.mark.parametrize("error", [Unavailable("dns"), ValueError("no key")])
    def test_are_unknown_where_the_server_cannot_be_asked(self, fhir, monkeypatch, error):
        monkeypatch.setattr(capabilities.asking, "check_each", raising(error))
        assert [(row.key, row.outcome) for row in rights(fhir, BLANK)] == [("scopes", UNKNOWN)]

    def test_that_are_refused_say_why(self, fhir, monkeypatch):
        found = {"system/Binary.read": "scope_refused", "system/DocumentReference.read": ""}
        monkeypatch.setattr(capabilities.asking, "check_each", lambda _: found)
        rows = {row.key: row for row in rights(fhir, BLANK)}
        assert [rows[f"scope:{scope}"].outcome for scope in found] == ["no", "yes"]
        assert rows["scope:system/Binary.read"].says not in ("", "Granted.")


class TestMethods:
    def listed(self, fhir, monkeypatch, said):
        monkeypatch.setattr(capabilities.FhirClient, "capability", lambda _: said)
        return {row.key: row for row in methods(fhir, BLANK)}

    def test_are_unknown_where_the_base_does_not_say(self, fhir, monkeypatch):
        monkeypatch.setattr(capabilities.FhirClient, "capability", raising(Unavailable("read_unreadable")))
        assert [(row.key, row.outcome) for row in methods(fhir, BLANK)] == [("methods", UNKNOWN)]

    def test_count_where_a_type_can_be_searched_or_read(self, fhir, monkeypatch):
        resources = [
            {"type": "Patient", "interaction": [{"code": "read"}]},
            {"type": "Encounter", "interaction": [{"code": "search-type"}]},
            {"type": "Condition", "interaction": [{"code": "create"}]},
        ]
        rows = self.listed(fhir, monkeypatch, {"rest": [{"resource": resources}]})
        kinds = ("Patient", "Encounter", "Condition", "Observation")
        assert [rows[f"reads:{kind}"].outcome for kind in kinds] == ["yes", "yes", "no", "no"]
        assert rows["reads:Observation"].says == "Not listed."

    @pytest.mark.parametrize("said", [{}, {"rest": None}, {"rest": [{}]}, {"rest": [{"resource": [{"type": "X"}]}]}])
    def test_of_a_base_that_lists_nothing_are_all_absent(self, fhir, monkeypatch, said):
        assert {row.outcome for row in self.listed(fhir, monkeypatch, said).values()} == {"no"}


class TestWriting:
    @pytest.mark.parametrize("error", [CannotProbe("Name a test patient first."), ValueError("Host is missing.")])
    def test_that_cannot_be_tried_is_named_and_the_rest_unknown(self, cast, monkeypatch, error):
        monkeypatch.setattr(capabilities, "probe", raising(error))
        rows = writing(cast.hl7, cast.north, BLANK)
        assert (rows[0].outcome, rows[0].says) == ("no", str(error))
        assert [(row.key, row.outcome) for row in rows[1:]] == [("repeat", UNKNOWN), ("read_back", UNKNOWN)]

    @pytest.mark.parametrize("filings, ignores", [(1, "yes"), (2, "no")])
    def test_says_what_a_repeat_does(self, cast, monkeypatch, filings, ignores):
        found = Finding(ReceiverProfile.READBACK, filings, 0.4, said_not_there=True)
        monkeypatch.setattr(capabilities, "probe", lambda *_: found)
        monkeypatch.setattr(capabilities, "sections", lambda *_: [])
        rows = {row.key: row for row in writing(cast.hl7, cast.north, BLANK)}
        assert rows["repeat"].outcome == ignores
        assert (rows["read_back"].outcome, rows["read_back"].says) == ("yes", "Found after 0.4 s.")

    def test_that_is_not_found_is_no_statement_about_repeats(self, cast, monkeypatch):
        found = Finding(ReceiverProfile.BLIND, 0, None, said_not_there=True)
        monkeypatch.setattr(capabilities, "probe", lambda *_: found)
        rows = {row.key: row.outcome for row in writing(cast.hl7, cast.north, BLANK)}
        assert rows == {"write": "yes", "answer_time": "yes", "repeat": UNKNOWN, "read_back": "no"}


class TestReading:
    @pytest.mark.parametrize(
        "error, outcome",
        [
            (CannotProbe("Name a test patient."), UNKNOWN),
            (Unavailable("read_forbidden"), "no"),
            (ValueError("x"), "no"),
        ],
    )
    def test_that_fails_says_why(self, cast, monkeypatch, error, outcome):
        monkeypatch.setattr(capabilities, "open_reader", raising(error))
        row = reading(cast.reader, BLANK)
        assert row.outcome == outcome
        assert row.says


@pytest.mark.parametrize(
    "sends, reads, keys",
    [
        (True, True, ["write", "repeat", "read_back", "read"]),
        (True, False, ["write", "repeat", "read_back"]),
        (False, True, ["read"]),
        (False, False, []),
    ],
)
def test_of_a_connection_that_does_not_answer_all_that_would_have_been_asked_is_unknown(sends, reads, keys):
    assert [key for key, _ in expected(sends, reads)] == keys


def test_only_what_the_location_uses_and_may_use_is_probed(cast):
    spare = Connection.objects.create(practice=cast.practice, name="Spare", kind="hl7", environment="sandbox")
    assert set(used_at(cast.north)) == {cast.hl7, cast.reader}
    Route.objects.create(location=cast.north, part="note", position=2, connection=spare)
    assert set(used_at(cast.north)) == {spare, cast.hl7, cast.reader}
    Connection.objects.filter(pk=spare.pk).update(enabled=False)
    Connection.objects.filter(pk=cast.reader.pk).update(environment="production")
    assert used_at(cast.north) == [cast.hl7]
