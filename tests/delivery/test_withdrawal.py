"""A withdrawn note that is in the chart already: a person's task from the scribe's word until somebody has struck it."""

import pytest
from django.http import QueryDict
from django.utils import timezone

from audit.models import AuditEvent
from delivery import actions, filters, queries
from delivery.answers import delivery_answer
from delivery.deeds import deeds_for
from delivery.failures import failure
from delivery.filters import Filters
from delivery.models import Delivery
from delivery.panels import cards
from delivery.states import STRIKABLE, WORDS, State
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db

TITLE = failure("retract_requested").title
LEFT = [State.SENDING, State.ACCEPTED, State.VERIFIED, State.MISFILED, State.UNKNOWN]
CALLED_OFF = [State.HELD, State.READY]
OVER = [State.REJECTED, State.SUPERSEDED, State.CANCELLED]


def withdraw(delivery: Delivery) -> Delivery:
    actions.retract(delivery.note)
    delivery.refresh_from_db()
    return delivery


def attention(cast) -> int:
    scope = queries.Scope((cast.north,))
    return queries.counts(queries.matching(scope, Filters()))["attention"]


def listed(cast) -> set[int]:
    scope = queries.Scope((cast.north,))
    found = queries.matching(scope, filters.read(QueryDict("state=attention")))
    return set(found.values_list("pk", flat=True))


def panel_number(cast) -> str:
    return next(card.value for card in cards(cast.north, "24h") if card.label == "Needs attention")


@pytest.mark.parametrize("state", [State.ACCEPTED, State.VERIFIED])
class TestACharted:
    def test_needs_attention_in_the_tab_the_list_and_the_panel_alike(self, cast, state):
        delivery = make_delivery(cast, state)
        assert (attention(cast), listed(cast), panel_number(cast)) == (0, set(), "0")
        withdraw(delivery)
        assert (attention(cast), listed(cast), panel_number(cast)) == (1, {delivery.pk}, "1")

    def test_says_why_in_the_list_and_on_its_page(self, cast, client, state):
        delivery = withdraw(make_delivery(cast, state))
        client.force_login(cast.omar)
        assert TITLE in client.get("/deliveries/?state=attention").content.decode()
        page = client.get(f"/deliveries/{delivery.pk}/").content.decode()
        assert TITLE in page
        assert failure("retract_requested").todo in page
        assert "It is struck in the chart" in page

    def test_keeps_its_state_since_the_chart_still_holds_it(self, cast, state):
        delivery = withdraw(make_delivery(cast, state))
        assert delivery.state == state
        assert delivery.to_strike

    def test_is_done_once_a_person_says_that_it_is_struck(self, cast, client, state):
        delivery = withdraw(make_delivery(cast, state))
        client.force_login(cast.omar)
        client.post(f"/deliveries/{delivery.pk}/act/strike/", {"reason": "Struck as charted in error."})
        delivery.refresh_from_db()
        assert (delivery.state, delivery.reason_code, delivery.to_strike) == (state, "struck_in_chart", False)
        assert (attention(cast), listed(cast), panel_number(cast)) == (0, set(), "0")
        event = AuditEvent.objects.get(event="delivery.struck")
        assert (event.actor_name or event.actor_id, event.reason) == ("omar", "Struck as charted in error.")
        assert event.object_id == str(delivery.pk)

    def test_is_not_asked_for_again_when_the_scribe_repeats_itself(self, cast, state):
        delivery = withdraw(make_delivery(cast, state))
        actions.strike([delivery.pk], "struck")
        assert not withdraw(delivery).to_strike

    def test_is_told_to_the_scribe_as_what_it_is(self, cast, state):
        delivery = withdraw(make_delivery(cast, state))
        assert delivery_answer(delivery)["reason"]["code"] == "retract_requested"
        actions.strike([delivery.pk], "struck")
        delivery.refresh_from_db()
        assert delivery_answer(delivery)["reason"]["code"] == "struck_in_chart"


