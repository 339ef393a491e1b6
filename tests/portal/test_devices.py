"""Known browsers: wrong tries of strangers keep nobody out, and a browser gains no more than guesses of its own."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEvent
from portal.devices import COOKIE, KEPT, MOST_ACCOUNTS, Device, device_of, remember
from portal.models import SignInAttempt
from portal.signin import ACCOUNT, DEVICE, PAIR, SOURCE, account_of

GOOD = "correct-horse-battery"
CLINIC = "10.0.0.7"  # the one address of everybody in the clinic


def post(client, name="dana", password=GOOD, source=CLINIC):
    data = {"username": name, "password": password}
    return client.post(reverse("portal:sign-in"), data, REMOTE_ADDR=source)


def known(name="dana", source=CLINIC) -> Client:
    """A browser with which this person has signed in and out again."""
    client = Client()
    assert post(client, name, source=source).status_code == 302
    client.post(reverse("portal:sign-out"), REMOTE_ADDR=source)
    return client


def hammer(times: int, name="dana", source=CLINIC) -> int:
    """A stranger's wrong tries; the status of the last."""
    stranger, status = Client(), 0
    for _ in range(times):
        status = post(stranger, name, "wrong", source).status_code
    return status


def with_cookie(value: str) -> HttpRequest:
    request = HttpRequest()
    request.COOKIES[COOKIE] = value
    return request


def kept(device: Device) -> str:
    response = HttpResponse()
    remember(response, device)
    return response.cookies[COOKIE].value


def test_a_browser_is_remembered_with_its_accounts():
    device = device_of(HttpRequest()).with_account("a1").with_account("b2")
    assert device_of(with_cookie(kept(device))) == device
    assert device.knows("a1")
    assert not device.knows("c3")


@given(st.text(max_size=300))
def test_a_cookie_that_is_not_ours_is_a_new_browser(value):
    device = device_of(with_cookie(value))
    assert device.accounts == ()
    assert len(device.id) == 16


def test_two_new_browsers_are_told_apart():
    assert device_of(HttpRequest()).id != device_of(HttpRequest()).id


def test_an_altered_cookie_opens_nothing():
    cookie = kept(Device("0" * 16, ("a1",)))
    for place in (0, len(cookie) // 2, len(cookie) - 1):
        altered = cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
        assert not device_of(with_cookie(altered)).knows("a1")


def test_a_browser_is_forgotten_after_a_month(monkeypatch):
    cookie = kept(Device("0" * 16, ("a1",)))
    monkeypatch.setattr("django.core.signing.time.time", lambda: timezone.now().timestamp() + KEPT.total_seconds() + 60)
    assert not device_of(with_cookie(cookie)).knows("a1")


@given(st.lists(st.sampled_from([f"account{n}" for n in range(20)]), max_size=60))
def test_a_browser_keeps_the_last_ten_accounts_each_once(accounts):
    device = Device("0" * 16)
    for account in accounts:
        device = device.with_account(account)
    assert len(device.accounts) == len(set(device.accounts)) <= MOST_ACCOUNTS
    assert not accounts or device.accounts[-1] == accounts[-1]
    assert set(device.accounts) <= set(accounts)


def test_the_cookie_names_nobody_and_no_script_reads_it(db, cast):
    answer = post(Client())
    cookie = answer.cookies[COOKIE]
    assert "dana" not in cookie.value
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == int(KEPT.total_seconds())


def test_in_production_the_cookie_travels_by_tls_alone(settings):
    settings.SESSION_COOKIE_SECURE = True
    response = HttpResponse()
    remember(response, Device("0" * 16))
    assert response.cookies[COOKIE]["secure"]


def test_a_failed_try_leaves_no_cookie(cast):
    assert COOKIE not in post(Client(), password="wrong").cookies


def test_a_stranger_at_the_same_address_keeps_nobody_out(cast):
    mine = known()
    assert hammer(PAIR.free + 3) == 429
    assert post(mine).status_code == 302


def test_strangers_all_over_the_world_keep_nobody_out_who_is_on_the_road(cast):
    mine = known()
    for number in range(ACCOUNT.free + 2):
        hammer(1, source=f"10.1.0.{number}")
    assert hammer(1, source="10.2.0.1") == 429
    assert post(mine, source="10.3.0.1").status_code == 302, "the browser is known, though the address is new"


def test_spraying_from_the_clinics_address_keeps_nobody_out(cast):
    mine = known()
    for number in range(SOURCE.free + 1):
        hammer(1, name=f"user{number}")
    assert hammer(1, name="one-more") == 429
    assert post(mine).status_code == 302


def test_a_known_browser_is_slowed_down_by_its_own_wrong_tries(cast):
    mine = known()
    statuses = [post(mine, password="wrong").status_code for _ in range(PAIR.free + 1)]
    assert statuses == [200] * PAIR.free + [429]


def test_a_stolen_cookie_does_not_slow_down_the_owners_other_browser(cast):
    desk, phone = known(), known()
    for _ in range(PAIR.free + 1):
        post(desk, password="wrong")
    assert post(desk).status_code == 429
    assert post(phone).status_code == 302


def test_a_browser_is_known_for_its_own_accounts_only(cast):
    mels = known("mel")
    assert hammer(PAIR.free + 1) == 429
    assert post(mels, "dana").status_code == 429, "mel's browser is a stranger to dana's account"
    assert post(mels, "mel").status_code == 302


def test_colleagues_share_one_browser(cast):
    shared = known("mel")
    assert post(shared, "dana").status_code == 302
    shared.post(reverse("portal:sign-out"))
    for name in ("mel", "dana"):
        hammer(PAIR.free + 1, name)
        assert post(shared, name).status_code == 302
        shared.post(reverse("portal:sign-out"))


def test_what_was_typed_stands_neither_in_the_cookie_nor_in_the_rows(cast):
    mine = known()
    post(mine, "my-secret-password", "x")
    assert "my-secret" not in str(SignInAttempt.objects.values()) + str(AuditEvent.objects.values())
    assert SignInAttempt.objects.filter(source__startswith=DEVICE).count() == 0
    post(mine, "dana", "x")
    assert SignInAttempt.objects.filter(source__startswith=DEVICE).count() == 1


def test_the_row_of_a_try_holds_a_browsers_name_or_the_longest_address(db):
    longest = max(len(DEVICE) + 16, len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"))
    assert longest <= SignInAttempt._meta.get_field("source").max_length


def test_a_name_in_other_letters_is_the_same_account(db):
    assert account_of("Dana ") == account_of("dana")
    assert account_of("dana") != account_of("dena")


def test_old_tries_are_swept_when_somebody_signs_in(cast):
    old = timezone.now() - KEPT - timedelta(minutes=1)
    SignInAttempt.objects.create(account="0" * 32, source="10.9.9.9", at=old, ok=False)
    known()
    assert not SignInAttempt.objects.filter(account="0" * 32).exists()
