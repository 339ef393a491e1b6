"""What the settings pages say of keys, agreements and people: the state of each, to the day and the minute."""

from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from portal import agreements, keys, people
from portal.agreements import RENEWAL_DAYS, Terms
from portal.models import Agreement, ApiKey, Location, Membership, Role, Scribe, User
from portal.people import Person
from portal.queries.practice import (
    _agreement_state,
    _key_state,
    agreement_rows,
    key_rows,
    people_rows,
    production_gaps,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.get_default_timezone())
TODAY = date(2026, 5, 1)


# --- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expires, revoked, state",
    [
        (None, None, ("ok", "Works")),
        (timedelta(days=31), None, ("ok", "Works")),
        (timedelta(days=30), None, ("ok", "Works")),
        (timedelta(days=30, seconds=-1), None, ("warn", "Ends soon")),
        (timedelta(seconds=1), None, ("warn", "Ends soon")),
        (timedelta(0), None, ("off", "Expired")),
        (timedelta(days=-1), None, ("off", "Expired")),
        (None, timedelta(0), ("off", "Revoked")),
        (timedelta(days=300), timedelta(days=-5), ("off", "Revoked")),
        (timedelta(days=-300), timedelta(days=-5), ("off", "Revoked")),
    ],
    ids=str,
)
def test_the_state_of_a_key(expires, revoked, state):
    key = ApiKey(
        expires_at=None if expires is None else NOW + expires, revoked_at=None if revoked is None else NOW + revoked
    )
    assert _key_state(key, NOW) == state


def test_what_the_page_says_of_a_key_is_what_the_api_does(cast):
    for days in (-1, 1, 60):
        key, bearer = keys.create(cast.scribe, "sandbox", expires_at=timezone.now() + timedelta(days=days))
        opens = keys.authenticate(bearer) is not None
        assert (_key_state(key, timezone.now())[0] != "off") == opens
        keys.revoke(key)
        key.refresh_from_db()
        assert _key_state(key, timezone.now()) == ("off", "Revoked")
        assert keys.authenticate(bearer) is None


def test_scribes_are_listed_by_name_and_their_keys_newest_first(cast):
    Scribe.objects.create(practice=cast.practice, name="Aurora")
    made = [keys.create(cast.scribe, "sandbox")[0].pk for _ in range(3)]
    rows = key_rows(cast.practice)
    assert [row.scribe.name for row in rows] == ["Aurora", "Murmur Scribe"]
    assert [key.key.pk for key in rows[1].keys] == made[::-1]
    assert rows[0].keys == ()


def test_a_key_for_some_locations_names_them_and_one_for_all_names_none(cast):
    keys.create(cast.scribe, "sandbox", locations=[cast.north, cast.south])
    keys.create(cast.scribe, "sandbox")
    everywhere, some = key_rows(cast.practice)[0].keys
    assert everywhere.locations == ()
    assert set(some.locations) == {"North Clinic", "South Clinic"}


def test_the_list_of_keys_costs_the_same_however_long_it_is(cast, django_assert_num_queries):
    for _ in range(8):
        keys.create(cast.scribe, "sandbox", locations=[cast.north])
    with django_assert_num_queries(3):
        key_rows(cast.practice)


# --- agreements --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signed, expires, state",
    [
        (0, None, ("ok", "In force", True)),
        (1, None, ("wait", "Not yet in force", False)),
        (-10, -1, ("off", "Ended", False)),
        (-10, 0, ("warn", "Ends in 0 days", True)),
        (-10, 7, ("warn", "Ends in 7 days", True)),
        (-10, max(RENEWAL_DAYS), ("warn", f"Ends in {max(RENEWAL_DAYS)} days", True)),
        (-10, max(RENEWAL_DAYS) + 1, ("ok", "In force", True)),
        (5, 3, ("wait", "Not yet in force", False)),
    ],
)
def test_the_state_of_an_agreement(signed, expires, state):
    agreement = Agreement(
        signed_on=TODAY + timedelta(days=signed),
        expires_on=None if expires is None else TODAY + timedelta(days=expires),
    )
    assert _agreement_state(agreement, TODAY) == state