def test_a_withdrawal_outlasts_what_the_chart_says_afterwards(cast):
    """Withdrawn while it was under way: the answer and the reading come later, and must not hide the task."""
    delivery = withdraw(make_delivery(cast, State.SENDING))
    assert attention(cast) == 0  # nothing to strike yet
    Delivery.objects.filter(pk=delivery.pk).update(state=State.ACCEPTED, reason_code="", accepted_at=timezone.now())
    Delivery.objects.filter(pk=delivery.pk).update(state=State.VERIFIED, reason_code="")
    delivery.refresh_from_db()
    assert delivery.why == "retract_requested"
    assert (attention(cast), listed(cast)) == (1, {delivery.pk})


@pytest.mark.parametrize("state", [State.MISFILED, State.UNKNOWN])
def test_what_needs_attention_anyway_is_counted_once(cast, state):
    delivery = withdraw(make_delivery(cast, state))
    assert delivery.reason_code == "retract_requested"
    assert (attention(cast), listed(cast), panel_number(cast)) == (1, {delivery.pk}, "1")


@pytest.mark.parametrize("state", CALLED_OFF)
def test_what_waited_is_called_off_and_needs_nobody(cast, state):
    delivery = withdraw(make_delivery(cast, state))
    assert (delivery.state, delivery.withdrawn_at) == (State.CANCELLED, None)
    assert attention(cast) == 0


@pytest.mark.parametrize("state", OVER)
def test_what_was_never_charted_has_nothing_to_strike(cast, state):
    before = attention(cast)
    delivery = make_delivery(cast, state)
    at_most = attention(cast)
    withdraw(delivery)
    assert delivery.withdrawn_at is None
    assert before <= attention(cast) <= at_most


def test_a_parked_doubt_that_turns_out_to_be_charted_is_still_to_be_struck(cast):
    delivery = withdraw(make_delivery(cast, State.PARKED, reason_code="blind_receiver"))
    assert delivery.state == State.PARKED
    actions.decide_sent([delivery.pk], "found in the chart")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.to_strike) == (State.ACCEPTED, True)


@pytest.mark.parametrize("state", list(State))
def test_the_button_stands_only_where_there_is_something_to_strike(cast, state):
    delivery = make_delivery(cast, state)
    assert "strike" not in {deed.verb for deed in deeds_for(delivery)}
    delivery.withdrawn_at = timezone.now()
    assert ("strike" in {deed.verb for deed in deeds_for(delivery)}) == (state in STRIKABLE)


def test_nobody_strikes_what_was_not_withdrawn(cast, client):
    delivery = make_delivery(cast, State.VERIFIED)
    assert actions.strike([delivery.pk], "by mistake") == 0
    client.force_login(cast.omar)
    page = client.post(f"/deliveries/{delivery.pk}/act/strike/", {"reason": "by mistake"}, follow=True)
    assert f"the delivery is now “{WORDS[State.VERIFIED].label}”" in page.content.decode()
    assert not AuditEvent.objects.filter(event="delivery.struck").exists()


def test_counts_still_take_one_statement(cast, django_assert_num_queries):
    withdraw(make_delivery(cast, State.VERIFIED))
    with django_assert_num_queries(1):
        assert attention(cast) == 1


def test_a_list_with_states_beside_the_group_shows_both(cast):
    struck = withdraw(make_delivery(cast, State.VERIFIED))
    held = make_delivery(cast, State.HELD)
    cancelled = make_delivery(cast, State.CANCELLED)
    scope = queries.Scope((cast.north,))
    found = queries.matching(scope, filters.read(QueryDict("state=attention&state=cancelled")))
    assert set(found) == {struck, held, cancelled}
    assert set(queries.matching(scope, filters.read(QueryDict("state=verified")))) == {struck}
    assert set(queries.matching(scope, filters.read(QueryDict("state=held")))) == {held}
