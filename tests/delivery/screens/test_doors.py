"""Every address of the deliveries, for every role, for strangers and for the practice next door."""

import pytest
from django.db import transaction
from django.urls import reverse

from audit.models import AuditEvent
from delivery.deeds import DEEDS
from delivery.doors import ACTS, READS_AUDIT, READS_CONTENT
from delivery.models import Delivery, Move
from delivery.states import State
from portal.models import Membership, Role, User
from portal.navigation import SEES_NOTES
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db

ROLES = list(Role)
CONTENT = ("sections", "message", "attempts")
# The address, its verb and whose roles open it; the delivery's key stands for {}.
LOOKS = {
    "the page": ("get", "/deliveries/{}/", SEES_NOTES),
    "its timeline": ("get", "/deliveries/{}/?tab=timeline", SEES_NOTES),
    "its audit tab": ("get", "/deliveries/{}/?tab=audit", SEES_NOTES),
    **{f"the {tab} in clear": ("post", f"/deliveries/{{}}/content/{tab}/", READS_CONTENT) for tab in CONTENT},
    "the patient in clear": ("post", "/deliveries/{}/patient/", READS_CONTENT),
}
DOINGS = {f"to {deed.verb}": ("post", f"/deliveries/{{}}/act/{deed.verb}/", ACTS) for deed in DEEDS}
DOORS = LOOKS | DOINGS
LISTS = ["/deliveries/", "/deliveries/rows/", "/deliveries/?state=attention", "/deliveries/rows/?range=24h"]
REASON = {"reason": "the nurse asked for it"}


def person(cast, role: Role, location=None, practice=None) -> User:
    user = User.objects.create_user(f"{role}-{location or 'all'}", password="correct-horse-battery")
    Membership.objects.create(user=user, practice=practice or cast.practice, location=location, role=role)
    return user


def open_door(client, door: str, delivery: Delivery):
    method, address, _ = DOORS[door]
    return getattr(client, method)(address.format(delivery.pk), REASON if method == "post" else None)


def acted(delivery: Delivery) -> bool:
    return Move.objects.filter(delivery=delivery, actor__startswith="director").exists()


def opened(client, door: str, delivery: Delivery):
    """What is answered at a door; what was done there is taken back."""
    with transaction.atomic():
        answer = open_door(client, door, delivery)
        transaction.set_rollback(True)
    return answer


@pytest.mark.alike  # on the servers each address is asked in tests/structure/test_doors.py
@pytest.mark.parametrize("role", ROLES)
def test_a_door_opens_for_its_roles_and_refuses_the_others(cast, client, role):
    delivery = make_delivery(cast, State.VERIFIED)
    client.force_login(person(cast, role))
    for door, (_, _, roles) in DOORS.items():
        answer = opened(client, door, delivery)
        assert answer.status_code in ((200, 302) if role in roles else (403,)), door
        assert role in roles or b"Okafor" not in answer.content, door


@pytest.mark.alike  # on the servers each address is asked in tests/structure/test_doors.py
@pytest.mark.parametrize("role", ROLES)
def test_the_practice_next_door_does_not_exist_whatever_the_role(cast, client, role):
    delivery = make_delivery(cast, State.PARKED)
    client.force_login(person(cast, role, practice=cast.elsewhere.practice))
    for door in DOORS:
        assert open_door(client, door, delivery).status_code == 404, door
        delivery.refresh_from_db()
        assert delivery.state == State.PARKED, door


def test_another_location_of_the_same_practice_does_not_exist_either(cast, client):
    delivery = make_delivery(cast, State.VERIFIED, location=cast.south)
    client.force_login(person(cast, Role.OPERATOR, location=cast.north))
    assert {door: open_door(client, door, delivery).status_code for door in DOORS} == dict.fromkeys(DOORS, 404)


def test_a_delivery_that_never_was_is_told_from_a_foreign_one_by_nothing(cast, client):
    foreign, never = make_delivery(cast, State.VERIFIED), Delivery(pk=10**15)
    client.force_login(cast.sam)
    for door in DOORS:
        answers = [open_door(client, door, one).status_code for one in (foreign, never)]
        assert answers == [404, 404], door


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_nothing_happens(cast, client):
    delivery = make_delivery(cast, State.PARKED)
    for door in DOORS:
        answer = open_door(client, door, delivery)
        assert answer.status_code == 302, door
        assert answer.url.startswith(reverse("portal:sign-in")), door
        delivery.refresh_from_db()
        assert delivery.state == State.PARKED, door


POSTED = [name for name, (method, *_) in DOORS.items() if method == "post"]


