"""Every button that an entry of the catalogue names stands on the page of a delivery in the state it belongs to."""

import pytest

from delivery.deeds import deeds_for
from delivery.detail import link_to
from delivery.failures import CATALOGUE, Button
from delivery.states import State
from tests.delivery.rows import make_delivery

# The states in which a delivery waits for such a button, and the verbs that are it.
PRESSED = {
    Button.RELEASE: (State.HELD, {"release"}),
    Button.REPLAY: (State.REJECTED, {"replay"}),
    Button.VERIFY: (State.UNKNOWN, {"verify"}),
    Button.DECIDE: (State.PARKED, {"in-chart", "not-there", "cancel"}),
}
NAMED = sorted({entry.button for entry in CATALOGUE.values()} - {Button.NONE})


@pytest.mark.django_db
@pytest.mark.parametrize("button", NAMED)
def test_a_button_that_is_named_can_be_pressed_or_leads_to_its_page(cast, client, button):
    code = next(code for code, entry in CATALOGUE.items() if entry.button is button)
    state, verbs = PRESSED.get(button, (State.HELD, set()))
    delivery = make_delivery(cast, state, reason_code=code)
    client.force_login(cast.dana)
    page = client.get(f"/deliveries/{delivery.pk}/").content.decode()
    if verbs:
        assert verbs <= {deed.verb for deed in deeds_for(delivery)}
        assert all(f"/act/{verb}/" in page for verb in verbs)
    else:
        link = link_to(delivery, button)
        assert link is not None, "the site has no such page"
        assert f'href="{link[1]}"' in page
        assert link[0] in page


def test_a_code_without_a_button_says_what_to_do_without_one():
    assert all(entry.todo.endswith(".") for entry in CATALOGUE.values() if entry.button is Button.NONE)
