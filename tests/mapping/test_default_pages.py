"""The practice default's pages: what is shared, who deviates, what a newer one would change, and the board's rows."""

import pytest

from audit.models import AuditEvent
from mapping.explain import BY_HAND, explained
from mapping.models import PracticeDefault
from mapping.note import RuleSpec
from mapping.practice_default import propose
from mapping.publishing import save_rules, start_draft
from mapping.queries import draft_of, published_of, spec_of
from portal.models import Membership, Role
from tests.cast import make_template
from tests.mapping.sharing import EVERY, REASON, changed, live, placed, shared, west
from tests.mapping.test_mapping_page import form_of, url

pytestmark = pytest.mark.django_db
OVERVIEW = "/mapping/default/"


@pytest.fixture
def there(cast):
    return west(cast)


@pytest.fixture
def following(cast, there):
    """WEST's mapping in force, which follows the first default but for the plan."""
    propose(there.template, shared(cast), cast.dana)
    live(cast, draft_of(there.template))
    return changed(cast, published_of(there.template), RuleSpec("plan", "NF-07", position=6))


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def seen(mapping, sections, scope="every") -> str:
    return f"{mapping.pk}:{scope}:{','.join(sorted(sections))}"


def asked(mapping, sections=tuple(EVERY), **more) -> dict:
    scope = more.get("scope", "every")
    form = {"action": "publish", "sections": list(sections), "scope": scope, "reason": REASON}
    return {**form, "seen": seen(mapping, sections, scope), **more}


class TestMaking:
    @pytest.fixture
    def address(self, cast):
        return url(cast.north_mapping.template, "make-default")

    def test_the_page_lists_what_is_shared_and_what_it_would_change_where(self, cast, dana, there, address):
        page = dana.get(address).content.decode()
        assert page.count('name="sections"') == 6
        assert page.count(" checked") == 7, "every section and the scope; no location follows yet"
        assert "Treatment Plan (NF-06)" in page
        assert "West Clinic: Family Medicine Progress Note" in page
        assert "rows are marked as inherited" in page
        assert "Not possible there" in page, "SOUTH has no field of these"
        assert not PracticeDefault.objects.exists()

    def test_published_with_a_tick_it_makes_a_draft_there_and_nowhere_else(self, cast, dana, there, address):
        answer = dana.post(address, asked(cast.north_mapping, to=[str(there.template_id)]), follow=True)
        page = answer.content.decode()
        assert "Practice default 1 is published. No mapping in force was changed." in page
        assert "West Clinic: a draft of Family Medicine Progress Note" in page
        assert draft_of(there.template).follows.number == 1
        assert draft_of(cast.south_mapping.template) is None
        assert published_of(there.template) == there

    def test_followers_are_ticked_from_the_start(self, cast, dana, following, address):
        changed(cast, cast.north_mapping, RuleSpec("assessment", "NF-05", prefix="A: ", position=5))
        page = dana.get(address).content.decode()
        assert f'id="to-{following.template_id}" value="{following.template_id}" checked' in page
        assert "Assessment, prefix: “A: ”, none before." in page

    def test_sections_left_out_are_not_shared(self, cast, dana, there, address):
        page = dana.post(address, {"action": "look", "sections": ["plan"], "scope": "every"}).content.decode()
        assert page.count(" checked") == 2
        assert not PracticeDefault.objects.exists()
        dana.post(address, asked(cast.north_mapping, ["plan"]))
        assert PracticeDefault.objects.get().sections == ["plan"]

    def test_what_was_changed_after_looking_is_shown_before_it_is_published(self, cast, dana, there, address):
        answer = dana.post(address, asked(cast.north_mapping, ["plan"], seen=seen(cast.north_mapping, EVERY)))
        assert answer.status_code == 422
        assert "was changed after you looked" in answer.content.decode()
        assert not PracticeDefault.objects.exists()

    def test_a_mapping_that_is_no_longer_in_force_is_not_shared(self, cast, dana, address):
        newer = changed(cast, cast.north_mapping, RuleSpec("plan", "NF-07", position=6))
        answer = dana.post(address, asked(cast.north_mapping))
        assert answer.status_code == 422
        assert not PracticeDefault.objects.exists()
        dana.post(address, asked(newer))
        assert PracticeDefault.objects.get().taken_from == newer

    @pytest.mark.parametrize(
        "wrong, said",
        [
            ({"reason": ""}, "Say why"),
            ({"sections": []}, "Choose at least one section"),
            ({"sections": ["nonsense"]}, "not one of the available choices"),
            ({"scope": "all"}, "not one of the available choices"),
        ],
    )
    def test_what_is_lacking_is_said_and_what_was_typed_is_kept(self, cast, dana, there, address, wrong, said):
        answer = dana.post(address, {**asked(cast.north_mapping), "to": [str(there.template_id)], **wrong})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert said in page
        assert 'value="' + ("" if "reason" in wrong else REASON) + '" maxlength="200"' in page
        assert not PracticeDefault.objects.exists()

    def test_a_tick_at_another_practices_template_does_nothing(self, cast, dana, address):
        strange = make_template(cast.elsewhere, "FM-PROGRESS", "Ours", [("NF-01", "CC", None)]).template
        dana.post(address, asked(cast.north_mapping, to=[str(strange.pk), "nonsense"]))
        assert PracticeDefault.objects.exists()
        assert draft_of(strange) is None

    def test_a_default_for_the_code_asks_only_templates_with_that_code(self, cast, dana, there, address):
        page = dana.post(address, {"action": "look", "sections": ["plan"], "scope": "code"}).content.decode()
        assert "West Clinic: Family Medicine" in page
        assert "South Clinic:" not in page
        dana.post(address, asked(cast.north_mapping, scope="code"))
        assert PracticeDefault.objects.get().template_code == "FM-PROGRESS"

    def test_it_needs_the_role_at_every_location(self, cast, client, address):
        for person in (cast.mel, cast.omar, cast.ava):
            client.force_login(person)
            assert client.get(address).status_code == 403
            assert client.post(address, asked(cast.north_mapping)).status_code == 403
        Membership.objects.create(user=cast.mel, practice=cast.practice, location=None, role=Role.MAPPING_EDITOR)
        client.force_login(cast.mel)
        assert client.get(address).status_code == 200
        client.force_login(cast.sam)
        assert client.get(address).status_code == 404

    def test_without_a_mapping_in_force_there_is_nothing_to_share(self, cast, dana):
        bare = make_template(cast.north, "NEW", "New", [("A", "A", None)]).template
        assert dana.get(url(bare, "make-default")).status_code == 404

    def test_the_mapping_page_leads_there_for_those_who_may(self, cast, client, address):
        for person, leads in ((cast.dana, True), (cast.mel, False), (cast.ava, False)):
            client.force_login(person)
            assert (address in client.get(url(cast.north_mapping.template)).content.decode()) is leads


