"""What a pilot's page and its form are made of: words of steps, the plan as it is read and written, who waits for what."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.models import Delivery
from delivery.pilot import steps
from delivery.pilot.cohort import NAMED, PAUSED, everybody
from delivery.pilot.forms import MOST_SHARES, FeedbackForm, PlanForm, StepForm
from delivery.pilot.numbers import Taken
from delivery.pilot.page import (
    context_of,
    mappings_of,
    numbers_of,
    providers_of,
    steps_of,
    waiting_at,
    window_words,
    words_of,
)
from delivery.pilot.steps import SETTINGS
from delivery.pilot.tables import Pilot
from delivery.states import State
from tests.delivery.pilot.scenes import a_pilot, age, went
from tests.structure.test_audited_views import PLAN

KNOWN = [("DR7", "Ann Lee"), ("DR8", "")]


def form(**changed: object) -> PlanForm:
    return PlanForm({**PLAN, **changed}, known=KNOWN)


def row(step: int = NAMED, percents: tuple[int, ...] = (25, 50), **rest: object) -> Pilot:
    return Pilot(location_id=1, step=step, percents=list(percents), providers=["DR7", "DR8"], **rest)


class TestWords:
    @pytest.mark.parametrize(
        "step, says",
        [
            (PAUSED, "Paused: nobody’s notes go"),
            (NAMED, "The named ones: DR7, DR8"),
            (NAMED + 1, "25 % of the providers, and the named ones"),
            (NAMED + 2, "50 % of the providers, and the named ones"),
            (NAMED + 3, "Every provider"),
            (NAMED + 4, "Ended: practice-wide"),
        ],
    )
    def test_each_step_says_whom_it_lets_through(self, step, says):
        assert words_of(row(), step) == says

    def test_without_shares_the_named_ones_are_followed_by_everybody(self):
        assert words_of(row(percents=()), NAMED + 1) == "Every provider"

    @pytest.mark.parametrize(
        "kind, size, says",
        [("days", 1, "the last day"), ("days", 2, "the last 2 days"), ("notes", 20, "the last 20 notes")],
    )
    def test_the_window_is_said_as_it_is_counted(self, kind, size, says):
        assert window_words(row(window=kind, window_size=size)) == says

    @pytest.mark.parametrize("step", range(6))
    def test_one_step_is_the_present_one_those_before_are_past_and_one_follows(self, step):
        found = [one.state for one in steps_of(row(step), [])]
        assert found.count("now") == 1
        assert found == sorted(found, key=["past", "now", "next", "later"].index)
        assert found.count("next") == (step <= everybody((25, 50)))

    def test_the_pause_is_shown_while_it_lasts_alone(self):
        assert next(one.text for one in steps_of(row(PAUSED), [])).startswith("Paused")
        assert not any(one.text.startswith("Paused") for one in steps_of(row(NAMED), []))

    @pytest.mark.parametrize("verified, word", [(19, "Short"), (20, "Holds")])
    def test_every_number_has_its_pill(self, verified, word):
        taken = Taken(timezone.now(), notes=20, verified=verified)
        found = {one.gate.key: one for one in numbers_of(row(), taken)}
        assert found["verified"].word == word
        assert found["p50"].word == "Not enough data"


class TestThePlanAsItIsTyped:
    @pytest.mark.parametrize(
        "typed, read",
        [("25, 50", (25, 50)), ("25,50", (25, 50)), (" 5 ,, 10, ", (5, 10)), ("", ()), (",", ()), ("007", (7,))],
    )
    def test_shares_are_read_between_commas(self, typed, read):
        made = form(percents=typed)
        assert made.is_valid(), made.errors
        assert made.plan().percents == read

    @pytest.mark.parametrize("typed", ["25 50", "25;50", "2.5", "-5", "٢٥", "²", "half", "25 %", "1,2,3,4,5,6"])
    def test_what_is_no_list_of_numbers_is_refused_with_the_reason(self, typed):
        made = form(percents=typed)
        assert made.errors["percents"] == [f"At most {MOST_SHARES} whole numbers with commas between them."]

    def test_a_provider_ticked_and_typed_is_named_once_and_the_ticked_ones_come_first(self):
        made = form(providers=["DR8", "DR7"], others="DR9\r\nDR7\nDR9")
        assert made.is_valid(), made.errors
        assert made.plan().providers == ("DR8", "DR7", "DR9")

    @pytest.mark.parametrize("others", ["", " ", "\n", " \r\n \n"])
    def test_blanks_name_nobody(self, others):
        made = form(providers=["DR7"], others=others)
        assert made.is_valid(), made.errors
        assert made.plan().providers == ("DR7",)

    def test_an_id_keeps_its_own_letters_and_inner_spaces(self):
        made = form(others="dr 7\nDr7")
        assert made.is_valid(), made.errors
        assert made.plan().providers == ("dr 7", "Dr7")

    def test_a_comma_belongs_to_the_id_however_often_the_plan_is_kept(self):
        kept = row()
        kept.providers = ["Lee, Ann", "DR8"]
        for known in (KNOWN, [("Lee, Ann", "Ann Lee")]):
            again = PlanForm({**PlanForm.of(kept, known).initial, "review": ""}, known=known)
            assert again.is_valid(), again.errors
            assert set(again.plan().providers) == {"Lee, Ann", "DR8"}

    @pytest.mark.parametrize("others", ["DR\x007", "D" * 201])
    def test_an_id_that_cannot_be_kept_is_refused(self, others):
        assert "others" in form(others=others).errors

    @pytest.mark.parametrize(
        "name, low, high",
        [
            ("fresh_days", 1, 90), ("window_size", 1, 10_000), ("least_notes", 1, 10_000), ("least_verified", 1, 100),
            ("most_misfiled", 0, 1000), ("most_edits", 0, 10_000), ("most_p50_seconds", 1, 86_400),
            ("most_p95_seconds", 1, 86_400), ("least_feedback", 0, 100), ("least_good", 0, 100),
        ],
    )  # fmt: skip
    def test_each_number_is_good_on_its_borders_and_not_beyond(self, name, low, high):
        assert [name in form(**{name: str(value)}).errors for value in (low, high)] == [False, False]
        assert [name in form(**{name: str(value)}).errors for value in (low - 1, high + 1)] == [True, True]

    def test_a_plan_holds_every_setting_and_no_other(self):
        made = form()
        assert made.is_valid(), made.errors
        assert set(made.plan().settings) == set(SETTINGS)

    def test_what_is_shown_of_a_pilot_is_read_back_as_it_was(self):
        shown = PlanForm.of(row(review=False, least_notes=7), KNOWN).initial
        again = PlanForm({**shown, "review": ""}, known=KNOWN)
        assert again.is_valid(), again.errors
        assert (again.plan().providers, again.plan().percents) == (("DR7", "DR8"), (25, 50))
        assert (again.plan().settings["review"], again.plan().settings["least_notes"]) == (False, 7)

    def test_a_named_one_of_whom_no_note_came_stands_among_the_others(self):
        shown = PlanForm.of(row(), KNOWN[:1]).initial
        assert (shown["providers"], shown["others"]) == (["DR7"], "DR8")

    def test_the_first_plan_is_careful(self):
        """Notes are reviewed, none may be misfiled, and nobody is named before a person names them."""
        shown = PlanForm.of(None, KNOWN).initial
        assert (shown["review"], shown["most_misfiled"]) == (True, 0)
        assert "providers" not in shown

    def test_where_no_note_has_come_they_are_asked_for_by_id_alone(self):
        assert PlanForm(known=()).fields["others"].label == "Who begins, by the scribe’s provider id"
        assert PlanForm(known=()).fields["providers"].widget.is_hidden
        assert PlanForm(known=KNOWN).fields["others"].label == "Others, by the scribe’s provider id"
        assert not PlanForm(known=KNOWN).fields["providers"].widget.is_hidden

    def test_a_provider_without_a_name_is_offered_by_id(self):
        assert form().fields["providers"].choices == [("DR7", "Ann Lee (DR7)"), ("DR8", "DR8")]

    @pytest.mark.parametrize("step, good", [("0", True), ("100", True), ("101", False), ("-1", False), ("", False)])
    def test_the_step_looked_at_is_one_there_can_be(self, step, good):
        assert StepForm({"step": step, "reason": ""}).is_valid() == good

    def test_what_is_not_marked_poor_is_good_and_words_lose_their_margins(self):
        made = FeedbackForm({"poor_format": "on", "text": "  Too long. \n"})
        assert made.is_valid()
        said = made.said()
        assert (said.accuracy, said.format, said.template_fit, said.text) == (True, False, True, "Too long.")


@pytest.mark.django_db
class TestWhoWaits:
    @pytest.fixture
    def pilot(self, cast, as_dana):
        return age(a_pilot(cast.north), timedelta(minutes=1))

    def test_notes_are_counted_by_what_they_wait_for_and_other_parts_are_not(self, cast, pilot):
        for code in ("outside_pilot", "outside_pilot", "pilot_too_old", "awaits_review", "unmapped_section"):
            went(cast, State.HELD, reason_code=code)
        went(cast, State.HELD, reason_code="outside_pilot", part="diagnoses")
        went(cast, State.HELD, reason_code="outside_pilot", location=cast.south)
        assert waiting_at(cast.north) == {"outside_pilot": 2, "pilot_too_old": 1, "awaits_review": 1}

    def test_the_page_adds_both_reasons_of_the_pilot(self, cast, pilot):
        for code in ("outside_pilot", "pilot_stepped_back", "pilot_too_old"):
            went(cast, State.HELD, reason_code=code)
        found = context_of(pilot)
        assert (found["outside"], found["too_old"], found["to_review"]) == (2, 1, 0)

    def test_those_who_are_in_stand_first_the_named_before_the_others(self, cast, pilot):
        Pilot.objects.filter(pk=pilot.pk).update(step=NAMED + 1)
        pilot.refresh_from_db()
        found = providers_of(pilot, [(f"P{number}", "") for number in range(30)])
        assert found[0].id == "DR7"
        assert [one.inside for one in found] == sorted((one.inside for one in found), reverse=True)
        assert all(one.inside == (one.named or one.share <= 50) for one in found)

    def test_a_provider_without_an_id_is_listed_with_what_waits_and_is_out(self, cast, pilot):
        waits = went(cast, State.HELD, reason_code="outside_pilot")
        Delivery.objects.filter(pk=waits.pk).update(provider_id="")
        (nobody,) = [one for one in providers_of(pilot, []) if one.id == "—"]
        assert (nobody.inside, nobody.named, nobody.waiting) == (False, False, 1)

    def test_a_named_one_of_whom_nothing_came_is_listed(self, cast, pilot):
        assert [(one.id, one.waiting) for one in providers_of(pilot, [])] == [("DR7", 0)]

    def test_after_the_end_everybody_is_in(self, cast, pilot):
        Pilot.objects.filter(pk=pilot.pk).update(step=everybody(pilot.percents) + 1)
        pilot.refresh_from_db()
        assert all(one.inside for one in providers_of(pilot, KNOWN))
        found = context_of(pilot)
        assert (found["ended"], found["following"], found["before"]) == (True, "", "")

    def test_paused_there_is_a_step_to_follow_and_none_before(self, cast, pilot):
        steps.narrow(pilot, NAMED, "The clinic asks for it")
        pilot.refresh_from_db()
        found = context_of(pilot)
        assert (found["paused"], found["before"], found["following"]) == (True, "", "The named ones: DR7")

    def test_the_history_says_each_step_in_words_the_newest_first(self, cast, pilot):
        steps.narrow(pilot, NAMED, "The clinic asks for it")
        pilot.refresh_from_db()
        found = [(before, after) for _move, before, after in context_of(pilot)["history"]]
        assert found[0] == ("The named ones: DR7", "Paused: nobody’s notes go")

    def test_a_window_begun_anew_is_no_step_that_somebody_took(self, cast, pilot):
        steps.begin_window(pilot, NAMED, "Mapping 4 is in force now")
        pilot.refresh_from_db()
        (now,) = [one for one in context_of(pilot)["steps"] if one.state == "now"]
        assert (now.move.from_step, now.move.to_step) == (PAUSED, NAMED)

    def test_mappings_are_named_and_those_of_no_mapping_are_one_line(self, cast, pilot):
        taken = Taken(timezone.now(), mappings=((cast.north_mapping.pk, 3), (None, 2), (0, 1)))
        assert mappings_of(taken) == [("FM-PROGRESS, mapping 1", 3), ("no mapping", 3)]
