"""The slow-down of signing in as a rule: how many guesses a day it leaves, and that it never shuts an owner out."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEvent
from portal import signin
from portal.models import SignInAttempt, User
from portal.signin import ACCOUNT, PAIR, SOURCE, WINDOW, Slowdown

GOOD = "correct-horse-battery"
rules = st.builds(Slowdown, free=st.integers(1, 50), most=st.integers(1, 3600))


class Clock:
    """A time that stands still until it is moved; sign-in reads it wherever it asks for now."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    one = Clock()
    monkeypatch.setattr("portal.signin.timezone.now", lambda: one.now)
    return one


def tried(name: str, password: str, source: str, client: Client | None = None):
    data = {"username": name, "password": password}
    return (client or Client()).post(reverse("portal:sign-in"), data, REMOTE_ADDR=source)


@given(rules, st.integers(0, 10_000))
def test_the_first_tries_are_free_and_no_wait_is_longer_than_the_most(rule, failures):
    wait = rule.wait(failures)
    assert 0 <= wait <= rule.most
    assert (wait == 0) == (failures < rule.free)


@given(rules, st.integers(0, 500))
def test_no_failure_ever_shortens_the_wait(rule, failures):
    assert rule.wait(failures) <= rule.wait(failures + 1)


@given(rules)
def test_the_wait_doubles_from_one_second(rule):
    assert rule.wait(rule.free) == 1
    for more in range(5):
        assert rule.wait(rule.free + more + 1) in (2 * rule.wait(rule.free + more), rule.most)


def test_a_million_failures_cost_no_more_to_judge():
    assert PAIR.wait(10**9) == PAIR.most


def guesses(rule: Slowdown, seconds: float) -> int:
    """How many tries an attacker gets examined who comes back the moment it is allowed, and never forgets."""
    made, left = 0, seconds
    while left >= 0:
        made += 1
        left -= rule.wait(made)
    return made


@pytest.mark.parametrize("rule, most", [(PAIR, 110), (ACCOUNT, 1500), (SOURCE, 140)], ids=["pair", "account", "source"])
def test_a_day_of_guessing_is_worth_little(rule, most):
    assert guesses(rule, 24 * 3600) <= most


def test_the_wait_of_an_account_is_a_slow_down_and_no_lock_out():
    assert ACCOUNT.most <= 60
    assert timedelta(hours=1) >= WINDOW


def test_who_waits_as_told_is_examined(cast, clock):
    for _ in range(PAIR.free):
        tried("dana", "wrong", "10.0.0.1")
    answer = tried("dana", GOOD, "10.0.0.1")
    assert answer.status_code == 429
    clock.forward(int(answer.headers["Retry-After"]))
    assert tried("dana", GOOD, "10.0.0.1").status_code == 302


def test_the_waits_grow_while_somebody_goes_on_guessing(cast, clock):
    waits = []
    for _ in range(PAIR.free + 6):
        answer = tried("dana", "wrong", "10.0.0.1")
        if answer.status_code == 429:
            waits.append(int(answer.headers["Retry-After"]))
            clock.forward(waits[-1])
            assert tried("dana", "wrong", "10.0.0.1").status_code == 200
    assert waits == sorted(waits)
    assert waits[-1] >= 16


def test_a_pause_of_the_window_forgets_it_all(cast, clock):
    for _ in range(PAIR.free):
        tried("dana", "wrong", "10.0.0.1")
    clock.forward(WINDOW.total_seconds() + 1)
    assert [tried("dana", "wrong", "10.0.0.1").status_code for _ in range(PAIR.free)] == [200] * PAIR.free


def test_the_owner_at_another_address_is_not_slowed_down_by_one_guesser(cast, clock):
    for _ in range(PAIR.free + 3):
        tried("dana", "wrong", "10.0.0.1")
    assert tried("dana", GOOD, "10.0.0.2").status_code == 302


def test_other_accounts_of_the_same_address_are_not_slowed_down_by_a_few_failures(cast, clock):
    for _ in range(PAIR.free + 3):
        tried("dana", "wrong", "10.0.0.1")
    assert tried("mel", GOOD, "10.0.0.1").status_code == 302


def test_a_colleague_signs_in_at_an_address_that_sprays_if_they_did_before(cast, clock):
    assert tried("mel", GOOD, "10.0.0.1").status_code == 302
    clock.forward(3600)
    for number in range(SOURCE.free + 2):
        tried(f"user{number}", "Spring2026!", "10.0.0.1")
    assert tried("new", "Spring2026!", "10.0.0.1").status_code == 429
    assert tried("mel", GOOD, "10.0.0.1").status_code == 302


def test_tries_that_came_too_early_are_neither_counted_nor_recorded(cast, clock):
    for _ in range(PAIR.free):
        tried("dana", "wrong", "10.0.0.1")
    for _ in range(20):
        tried("dana", "wrong", "10.0.0.1")
    assert SignInAttempt.objects.count() == PAIR.free
    assert AuditEvent.objects.filter(event="auth.login.fail").count() == PAIR.free


def test_what_came_too_early_is_not_even_looked_at(cast, clock, monkeypatch):
    for _ in range(PAIR.free):
        tried("dana", "wrong", "10.0.0.1")

    def fail(*_, **__):
        raise AssertionError("examined")

    monkeypatch.setattr(signin, "authenticate", fail)
    assert tried("dana", GOOD, "10.0.0.1").status_code == 429


def test_an_unknown_name_waits_exactly_as_a_known_one(cast, clock):
    """Or the waits would tell who exists."""

    def course(name: str) -> list[tuple[int, str | None]]:
        answers = [tried(name, "wrong", f"10.7.{len(name)}.1") for _ in range(PAIR.free + 3)]
        return [(answer.status_code, answer.headers.get("Retry-After")) for answer in answers]

    assert course("dana") == course("nobody")


@pytest.mark.parametrize("name, password", [("dana", "wrong"), ("nobody", GOOD), ("mel", GOOD)])
def test_the_page_says_the_same_whoever_it_was(cast, name, password):
    User.objects.filter(pk=cast.mel.pk).update(is_active=False)
    answer = tried(name, password, "10.0.0.1")
    assert answer.status_code == 200
    assert answer.context["form"].non_field_errors() == ["User name or password is wrong."]
    assert GOOD not in answer.content.decode()


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_only_a_posted_form_is_a_try(cast, method):
    getattr(Client(), method)(reverse("portal:sign-in"), {"username": "dana", "password": GOOD})
    assert not SignInAttempt.objects.exists()


@pytest.mark.django_db
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=150))
def test_any_name_is_an_account_of_fixed_length(name):
    assert len(signin.account_of(name)) == 32
