"""The list's pills and strips are drawn by code: what a scribe posted stays text, and what is drawn once is kept."""

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from delivery.rows import cells, row
from delivery.states import WORDS, State
from delivery.words import SECTION_OUTCOMES, STATE_ICONS
from portal.templatetags.design import pill
from tests.delivery.rows import make_delivery


def strip_of(*sections: tuple[str, str]) -> str:
    """The strip of a row with these titles and outcomes."""
    from types import SimpleNamespace

    from delivery.rows import Row

    outcomes = [{"title": title, "outcome": outcome} for title, outcome in sections]
    return Row.strip.fget(SimpleNamespace(sections=cells(outcomes)))


class TestThePill:
    @pytest.mark.parametrize("state", list(State))
    def test_of_every_state_has_its_tone_its_words_and_a_sign(self, state):
        drawn = pill(WORDS[state].tone, WORDS[state].label, STATE_ICONS[state])
        assert f'class="pill tone-{WORDS[state].tone}"' in drawn
        assert WORDS[state].label in drawn
        assert "<svg" in drawn
        assert 'aria-hidden="true"' in drawn

    def test_is_drawn_once_and_then_kept(self):
        assert pill("ok", "Kept", "check") is pill("ok", "Kept", "check")

    def test_stays_text_whatever_its_label(self):
        template = Template('{% load design %}{% pill "act" label "check" %}')
        assert "&lt;b&gt;" in template.render(Context({"label": "<b>"}))

    def test_without_a_sign_takes_the_one_of_its_tone(self):
        assert pill("wait", "x") == pill("wait", "x", "clock")


class TestTheStrip:
    @pytest.mark.parametrize("outcome", SECTION_OUTCOMES)
    def test_says_of_each_section_what_became_of_it(self, outcome):
        words = SECTION_OUTCOMES[outcome]
        expected = f'<span class="cell tone-{words.tone}" title="HPI: {words.label}"></span>'
        assert strip_of(("HPI", outcome)) == expected

    def test_keeps_the_order_and_has_one_cell_a_section(self):
        drawn = strip_of(("A", "verified"), ("B", "missing"), ("C", "verified"))
        assert [drawn.index(f'title="{title}:') for title in "ABC"] == sorted(
            drawn.index(f'title="{title}:') for title in "ABC"
        )
        assert drawn.count("<span") == 3

    @given(st.text(min_size=1, max_size=30))
    def test_lets_no_title_become_markup(self, title):
        drawn = strip_of((title, "verified"))
        assert drawn.count("<") == drawn.count(">") == 2
        assert drawn.count('"') == 4

    def test_of_nothing_is_nothing(self):
        assert strip_of() == ""

    @pytest.mark.django_db
    def test_stands_in_the_row_of_the_list(self, cast, client):
        delivery = make_delivery(cast, State.MISFILED, outcomes=["verified", "missing", "moved"])
        client.force_login(cast.dana)
        page = client.get("/deliveries/").content.decode()
        drawn = row(delivery, "x", [], delivery.updated_at).strip
        assert drawn in page
        assert "1/3" in page