def test_nothing_is_done_or_opened_by_following_a_link(cast, client):
    delivery = make_delivery(cast, State.PARKED)
    client.force_login(cast.dana)
    for door in POSTED:
        assert client.get(DOORS[door][1].format(delivery.pk)).status_code == 405, door
    assert not AuditEvent.objects.filter(event="note.view").exists()


def test_nothing_is_done_or_opened_for_a_page_of_another_site(cast):
    """Without the token of one of our own forms (CSRF)."""
    from django.test import Client

    delivery = make_delivery(cast, State.PARKED)
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.dana)
    for door in POSTED:
        assert open_door(client, door, delivery).status_code == 403, door
        delivery.refresh_from_db()
        assert delivery.state == State.PARKED, door
    assert not AuditEvent.objects.filter(event="note.view").exists()


@pytest.mark.parametrize("role", ROLES)
def test_the_list_opens_for_those_who_may_see_notes(cast, client, role):
    delivery = make_delivery(cast, State.HELD)
    client.force_login(person(cast, role))
    for address in LISTS:
        answer = client.get(address)
        assert answer.status_code == (200 if role in SEES_NOTES else 403), address
        assert (f'id="d{delivery.pk}"'.encode() in answer.content) == (role in SEES_NOTES), address


@pytest.mark.parametrize("address", LISTS)
def test_the_list_of_the_practice_next_door_is_its_own(cast, client, address):
    delivery = make_delivery(cast, State.HELD)
    client.force_login(cast.sam)
    answer = client.get(address)
    assert answer.status_code == 200
    assert f'id="d{delivery.pk}"'.encode() not in answer.content


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("location", ["SOUTH", "NOWHERE", "'; --"])
def test_asking_for_a_location_one_has_no_role_at_shows_nothing_of_it(cast, client, address, location):
    make_delivery(cast, State.HELD, location=cast.south)
    client.force_login(person(cast, Role.OPERATOR, location=cast.north))
    answer = client.get(address, {"location": location})
    assert b'<tr id="d' not in answer.content


@pytest.mark.parametrize("role", ROLES)
def test_buttons_stand_only_on_the_pages_of_those_who_may_press_them(cast, client, role):
    delivery = make_delivery(cast, State.HELD)
    client.force_login(person(cast, role))
    page = client.get(f"/deliveries/{delivery.pk}/").content.decode()
    assert ("/act/release/" in page) == (role in ACTS)


@pytest.mark.parametrize("role", sorted(SEES_NOTES))
def test_the_way_to_the_content_stands_only_on_the_pages_of_those_who_may_read_it(cast, client, role):
    delivery = make_delivery(cast, State.VERIFIED)
    client.force_login(person(cast, role))
    page = client.get(f"/deliveries/{delivery.pk}/?tab=sections").content.decode()
    assert ("/content/sections/" in page) == (role in READS_CONTENT)
    assert ("Show the patient" in page) == (role in READS_CONTENT)


@pytest.mark.parametrize("role", sorted(SEES_NOTES))
def test_the_way_to_the_audit_log_stands_only_on_the_pages_of_those_who_may_see_it(cast, client, role):
    delivery = make_delivery(cast, State.VERIFIED)
    client.force_login(person(cast, role))
    page = client.get(f"/deliveries/{delivery.pk}/?tab=audit").content.decode()
    assert (f"object_id={delivery.pk}" in page) == (role in READS_AUDIT)


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ACTS])
def test_a_refused_deed_is_recorded_and_leaves_no_move(cast, client, role):
    delivery = make_delivery(cast, State.PARKED)
    user = person(cast, role)
    client.force_login(user)
    assert client.post(f"/deliveries/{delivery.pk}/act/cancel/", REASON).status_code == 403
    assert not Move.objects.filter(delivery=delivery, to_state=State.CANCELLED).exists()
    assert AuditEvent.objects.filter(event="authz.denied", outcome="denied").count() == 1
    assert not acted(delivery)


@pytest.mark.parametrize("revoked", [True, False])
def test_a_role_ends_with_the_next_request(cast, client, revoked):
    delivery = make_delivery(cast, State.VERIFIED)
    user = person(cast, Role.OPERATOR)
    client.force_login(user)
    assert client.get(f"/deliveries/{delivery.pk}/").status_code == 200
    if revoked:
        Membership.objects.filter(user=user).delete()
    assert client.get(f"/deliveries/{delivery.pk}/").status_code == (404 if revoked else 200)


def test_the_sets_of_roles_are_nested_as_they_should_be():
    assert ACTS < READS_CONTENT < SEES_NOTES
    assert READS_AUDIT < SEES_NOTES
    assert Role.MAPPING_EDITOR not in SEES_NOTES
    assert Role.AUDITOR not in READS_CONTENT
    assert Role.METADATA_ONLY not in READS_CONTENT
