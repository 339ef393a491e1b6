"""OAuth tokens at rest: whose turn it is to renew them, what is sealed, what a trouble tells and how it ends."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from portal import crypto, tokens
from portal.models import Connection, OAuthGrant
from portal.tokens import Held, Issued

NOW = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=300)


@pytest.fixture
def connection(cast) -> Connection:
    return Connection.objects.create(
        practice=cast.practice, name="FHIR", kind="fhir", environment="sandbox", settings={}
    )


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    monkeypatch.setattr(tokens.timezone, "now", lambda: NOW)


def issued(access="access-1", refresh="refresh-1", expires_at=LATER) -> Issued:
    return Issued(access, refresh, expires_at, ("system/DocumentReference.write",))


class TestWhatIsHeld:
    def test_is_nothing_at_first(self, connection):
        held = tokens.held(connection)
        assert (held.access, held.refresh, held.generation, held.trouble) == ("", "", 0, "")
        assert not held.lasts(0)

    def test_is_what_was_stored(self, connection):
        tokens.held(connection)
        assert tokens.store(connection, 0, issued()) is True
        held = tokens.held(connection)
        assert (held.access, held.refresh, held.expires_at, held.generation) == ("access-1", "refresh-1", LATER, 1)

    def test_is_sealed_for_this_connection(self, connection):
        tokens.held(connection)
        tokens.store(connection, 0, issued())
        sealed = bytes(OAuthGrant.objects.get(connection=connection).sealed_tokens)
        assert b"access-1" not in sealed
        plain = crypto.unseal(sealed, table="grant", column="tokens", row=connection.pk)
        assert json.loads(plain) == {"access_token": "access-1", "refresh_token": "refresh-1"}

    def test_of_another_connection_does_not_open_here(self, cast, connection):
        other = Connection.objects.create(
            practice=cast.practice, name="Other", kind="fhir", environment="sandbox", settings={}
        )
        for each in (connection, other):
            tokens.held(each)
            tokens.store(each, 0, issued())
        stolen = bytes(OAuthGrant.objects.get(connection=other).sealed_tokens)
        OAuthGrant.objects.filter(connection=connection).update(sealed_tokens=stolen)
        with pytest.raises(crypto.CannotOpen):
            tokens.held(connection)

    def test_shows_no_token_when_it_is_printed(self, connection):
        tokens.held(connection)
        tokens.store(connection, 0, issued())
        printed = repr(tokens.held(connection)) + repr(issued())
        assert "access-1" not in printed
        assert "refresh-1" not in printed

    def test_names_the_scopes_that_were_granted(self, connection):
        tokens.held(connection)
        tokens.store(connection, 0, issued())
        assert OAuthGrant.objects.get(connection=connection).scopes == ["system/DocumentReference.write"]


class TestHowLongATokenLasts:
    @pytest.mark.parametrize("seconds, lasts", [(0, True), (299, True), (300, False), (301, False)])
    def test_is_to_its_end_and_not_at_it(self, seconds, lasts):
        assert Held("a", "", LATER, 1).lasts(seconds) is lasts

    def test_is_for_ever_where_no_end_was_named(self):
        assert Held("a", "", None, 1).lasts(10**6) is True

    def test_is_not_at_all_without_a_token(self):
        assert Held("", "r", LATER, 1).lasts(0) is False


class TestWhoseTurnItIs:
    def test_the_first_gets_it_and_the_second_does_not(self, connection):
        tokens.held(connection)
        assert tokens.take_turn(connection, 0, "one", 30) is True
        assert tokens.take_turn(connection, 0, "two", 30) is False

    def test_not_even_the_same_gets_it_twice(self, connection):
        tokens.held(connection)
        assert tokens.take_turn(connection, 0, "one", 30) is True
        assert tokens.take_turn(connection, 0, "one", 30) is False

    def test_one_that_was_given_back_is_free(self, connection):
        tokens.held(connection)
        tokens.take_turn(connection, 0, "one", 30)
        tokens.leave_turn(connection, "one")
        assert tokens.take_turn(connection, 0, "two", 30) is True

    def test_nobody_gives_back_anothers(self, connection):
        tokens.held(connection)
        tokens.take_turn(connection, 0, "one", 30)
        tokens.leave_turn(connection, "two")
        assert tokens.take_turn(connection, 0, "two", 30) is False

    def test_one_that_ran_out_by_the_databases_clock_is_free(self, connection):
        tokens.held(connection)
        tokens.take_turn(connection, 0, "one", 30)
        OAuthGrant.objects.filter(connection=connection).update(renewing_until=datetime(2020, 1, 1, tzinfo=UTC))
        assert tokens.take_turn(connection, 0, "two", 30) is True

    def test_nobody_gets_it_for_tokens_that_were_renewed_meanwhile(self, connection):
        tokens.held(connection)
        tokens.store(connection, 0, issued())
        assert tokens.take_turn(connection, 0, "late", 30) is False
        assert tokens.take_turn(connection, 1, "late", 30) is True

    def test_storing_ends_it(self, connection):
        tokens.held(connection)
        tokens.take_turn(connection, 0, "one", 30)
        tokens.store(connection, 0, issued())
        row = OAuthGrant.objects.get(connection=connection)
        assert (row.renewing_by, row.renewing_until) == ("", None)


class TestStoring:
    def test_over_a_newer_generation_is_refused(self, connection):
        """Two who renewed at once: the later answer would burn the earlier one's refresh token."""
        tokens.held(connection)
        assert tokens.store(connection, 0, issued("first")) is True
        assert tokens.store(connection, 0, issued("second")) is False
        assert tokens.held(connection).access == "first"

    def test_raises_the_generation_by_one(self, connection):
        tokens.held(connection)
        for generation in range(3):
            assert tokens.store(connection, generation, issued(f"access-{generation}")) is True
        assert tokens.held(connection).generation == 3

    def test_forgives_the_trouble_of_before(self, connection):
        tokens.held(connection)
        OAuthGrant.objects.filter(connection=connection).update(trouble="oauth_denied", retry_at=LATER)
        tokens.store(connection, 0, issued())
        held = tokens.held(connection)
        assert (held.trouble, held.retry_at, held.resting) == ("", None, False)