class TestOverview:
    def test_before_the_first_it_says_how_to_make_one(self, dana):
        assert "No default yet" in dana.get(OVERVIEW).content.decode()

    def test_each_location_says_what_it_inherits_and_where_it_deviates(self, cast, dana, following):
        page = dana.get(OVERVIEW).content.decode()
        assert "5 of 6" in page
        assert "Notes (NF-07)" in page
        assert "The default: Treatment Plan (NF-06)" in page
        assert "The default was taken from here" in page
        assert REASON in page

    def test_what_a_template_cannot_take_is_told_from_what_it_does_otherwise(self, cast, dana, following):
        short = make_template(cast.north, "SHORT", "Short", [("NF-01", "CC", 500)]).template
        propose(short, PracticeDefault.objects.get(), cast.dana)
        live(cast, draft_of(short))
        page = dana.get(OVERVIEW).content.decode()
        assert "Not possible here: Plan goes to NF-06, which this template version lacks." in page

    def test_a_location_that_is_behind_gets_its_draft_with_one_press(self, cast, dana, following):
        changed(cast, cast.north_mapping, RuleSpec("assessment", "NF-05", prefix="A: ", position=5))
        shared(cast, source=published_of(cast.north_mapping.template))
        assert "Behind" in dana.get(OVERVIEW).content.decode()
        answer = dana.post(url(following.template), {"action": "follow-start"}, follow=True)
        assert "The draft follows practice default 2. Sections taken over: 1; dropped: 0." in answer.content.decode()
        assert draft_of(following.template).follows.number == 2
        assert "Open the draft" in dana.get(OVERVIEW).content.decode()

    def test_earlier_defaults_are_listed(self, cast, dana):
        shared(cast)
        shared(cast, ("plan",))
        page = dana.get(OVERVIEW).content.decode()
        assert "Default 2, for every template" in page
        assert "Earlier" in page

    def test_people_see_the_locations_of_theirs_alone(self, cast, client, following):
        client.force_login(cast.mel)
        page = client.get(OVERVIEW).content.decode()
        assert "North Clinic: Family Medicine" in page
        assert "West Clinic" not in page
        client.force_login(cast.sam)
        assert "No default yet" in client.get(OVERVIEW).content.decode()

    def test_only_editors_are_offered_a_draft(self, cast, client):
        shared(cast)
        for person, offered in ((cast.dana, True), (cast.mel, True), (cast.omar, False), (cast.ava, False)):
            client.force_login(person)
            assert ("follow-start" in client.get(OVERVIEW).content.decode()) is offered


