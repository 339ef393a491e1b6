"""A scribe's keys: who they let in, and what a copy of the table is worth."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEvent
from portal import keys
from portal.models import ApiKey


def test_a_new_key_opens_for_its_scribe(cast):
    key, bearer = keys.create(cast.scribe, "sandbox")
    found = keys.authenticate(bearer)
    assert found == key
    assert found.scribe.practice == cast.practice


def test_checking_a_key_costs_one_query_with_scribe_and_practice(cast, django_assert_num_queries):
    _, bearer = keys.create(cast.scribe, "sandbox")
    with django_assert_num_queries(1):
        assert keys.authenticate(bearer).scribe.practice.code == "lakeside"


def test_what_is_stored_does_not_contain_the_key(cast):
    key, bearer = keys.create(cast.scribe, "sandbox")
    secret = bearer.partition("_")[2]
    stored = str(ApiKey.objects.filter(pk=key.pk).values()) + str(AuditEvent.objects.values())
    assert secret not in stored
    assert key.mac not in bearer


def test_two_keys_differ(cast):
    made = {keys.create(cast.scribe, "sandbox")[1] for _ in range(20)}
    assert len(made) == len({bearer[: keys.PREFIX] for bearer in made}) == 20
    assert all(len(bearer.partition("_")[2]) >= 43 for bearer in made)


def test_every_single_altered_character_is_refused(cast):
    _, bearer = keys.create(cast.scribe, "sandbox")
    for place, character in enumerate(bearer):
        altered = bearer[:place] + ("a" if character != "a" else "b") + bearer[place + 1 :]
        assert keys.authenticate(altered) is None
    for other in (bearer[:-1], bearer + "a", " " + bearer, bearer.upper(), bearer.partition("_")[0]):
        assert keys.authenticate(other) is None


@pytest.mark.parametrize("wild", ["", "_", "Bearer", "x" * 10_000, "sp_\x00", "prüfix_secret", "%", "' OR 1=1 --"])
def test_wild_input_is_refused(db, wild):
    assert keys.authenticate(wild) is None


@given(st.text(max_size=300))
def test_any_text_is_answered(text):
    if not text.isascii() or len(text) > keys.LONGEST:  # answered without the database
        assert keys.authenticate(text) is None


def test_an_expired_key_is_refused(cast):
    soon = timezone.now() + timedelta(hours=1)
    key, bearer = keys.create(cast.scribe, "sandbox", expires_at=soon)
    assert keys.authenticate(bearer) == key
    ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert keys.authenticate(bearer) is None


def test_a_revoked_key_is_refused_at_once_and_revoked_only_once(cast):
    key, bearer = keys.create(cast.scribe, "sandbox")
    keys.revoke(key)
    keys.revoke(key)
    assert keys.authenticate(bearer) is None
    assert AuditEvent.objects.filter(event="key.revoke").count() == 1


def test_making_and_revoking_are_recorded_with_the_prefix_only(cast):
    key, _ = keys.create(cast.scribe, "sandbox")
    keys.revoke(key)
    made, ended = AuditEvent.objects.filter(object_type="api_key").order_by("at")
    assert made.detail == {"prefix": key.prefix, "environment": "sandbox"}
    assert ended.detail == {"prefix": key.prefix}
    assert made.practice == ended.practice == "lakeside"


@pytest.mark.parametrize("scopes", [[], ["notes:write", "notes:delete"], ["*"]])
def test_unknown_scopes_are_refused(cast, scopes):
    with pytest.raises(ValueError):
        keys.create(cast.scribe, "sandbox", scopes=scopes)


def test_a_key_reaches_no_location_of_another_practice_or_environment(cast):
    with pytest.raises(ValueError):
        keys.create(cast.scribe, "sandbox", locations=[cast.elsewhere])
    with pytest.raises(ValueError):
        keys.create(cast.scribe, "production", locations=[cast.north])
    key, _ = keys.create(cast.scribe, "sandbox", locations=[cast.north])
    assert list(key.locations.all()) == [cast.north]
