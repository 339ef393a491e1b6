"""A row's menu: every deed of its state, leading to where it is asked; nothing is done or shown by opening it."""

import pytest

from audit.models import AuditEvent
from delivery.bulk.plan import VERBS
from delivery.deeds import deeds_for
from delivery.models import Delivery
from delivery.states import State
from tests.delivery.rows import LENA, make_delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def menu(client, one: Delivery, query: str = "") -> str:
    answer = client.get(f"/deliveries/{one.pk}/menu/?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("state", list(State))
def test_it_has_every_deed_of_the_state_and_each_leads_to_its_question(cast, dana, state):
    one = make_delivery(cast, state)
    shown, deeds = menu(dana, one), deeds_for(Delivery.objects.select_related("location").get(pk=one.pk))
    for deed in deeds:
        assert f"{deed.label} …" in shown
        leads = f"/deliveries/bulk/{deed.verb}/?id={one.pk}" if deed.verb in VERBS else f"/deliveries/{one.pk}/#reason"
        assert f'href="{leads}"' in shown
    assert shown.count(" …</a>") == len(deeds)


def test_it_copies_the_control_id_and_the_address_and_opens_within_the_list(cast, dana):
    one = make_delivery(cast)
    shown = menu(dana, one, "state=verified&nonsense=1")
    assert f'data-copy="{one.control_id}"' in shown
    assert f'data-copy="http://testserver/deliveries/{one.pk}/"' in shown
    assert f'href="/deliveries/{one.pk}/?state=verified"' in shown
    assert "nonsense" not in shown


def test_no_patient_stands_in_it_and_nothing_is_written(cast, dana):
    one = make_delivery(cast, State.HELD)
    before = AuditEvent.objects.count()
    shown = menu(dana, one)
    for word in (LENA["id"], LENA["family"], "••"):
        assert word not in shown
    assert AuditEvent.objects.count() == before
    assert dana.post(f"/deliveries/{one.pk}/menu/").status_code == 405


def test_who_may_only_look_gets_no_deed(cast, client):
    one = make_delivery(cast, State.HELD)
    client.force_login(cast.ava)
    shown = menu(client, one)
    assert " …</a>" not in shown
    assert "Who looked at it" in shown


def test_strangers_find_nothing(cast, client):
    one = make_delivery(cast, location=cast.elsewhere)
    client.force_login(cast.dana)
    assert client.get(f"/deliveries/{one.pk}/menu/").status_code == 404
    client.logout()
    assert client.get(f"/deliveries/{one.pk}/menu/").status_code == 302


def test_each_row_has_the_button_of_its_menu_on_first_paint_and_on_every_update(cast, dana):
    one = make_delivery(cast)
    for address in ("/deliveries/?state=verified", "/deliveries/rows/?state=verified"):
        shown = dana.get(address).content.decode()
        assert f'data-menu="/deliveries/{one.pk}/menu/?state=verified"' in shown
        assert f'aria-label="What can be done with delivery {one.pk}"' in shown


def test_five_queries_and_no_word_of_the_note_is_read(cast, dana, django_assert_max_num_queries):
    one = make_delivery(cast, State.REJECTED)
    menu(dana, one)
    with django_assert_max_num_queries(12) as asked:
        menu(dana, one)
    assert not any("sealed_body" in query["sql"] for query in asked.captured_queries)
