"""What ends by itself is listed in the order of its end: of the locations in view, of what is in use, and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.keyring import KeysUnavailable
from portal.models import ApiKey, Connection, Location, OAuthGrant, Route, Scribe
from portal.queries import expiries as module
from portal.queries.expiries import expiries
from tests.portal.pem import Papers


@pytest.fixture(scope="module")
def papers() -> Papers:
    return Papers()


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Rows of another test had the same numbers."""
    module._client_certificate.cache_clear()


def key(cast, prefix: str, days: float | None, **other) -> ApiKey:
    ends = None if days is None else timezone.now() + timedelta(days=days)
    return ApiKey.objects.create(
        **{"scribe": cast.scribe, "prefix": prefix, "mac": "x", "environment": "sandbox", "expires_at": ends, **other}
    )


def listed(*locations: Location) -> list[str]:
    return [one.what for one in expiries(locations)]


def trusts(connection: Connection, pem: object) -> None:
    connection.settings = {**connection.settings, "ca_pem": pem}
    connection.save()


def proves(connection: Connection, papers: Papers) -> None:
    connection.set_secrets({"client_cert_pem": papers.certificate, "client_key_pem": papers.key})
    connection.revision += 1
    connection.save()


class TestAKey:
    def test_is_listed_with_its_end(self, cast):
        made = key(cast, "sk_1", 3)
        (one,) = expiries([cast.north])
        assert (one.what, one.ends, one.refused) == ("key sk_1 of a scribe", made.expires_at, False)

    def test_that_has_ended_is_listed_still_before_those_that_will(self, cast):
        key(cast, "sk_soon", 2)
        key(cast, "sk_over", -2)
        key(cast, "sk_late", 20)
        assert listed(cast.north) == [f"key {name} of a scribe" for name in ("sk_over", "sk_soon", "sk_late")]

    def test_without_an_end_is_not_listed(self, cast):
        key(cast, "sk_1", None)
        assert listed(cast.north) == []

    def test_that_was_revoked_ends_no_more(self, cast):
        key(cast, "sk_1", 3, revoked_at=timezone.now())
        assert listed(cast.north) == []

    def test_of_the_other_environment_is_not_in_view(self, cast):
        key(cast, "sk_1", 3, environment="production")
        assert listed(cast.north) == []
        Location.objects.filter(pk=cast.south.pk).update(environment="production")
        assert listed(cast.north, Location.objects.get(pk=cast.south.pk)) == ["key sk_1 of a scribe"]

    def test_of_another_practice_is_nobodys_business(self, cast):
        stranger = Scribe.objects.create(practice=cast.elsewhere.practice, name="Quill")
        key(cast, "sk_1", 3, scribe=stranger)
        assert listed(cast.north, cast.south) == []
        assert listed(cast.elsewhere) == ["key sk_1 of a scribe"]

    def test_names_no_secret_of_itself(self, cast):
        key(cast, "sk_1", 3, mac="5ecre7")
        assert "5ecre7" not in str(expiries([cast.north]))