days = st.integers(-400, 400)


@given(signed=days, expires=st.none() | days)
def test_the_page_and_the_gate_agree_on_what_is_in_force(signed, expires):
    """The gate asks the database; this is its rule in Python (45 CFR 164.504(e))."""
    agreement = Agreement(
        signed_on=TODAY + timedelta(days=signed),
        expires_on=None if expires is None else TODAY + timedelta(days=expires),
    )
    gate = agreement.signed_on <= TODAY and (agreement.expires_on is None or agreement.expires_on >= TODAY)
    assert _agreement_state(agreement, TODAY)[2] == gate


@pytest.mark.parametrize("signed", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("expires", [None, -2, -1, 0, 1, 2])
def test_the_database_agrees_with_the_page(cast, signed, expires):
    today = timezone.now().date()
    agreement = Agreement.objects.create(
        practice=cast.practice,
        kind="baa_ecw",
        party="eCW",
        signed_on=today + timedelta(days=signed),
        expires_on=None if expires is None else today + timedelta(days=expires),
    )
    stands = agreements.in_force(cast.practice.pk, today).filter(pk=agreement.pk).exists()
    assert agreement_rows(cast.practice)[0].in_force == stands


def test_the_latest_agreement_comes_first_and_what_has_ended_stays(cast):
    for day in (1, 3, 2):
        terms = Terms("baa_ecw", f"eCW {day}", date(2026, 1, day), date(2026, 2, day))
        agreements.record_agreement(cast.practice, terms)
    assert [row.agreement.party for row in agreement_rows(cast.practice)] == ["eCW 3", "eCW 2", "eCW 1"]
    assert {row.state for row in agreement_rows(cast.practice)} == {"Ended"}


def test_an_ended_agreement_stops_what_it_allowed_the_same_day(cast):
    terms = Terms("baa_ecw", "eCW", date(2026, 1, 1))
    agreement = agreements.record_agreement(cast.practice, terms)
    assert agreements.in_force(cast.practice.pk, timezone.now().date()).exists()
    agreements.end(agreement)
    assert not agreements.in_force(cast.practice.pk, timezone.now().date()).exists()


def test_the_gaps_name_each_production_location_and_each_scribe(cast):
    Scribe.objects.create(practice=cast.practice, name="Aurora")
    Location.objects.filter(pk=cast.north.pk).update(environment="production")
    gaps = production_gaps(cast.practice)
    assert len(gaps) == 4
    assert all(gap.startswith("North Clinic: No business associate agreement with ") for gap in gaps)
    assert sum("Aurora" in gap for gap in gaps) == 1


def test_a_practice_in_the_sandbox_has_no_gaps(cast):
    assert production_gaps(cast.practice) == []


@pytest.mark.parametrize(
    "zone, at, day",
    [
        ("America/New_York", datetime(2026, 5, 2, 3, 59, tzinfo=timezone.get_default_timezone()), date(2026, 5, 1)),
        ("America/New_York", datetime(2026, 5, 2, 4, 0, tzinfo=timezone.get_default_timezone()), date(2026, 5, 2)),
        ("Pacific/Guam", datetime(2026, 5, 1, 14, 0, tzinfo=timezone.get_default_timezone()), date(2026, 5, 2)),
        ("Pacific/Pago_Pago", datetime(2026, 5, 1, 10, 59, tzinfo=timezone.get_default_timezone()), date(2026, 4, 30)),
    ],
)
def test_the_day_is_that_of_the_location(cast, monkeypatch, zone, at, day):
    monkeypatch.setattr("portal.agreements.timezone.now", lambda: at)
    cast.north.time_zone = zone
    assert agreements.today_at(cast.north) == day


@pytest.mark.parametrize("kind, scribe", [("baa_scribe", None), ("baa_ecw", "own"), ("baa_scribe", "foreign")])
def test_an_agreement_names_a_scribe_exactly_where_it_is_with_one(cast, kind, scribe):
    foreign = Scribe.objects.create(practice=cast.elsewhere.practice, name="Whisper")
    named = {"own": cast.scribe, "foreign": foreign, None: None}[scribe]
    with pytest.raises(ValueError, match="names one scribe of this practice"):
        agreements.record_agreement(cast.practice, Terms(kind, "X", date(2026, 1, 1)), named)
    assert not Agreement.objects.exists()


# --- people -------------------------------------------------------------------------------------------------------


def state_of(cast, username: str) -> tuple[str, str]:
    (row,) = [row for row in people_rows(cast.practice) if row.person.username == username]
    return row.tone, row.state


def test_the_state_of_an_account(cast):
    assert state_of(cast, "omar") == ("ok", "Active")
    people.disable(cast.practice, cast.omar)
    assert state_of(cast, "omar") == ("off", "Disabled")
    people.enable(cast.practice, cast.omar)
    assert state_of(cast, "omar") == ("ok", "Active")
    people.renew_password(cast.practice, cast.omar)
    assert state_of(cast, "omar") == ("wait", "Invited")
    User.objects.filter(pk=cast.omar.pk).update(one_time_until=timezone.now() - timedelta(minutes=1))
    assert state_of(cast, "omar") == ("warn", "Invitation expired")


def test_everybody_of_the_practice_is_listed_once_with_all_their_roles(cast):
    Membership.objects.create(user=cast.omar, practice=cast.practice, location=None, role=Role.AUDITOR)
    rows = {row.person.username: row.roles for row in people_rows(cast.practice)}
    assert list(rows) == ["ava", "dana", "mel", "omar"]
    assert set(rows["omar"]) == {"Operator (North Clinic)", "Auditor (every location)"}


def test_the_list_of_people_costs_the_same_however_long_it_is(cast, django_assert_num_queries):
    for number in range(6):
        people.invite(cast.practice, Person(f"nurse{number}"), Role.OPERATOR, cast.north)
    with django_assert_num_queries(2):
        assert len(people_rows(cast.practice)) == 10


def test_a_one_time_password_is_long_readable_and_never_the_same():
    made = {people.one_time_password() for _ in range(300)}
    assert len(made) == 300
    for password in made:
        groups = password.split("-")
        assert [len(group) for group in groups] == [4] * 5
        assert not set("".join(groups)) & set("il1o0"), "characters that look alike"


@pytest.mark.parametrize("role", ["", "emperor", "DIRECTOR"])
def test_a_role_that_does_not_exist_is_not_given(cast, role):
    with pytest.raises(people.NotAllowed):
        people.grant(cast.practice, cast.omar, role, None)


def test_nobody_works_for_two_practices(cast):
    with pytest.raises(people.NotAllowed, match="another practice"):
        people.grant(cast.practice, cast.sam, Role.OPERATOR, None)
    with pytest.raises(people.NotAllowed):
        people.grant(cast.practice, cast.omar, Role.OPERATOR, cast.elsewhere)


def test_a_practice_never_loses_its_last_director(cast):
    (directs,) = cast.dana.memberships.all()
    people.grant(cast.practice, cast.dana, Role.AUDITOR, None)
    for deed in (lambda: people.revoke(directs), lambda: people.disable(cast.practice, cast.dana)):
        with pytest.raises(people.NotAllowed, match="Nobody else directs"):
            deed()
    people.grant(cast.practice, cast.ava, Role.DIRECTOR, None)
    people.revoke(directs)
    assert cast.dana.memberships.get().role == Role.AUDITOR


def test_a_disabled_director_does_not_count_as_another(cast):
    people.grant(cast.practice, cast.ava, Role.DIRECTOR, None)
    people.disable(cast.practice, cast.ava)
    with pytest.raises(people.NotAllowed):
        people.disable(cast.practice, cast.dana)


def test_the_last_role_is_not_taken_but_the_account_disabled(cast):
    with pytest.raises(people.NotAllowed, match="disable the account instead"):
        people.revoke(cast.omar.memberships.get())