class TestBoard:
    @pytest.fixture
    def draft(self, cast, following):
        return start_draft(following.template, cast.dana)

    def test_each_row_says_whether_it_is_inherited_and_offers_the_other_way(self, dana, draft):
        page = dana.get(url(draft.template)).content.decode()
        assert page.count("From the practice default") == 5
        assert page.count("Make it this location’s own") == 5
        assert page.count("Back to the default") == 1
        assert "This location’s own. The practice default: Treatment Plan (NF-06)" in page
        assert "Follows" in page

    def test_one_press_returns_a_row_and_saves_what_was_typed_beside_it(self, dana, draft):
        form = form_of(draft, "inherit:plan", ("assessment", {"before": "A: "}))
        answer = dana.post(url(draft.template), form)
        assert answer.url.endswith("#section-plan")
        assert placed(draft)["plan"] == ("NF-06", "default")
        assert placed(draft)["assessment"] == ("NF-05", ""), "a changed row is the location's own"

    def test_one_press_detaches_a_row(self, dana, draft):
        page = dana.post(url(draft.template), form_of(draft, "own:assessment"), follow=True).content.decode()
        assert "Assessment is this location’s own in this draft" in page
        assert placed(draft)["assessment"] == ("NF-05", "")

    def test_a_field_chosen_by_hand_takes_the_mark_away(self, dana, draft):
        dana.post(url(draft.template), form_of(draft, "save", ("assessment", {"field_id": "NF-07"})))
        assert placed(draft)["assessment"] == ("NF-07", "")
        dana.post(url(draft.template), form_of(draft, "save", ("assessment", {"field_id": "NF-05"})))
        assert placed(draft)["assessment"] == ("NF-05", ""), "to follow again is a press of its own"

    def test_saving_without_a_change_keeps_every_mark(self, dana, draft):
        before = spec_of(draft).rules
        dana.post(url(draft.template), form_of(draft, "save"))
        assert [(rule.field_id, rule.origin) for rule in spec_of(draft).rules] == [
            (rule.field_id, rule.origin) for rule in before
        ]

    def test_a_mark_that_somebody_forged_is_not_kept(self, dana, draft):
        form = form_of(draft, "save", ("plan", {"origin": "default:NF-07"}), ("goals", {"field_id": "NF-07"}))
        dana.post(url(draft.template), form)
        assert placed(draft)["plan"] == ("NF-07", "")

    def test_a_section_that_was_left_out_offers_the_default(self, cast, dana, draft):
        save_rules(draft, [rule for rule in spec_of(draft).rules if rule.section_code != "plan"], "", cast.dana)
        page = dana.get(url(draft.template)).content.decode()
        assert "Left out here. The practice default: Treatment Plan (NF-06)" in page
        assert "Take the default" in page

    @pytest.mark.parametrize("action", ["inherit:goals", "inherit:nonsense ", "inherit:"])
    def test_what_the_default_lacks_cannot_be_taken(self, dana, draft, action):
        answer = dana.post(url(draft.template), form_of(draft, action), follow=True)
        assert "stays as it is. The practice default has no row for this section." in answer.content.decode()

    def test_a_form_that_cannot_be_saved_changes_no_row(self, dana, draft):
        for action in ("inherit:plan", "own:assessment", "follow"):
            answer = dana.post(url(draft.template), form_of(draft, action, ("plan", {"limit": "many"})))
            assert answer.status_code == 422
        assert placed(draft)["plan"] == ("NF-07", "")
        assert placed(draft)["assessment"] == ("NF-05", "default")

    def test_a_draft_somebody_saved_meanwhile_is_not_overwritten_by_a_press(self, cast, dana, draft):
        form = form_of(draft, "inherit:plan")
        save_rules(draft, [RuleSpec("plan", "NF-05")], "", cast.mel)
        assert dana.post(url(draft.template), form).status_code == 409
        assert placed(draft) == {"plan": ("NF-05", "")}

    def test_a_newer_default_is_announced_and_taken_over_with_one_press(self, cast, dana, draft):
        changed(cast, cast.north_mapping, RuleSpec("assessment", "NF-07", position=5))
        shared(cast, source=published_of(cast.north_mapping.template))
        assert "There is a newer practice default" in dana.get(url(draft.template)).content.decode()
        dana.post(url(draft.template), form_of(draft, "follow"))
        assert placed(draft)["assessment"] == ("NF-07", "default")
        assert placed(draft)["plan"] == ("NF-07", "")
        assert "There is a newer practice default" not in dana.get(url(draft.template)).content.decode()

    def test_a_draft_that_follows_none_is_told_of_the_default_and_follows_with_one_press(self, cast, dana):
        shared(cast)
        draft = start_draft(cast.south_mapping.template, cast.dana)
        assert "The practice has a default mapping" in dana.get(url(draft.template)).content.decode()
        page = dana.post(url(draft.template), form_of(draft, "follow"), follow=True).content.decode()
        assert "The draft follows practice default 1. Sections taken over: 0; dropped: 0." in page
        assert "Review of systems stays as it is." in page
        assert placed(draft) == placed(cast.south_mapping)

    def test_a_template_without_a_mapping_can_start_from_the_default(self, cast, dana):
        fresh = make_template(cast.north, "NEW", "New", [("NF-01", "CC", None), ("NF-06", "Plan", None)]).template
        assert "Start from the practice default" not in dana.get(url(fresh)).content.decode()
        shared(cast, ("chief_complaint", "plan"))
        assert "Start from the practice default" in dana.get(url(fresh)).content.decode()
        dana.post(url(fresh), {"action": "follow-start"})
        assert placed(draft_of(fresh)) == {"chief_complaint": ("NF-01", "default"), "plan": ("NF-06", "default")}

    def test_without_any_default_the_press_says_so(self, cast, dana):
        start_draft(cast.north_mapping.template, cast.dana)
        answer = dana.post(url(cast.north_mapping.template), {"action": "follow"}, follow=True)
        assert "The practice has no default mapping." in answer.content.decode()

    def test_who_only_reads_sees_the_standing_and_no_button(self, cast, client):
        shared(cast)
        client.force_login(cast.omar)
        page = client.get(url(cast.north_mapping.template)).content.decode()
        assert "The practice default: Treatment Plan (NF-06)" in page
        assert "Back to the default" not in page
        for action in ("follow", "follow-start", "inherit:plan", "own:plan"):
            assert client.post(url(cast.north_mapping.template), {"action": action}).status_code == 403
        assert not AuditEvent.objects.filter(event="mapping.change").exists()