class TestACertificate:
    def test_of_an_authority_is_listed_with_its_connection(self, cast, papers):
        trusts(cast.hl7, papers.ca)
        assert listed(cast.north) == ["CA certificate of eCW sandbox HL7"]

    def test_of_ones_own_is_listed_though_it_lies_among_the_secrets(self, cast, papers):
        proves(cast.hl7, papers)
        (one,) = expiries([cast.north])
        assert one.what == "client certificate of eCW sandbox HL7"
        assert "PRIVATE KEY" not in str(one)

    def test_that_has_ended_is_listed_before_a_key_that_will(self, cast, papers):
        key(cast, "sk_1", 3)
        trusts(cast.hl7, papers.expired)
        assert listed(cast.north) == ["CA certificate of eCW sandbox HL7", "key sk_1 of a scribe"]

    def test_of_a_chain_is_that_which_ends_first(self, cast, papers):
        trusts(cast.hl7, papers.ca + papers.expired)
        (one,) = expiries([cast.north])
        assert one.ends < timezone.now()

    @pytest.mark.parametrize(
        "odd", ["", None, 7, [], {}, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    )
    def test_that_is_none_hides_nothing_else(self, cast, odd):
        key(cast, "sk_1", 3)
        trusts(cast.hl7, odd)
        assert listed(cast.north) == ["key sk_1 of a scribe"]

    def test_of_a_connection_that_serves_many_ways_is_listed_once(self, cast, papers):
        trusts(cast.reader, papers.ca)
        for part in ("diagnoses", "medications"):
            Route.objects.create(location=cast.north, part=part, connection=cast.reader)
        assert listed(cast.north, cast.south) == ["CA certificate of eCW sandbox Open API"]

    def test_of_a_connection_that_is_switched_off_is_not(self, cast, papers):
        trusts(cast.hl7, papers.ca)
        Connection.objects.filter(pk=cast.hl7.pk).update(enabled=False)
        assert listed(cast.north) == []

    def test_of_a_connection_that_serves_another_location_is_not(self, cast, papers):
        trusts(cast.hl7, papers.ca)
        cast.north.routes.all().delete()
        assert listed(cast.north) == []
        assert listed(cast.south) == ["CA certificate of eCW sandbox HL7"]

    def test_that_was_replaced_is_read_anew(self, cast, papers):
        proves(cast.hl7, papers)
        (before,) = expiries([cast.north])
        cast.hl7.set_secrets({"client_cert_pem": papers.expired})
        cast.hl7.revision += 1
        cast.hl7.save()
        (after,) = expiries([cast.north])
        assert after.ends < timezone.now() < before.ends

    def test_is_opened_once_and_not_at_each_look(self, cast, papers, monkeypatch):
        proves(cast.hl7, papers)
        expiries([cast.north])
        monkeypatch.setattr(Connection, "secrets", lambda one: pytest.fail("opened again"))
        assert listed(cast.north) == ["client certificate of eCW sandbox HL7"]

    def test_among_secrets_that_do_not_open_hides_nothing_else(self, cast, papers):
        key(cast, "sk_1", 3)
        proves(cast.hl7, papers)
        Connection.objects.filter(pk=cast.hl7.pk).update(sealed_secrets=b"\1damaged")
        assert listed(cast.north) == ["key sk_1 of a scribe"]

    def test_is_seen_again_when_the_keys_are_back(self, cast, papers, monkeypatch):
        """What could not be opened for a moment is not taken for something that never ends."""
        proves(cast.hl7, papers)

        def away(one):
            raise KeysUnavailable("vault")

        with monkeypatch.context() as then:
            then.setattr(Connection, "secrets", away)
            assert listed(cast.north) == []
        assert listed(cast.north) == ["client certificate of eCW sandbox HL7"]


class TestASignIn:
    def test_that_was_refused_comes_before_all_that_has_an_end(self, cast):
        key(cast, "sk_over", -30)
        OAuthGrant.objects.create(connection=cast.reader, trouble="invalid_grant")
        first, second = expiries([cast.north])
        assert (first.what, first.ends, first.refused) == ("sign-in of eCW sandbox Open API", None, True)
        assert second.what == "key sk_over of a scribe"

    def test_that_works_is_not_listed_though_its_token_ends_in_a_minute(self, cast):
        OAuthGrant.objects.create(connection=cast.reader, expires_at=timezone.now() + timedelta(minutes=1))
        assert listed(cast.north) == []

    def test_of_a_connection_that_is_switched_off_is_not(self, cast):
        OAuthGrant.objects.create(connection=cast.reader, trouble="invalid_grant")
        Connection.objects.filter(pk=cast.reader.pk).update(enabled=False)
        assert listed(cast.north) == []

    def test_is_of_those_in_view_alone(self, cast):
        OAuthGrant.objects.create(connection=cast.reader, trouble="invalid_grant")
        assert listed(cast.elsewhere) == []


def test_where_nothing_is_in_view_nothing_ends(cast, papers):
    key(cast, "sk_1", 3)
    trusts(cast.hl7, papers.ca)
    assert expiries([]) == []


def test_looking_costs_the_same_however_many_keys_there_are(cast, django_assert_max_num_queries):
    for number in range(20):
        key(cast, f"sk_{number}", number)
    expiries([cast.north])
    with django_assert_max_num_queries(3):
        assert len(expiries([cast.north, cast.south])) == 20