class TestConnecting:
    def test_takes_the_place_of_whatever_was_there(self, connection):
        tokens.held(connection)
        tokens.store(connection, 0, issued("old"))
        tokens.connect(connection, issued("new"))
        assert tokens.held(connection).access == "new"

    def test_is_recorded_without_the_token(self, connection):
        tokens.connect(connection, issued("new-token"))
        event = AuditEvent.objects.get(event="connection.authorize")
        assert (event.practice, event.object_type, event.object_id) == ("lakeside", "connection", str(connection.pk))
        assert "new-token" not in str(event.detail)

    def test_makes_the_row_where_there_was_none(self, connection):
        tokens.connect(connection, issued())
        assert OAuthGrant.objects.filter(connection=connection).count() == 1


class TestTrouble:
    def test_without_a_time_rests_until_a_person_acts(self):
        assert Held("", "", None, 1, "oauth_denied", None).resting is True

    def test_with_a_time_to_come_rests_until_then(self):
        assert Held("", "", None, 1, "oauth_server_error", LATER).resting is True

    def test_with_a_time_that_is_past_rests_no_more(self):
        assert Held("", "", None, 1, "oauth_server_error", NOW - timedelta(seconds=1)).resting is False

    def test_that_is_none_never_rests(self):
        assert Held("a", "", None, 1).resting is False

    def test_that_was_repaired_is_forgiven(self, connection):
        tokens.held(connection)
        OAuthGrant.objects.filter(connection=connection).update(trouble="oauth_server_error", retry_at=LATER)
        tokens.forgive(connection)
        assert tokens.held(connection).resting is False

    def test_that_only_a_person_can_end_is_not_forgiven_by_a_button(self, connection):
        tokens.held(connection)
        OAuthGrant.objects.filter(connection=connection).update(trouble="oauth_denied", retry_at=None)
        tokens.forgive(connection)
        assert tokens.held(connection).resting is True

    def test_ends_with_everything_else_when_the_connection_leads_elsewhere(self, connection):
        tokens.connect(connection, issued())
        tokens.drop(connection)
        assert tokens.held(connection).access == ""
        assert tokens.held(connection).generation == 0


def test_the_clock_of_these_tests_is_the_one_the_tokens_ask():
    assert tokens.timezone.now() == NOW
    assert timezone.now() == NOW