class TestExplained:
    def row(self, template, name: str):
        return next(item for item in explained(template) if item.name == name)

    def test_an_inherited_value_names_its_default_and_who_published_it(self, cast, following):
        row = self.row(following.template, "Assessment")
        assert (row.origin, row.source, row.default) == ("Practice default 1", PracticeDefault.objects.get(), "")
        assert row.source.published_by == cast.dana

    def test_a_value_of_the_locations_own_stands_beside_the_defaults(self, following):
        row = self.row(following.template, "Plan")
        assert (row.origin, row.source) == (BY_HAND, None)
        assert (row.value, row.default) == ("Notes (NF-07)", "Treatment Plan (NF-06)")

    def test_an_inherited_value_that_the_default_has_moved_on_from_says_what_it_says_now(self, cast, following):
        changed(cast, cast.north_mapping, RuleSpec("assessment", "NF-07", position=5))
        shared(cast, source=published_of(cast.north_mapping.template))
        row = self.row(following.template, "Assessment")
        assert (row.origin, row.value, row.default) == (
            "Practice default 1",
            "Assessment (NF-05)",
            "Notes (NF-07)",
        )

    def test_a_section_left_out_shows_what_the_default_has_and_why_it_is_not_possible(self, cast):
        shared(cast)
        row = self.row(cast.south_mapping.template, "Review of systems")
        assert row.value == "Held for a person"
        assert row.default == "ROS (NF-03)"
        assert "NF-03, which this template version lacks" in row.refused

    def test_without_a_default_nothing_is_said_of_one(self, cast):
        assert {(row.source, row.default, row.refused) for row in explained(cast.north_mapping.template)} == {
            (None, "", "")
        }

    def test_the_page_says_it(self, dana, following):
        page = dana.get(url(following.template, "values")).content.decode()
        assert page.count("Practice default 1") == 5
        assert "by dana" in page
        assert "The practice default: Treatment Plan (NF-06)" in page


def test_the_overview_costs_queries_by_template_and_not_by_row(cast, dana, following, django_assert_max_num_queries):
    dana.get(OVERVIEW)
    with django_assert_max_num_queries(60):
        dana.get(OVERVIEW)
