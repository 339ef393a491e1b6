"""What a session keeps of a request for consent, and who is believed when he comes back. No database, no network."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.oauth import asking
from delivery.oauth.asking import NotAsked, Underway, take
from delivery.oauth.scopes import covers

ISSUER = "https://oauth.example.org"
CALLBACK = "https://scribeport.example.org/deliveries/connections/authorized/"
VERIFIER = "v" * 64


def row(age: float = 0.0, **changes) -> dict:
    made = {"connection": 7, "verifier": VERIFIER, "redirect_uri": CALLBACK, "issuer": ISSUER}
    return {**made, "at": time.time() - age, **changes}


def session(**rows: dict) -> dict:
    return {asking.KEY: rows}


class TestComingBack:
    def test_with_ones_own_state_is_what_was_begun(self):
        assert take(session(st1=row()), "st1", ISSUER) == Underway(7, VERIFIER, CALLBACK, ISSUER)

    def test_with_an_unknown_state_is_refused(self):
        with pytest.raises(NotAsked):
            take(session(st1=row()), "st2", ISSUER)

    def test_without_a_state_is_refused(self):
        with pytest.raises(NotAsked):
            take(session(st1=row()), "", ISSUER)

    def test_to_a_session_that_began_nothing_is_refused(self):
        with pytest.raises(NotAsked):
            take({}, "st1", ISSUER)

    def test_a_second_time_is_refused(self):
        own = session(st1=row())
        take(own, "st1", ISSUER)
        with pytest.raises(NotAsked):
            take(own, "st1", ISSUER)

    def test_after_nine_minutes_is_in_time(self):
        assert take(session(st1=row(age=540)), "st1", ISSUER).connection == 7

    def test_after_eleven_minutes_is_too_late(self):
        with pytest.raises(NotAsked):
            take(session(st1=row(age=660)), "st1", ISSUER)

    def test_too_late_uses_the_state_up_all_the_same(self):
        own = session(st1=row(age=660))
        with pytest.raises(NotAsked):
            take(own, "st1", ISSUER)
        assert own == {asking.KEY: {}}

    def test_leaves_what_else_was_begun(self):
        own = session(st1=row(), st2=row(connection=8))
        take(own, "st1", ISSUER)
        assert take(own, "st2", ISSUER).connection == 8


class TestTheIssuer:
    """RFC 9207: whoever names himself has to be the one who was asked."""

    def test_that_is_another_is_refused(self):
        with pytest.raises(NotAsked):
            take(session(st1=row()), "st1", "https://attacker.example.org")

    def test_that_differs_in_a_slash_is_another(self):
        with pytest.raises(NotAsked):
            take(session(st1=row()), "st1", ISSUER + "/")

    def test_that_does_not_name_himself_is_let_in(self):
        assert take(session(st1=row()), "st1", "").connection == 7

    def test_of_a_server_that_named_none_before_is_let_in(self):
        assert take(session(st1=row(issuer="")), "st1", "https://anybody.example.org").connection == 7

    def test_that_is_refused_uses_the_state_up(self):
        own = session(st1=row())
        with pytest.raises(NotAsked):
            take(own, "st1", "https://attacker.example.org")
        with pytest.raises(NotAsked):
            take(own, "st1", ISSUER)


@given(st.text(max_size=50), st.text(max_size=50))
def test_no_state_and_issuer_that_were_not_ours_are_believed(state, issuer):
    own = session(**{"the-state-of-this-person": row()})
    if state != "the-state-of-this-person":
        with pytest.raises(NotAsked):
            take(own, state, issuer)


class TestAScope:
    """SMART App Launch, scopes v1 (.read, .write, .*) and v2 (any of c r u d s)."""

    @pytest.mark.parametrize(
        "granted, wanted",
        [
            ("system/DocumentReference.read", "system/DocumentReference.read"),
            ("system/DocumentReference.*", "system/DocumentReference.read"),
            ("system/DocumentReference.*", "system/DocumentReference.write"),
            ("system/*.read", "system/Binary.read"),
            ("system/*.*", "system/DocumentReference.write"),
            ("system/DocumentReference.rs", "system/DocumentReference.read"),
            ("system/DocumentReference.read", "system/DocumentReference.rs"),
            ("system/DocumentReference.cruds", "system/DocumentReference.cu"),
            ("system/DocumentReference.write", "system/DocumentReference.cu"),
            ("user/DocumentReference.cud", "user/DocumentReference.write"),
            ("offline_access", "offline_access"),
        ],
    )
    def test_that_was_granted_covers(self, granted, wanted):
        assert covers(granted, wanted)

    @pytest.mark.parametrize(
        "granted, wanted",
        [
            ("system/DocumentReference.read", "system/DocumentReference.write"),
            ("system/DocumentReference.write", "system/DocumentReference.read"),
            ("system/DocumentReference.r", "system/DocumentReference.read"),  # v1 read is read and search
            ("system/DocumentReference.cu", "system/DocumentReference.write"),  # v1 write may delete too
            ("user/DocumentReference.read", "system/DocumentReference.read"),
            ("patient/DocumentReference.read", "user/DocumentReference.read"),
            ("system/Binary.read", "system/DocumentReference.read"),
            ("system/DocumentReference.read", "system/*.read"),
            ("offline_access", "online_access"),
            ("openid", "system/Binary.read"),
            ("", "system/Binary.read"),
            ("system/", "system/Binary.read"),
            ("system", "system/Binary.read"),
        ],
    )
    def test_that_was_granted_does_not_cover(self, granted, wanted):
        assert not covers(granted, wanted)

    def test_with_a_query_is_judged_without_it(self):
        narrowed = "system/DocumentReference.rs?category=clinical-note"
        assert covers(narrowed, "system/DocumentReference.rs?category=clinical-note")

    @given(st.text(max_size=40), st.text(max_size=40))
    def test_of_any_spelling_never_raises(self, granted, wanted):
        assert covers(granted, wanted) in (True, False)

    @given(st.text(max_size=40))
    def test_covers_itself(self, scope):
        assert covers(scope, scope)
