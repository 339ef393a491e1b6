"""A practice default is taken from a mapping in force, proposed to the locations, and changes nothing in silence."""

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from mapping.drift_report import report_of
from mapping.following import default_for, is_newer, previewed, previews, rules_of
from mapping.going_live import NotRehearsed
from mapping.models import MappingState, MappingVersion, PracticeDefault, Template
from mapping.note import RuleSpec
from mapping.practice_default import (
    CannotInherit,
    NotInForce,
    follow,
    make_own,
    propose,
    publish_default,
    take_over,
)
from mapping.publishing import NotADraft, publish, return_to, save_rules, start_copy, start_draft
from mapping.queries import draft_of, published_of, published_spec, spec_of
from mapping.transfer import BY_ID, INHERITED, transfer
from tests.cast import make_template
from tests.mapping.rehearsing import rehearsed
from tests.mapping.sharing import EVERY, REASON, changed, live, placed, shared, west
from tests.mapping.test_drift_pages import GONE, imported

pytestmark = pytest.mark.django_db
PLAN_ELSEWHERE = RuleSpec("plan", "NF-07", prefix="P: ", position=6)


@pytest.fixture
def there(cast):
    """WEST's mapping, which does what NORTH's does."""
    return west(cast)


@pytest.fixture
def following(cast, there) -> MappingVersion:
    """WEST's mapping in force, which follows the first default."""
    propose(there.template, shared(cast), cast.dana)
    return live(cast, draft_of(there.template))


def last(event: str) -> AuditEvent:
    return AuditEvent.objects.filter(event=event).latest("id")


class TestPublishing:
    def test_it_has_the_rules_of_the_mapping_it_was_taken_from(self, cast):
        default = shared(cast, ("plan", "assessment"))
        assert {(rule.section_code, rule.field_id) for rule in rules_of(default)} == {
            ("assessment", "NF-05"),
            ("plan", "NF-06"),
        }
        assert {rule.origin for rule in rules_of(default)} == {INHERITED}

    def test_it_stays_as_it_is_when_its_source_changes(self, cast):
        default = shared(cast)
        changed(cast, cast.north_mapping, PLAN_ELSEWHERE)
        again = PracticeDefault.objects.get(pk=default.pk)
        assert {rule.section_code: rule.field_id for rule in rules_of(again)}["plan"] == "NF-06"

    def test_it_changes_no_mapping_by_itself(self, cast, there):
        before = {row.pk: (row.state, spec_of(row)) for row in MappingVersion.objects.all()}
        shared(cast)
        assert {row.pk: (row.state, spec_of(row)) for row in MappingVersion.objects.all()} == before

    def test_a_newer_one_takes_the_place_of_the_older_which_is_kept(self, cast):
        first, second = shared(cast), shared(cast, ("plan",))
        assert (first.number, second.number) == (1, 2)
        assert default_for(cast.north_mapping.template) == second
        assert PracticeDefault.objects.count() == 2

    def test_it_is_recorded_with_who_what_and_why(self, cast):
        default = shared(cast, ("plan", "assessment"))
        event = last("mapping.default")
        assert (event.practice, event.object_id, event.reason) == ("lakeside", str(default.pk), REASON)
        assert event.detail == {"template": "", "version": 1, "source": cast.north_mapping.pk, "sections": 2}

    def test_it_is_taken_from_what_is_in_force_and_from_nothing_else(self, cast):
        draft = start_draft(cast.north_mapping.template, cast.dana)
        with pytest.raises(NotInForce):
            shared(cast, source=draft)
        changed(cast, cast.north_mapping, PLAN_ELSEWHERE)
        with pytest.raises(NotInForce):
            shared(cast, source=cast.north_mapping)
        assert not PracticeDefault.objects.exists()

    @pytest.mark.parametrize("sections, reason", [((), REASON), (("nonsense",), REASON), (("plan",), "  ")])
    def test_without_a_section_or_a_reason_there_is_none(self, cast, sections, reason):
        with pytest.raises(ValueError, match="needs a section and a reason"):
            publish_default(cast.north_mapping, sections, "", cast.dana, reason)
        assert not AuditEvent.objects.filter(event="mapping.default").exists()

    def test_two_with_one_number_cannot_be(self, cast):
        default = shared(cast)
        default.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            default.save(force_insert=True)

    def test_a_default_for_the_templates_code_goes_before_the_one_for_every_template(self, cast, there):
        general, special = shared(cast), shared(cast, ("plan",), code="FM-PROGRESS")
        assert default_for(there.template) == special
        assert default_for(cast.south_mapping.template) == general
        assert shared(cast, code="FM-PROGRESS").number == 2

    def test_another_practice_has_no_part_in_it(self, cast):
        shared(cast)
        strange = make_template(cast.elsewhere, "FM-PROGRESS", "Ours", [("NF-01", "CC", None)]).template
        assert default_for(strange) is None


class TestProposing:
    def test_a_location_gets_a_draft_and_what_is_in_force_stays(self, cast, there):
        found = propose(there.template, shared(cast), cast.dana)
        draft = draft_of(there.template)
        assert published_of(there.template) == there
        assert found.taken == ()
        assert {origin for _field, origin in placed(draft).values()} == {INHERITED}
        assert set(placed(there).values()) == {(field_id, "") for field_id, _ in placed(there).values()}
        assert draft.follows == PracticeDefault.objects.get()

    def test_it_goes_live_only_as_every_change_does(self, cast, there):
        propose(there.template, shared(cast), cast.dana)
        with pytest.raises(NotRehearsed):
            publish(draft_of(there.template), cast.dana, "at once")
        assert live(cast, draft_of(there.template)).follows.number == 1

    def test_a_newer_default_is_followed_row_by_row(self, cast, following):
        changed(cast, cast.north_mapping, PLAN_ELSEWHERE)
        default = shared(cast, source=published_of(cast.north_mapping.template))
        found = propose(following.template, default, cast.dana)
        draft = draft_of(following.template)
        assert found.taken == ("plan",)
        assert placed(draft)["plan"] == ("NF-07", INHERITED)
        assert published_spec(following.template).rules == spec_of(following).rules

    def test_what_the_location_does_its_own_way_stays(self, cast, following):
        own = changed(cast, following, RuleSpec("plan", "NF-05", position=9))
        changed(cast, cast.north_mapping, PLAN_ELSEWHERE)
        propose(own.template, shared(cast, source=published_of(cast.north_mapping.template)), cast.dana)
        draft = draft_of(own.template)
        assert placed(draft)["plan"] == ("NF-05", "")
        assert placed(draft)["assessment"] == ("NF-05", INHERITED)

    def test_a_template_without_the_field_refuses_the_row_by_name(self, cast):
        short = west(cast, fields=[("NF-01", "Chief Complaint", 500), ("NF-02", "HPI", 12000)], rules=[])
        found = propose(short.template, shared(cast), cast.dana)
        assert set(placed(draft_of(short.template))) == {"chief_complaint", "history_of_present_illness"}
        assert [one.section_code for one in found.refused] == [code for code in EVERY if code not in found.taken]
        assert "NF-06" in found.refused[-1].why
        assert last("mapping.inherit").detail["refused"] == 4

    def test_a_draft_in_the_making_is_nobodys_to_overwrite(self, cast, there):
        draft = save_rules(start_draft(there.template, cast.mel), [RuleSpec("plan", "NF-05")], "", cast.mel)
        with pytest.raises(NotADraft):
            propose(there.template, shared(cast), cast.dana)
        assert placed(draft) == {"plan": ("NF-05", "")}
        assert not AuditEvent.objects.filter(event="mapping.inherit").exists()

    def test_it_is_recorded_at_the_location(self, cast, there):
        default = shared(cast)
        propose(there.template, default, cast.dana)
        event = last("mapping.inherit")
        assert (event.location, event.object_id) == ("WEST", str(draft_of(there.template).pk))
        assert event.detail == {
            "template": "FM-PROGRESS",
            "version": 2,
            "source": default.pk,
            "taken": 0,
            "dropped": 0,
            "refused": 0,
        }
        changes = AuditEvent.objects.filter(event="mapping.change").values_list("detail", flat=True)
        assert "follows practice default 1" in [detail["rule"] for detail in changes]

    def test_a_template_that_was_never_mapped_gets_all_of_it(self, cast):
        fresh = make_template(cast.south, "NEW", "New", [("NF-01", "CC", None), ("NF-06", "Plan", None)]).template
        propose(fresh, shared(cast, ("chief_complaint", "plan")), cast.dana)
        assert placed(draft_of(fresh)) == {"chief_complaint": ("NF-01", INHERITED), "plan": ("NF-06", INHERITED)}

    def test_the_catch_all_field_is_the_locations_own(self, cast, there):
        MappingVersion.objects.filter(pk=there.pk).update(catch_all_field_id="NF-07")
        propose(there.template, shared(cast), cast.dana)
        assert draft_of(there.template).catch_all_field_id == "NF-07"


class TestRows:
    @pytest.fixture
    def draft(self, cast, following):
        return start_draft(following.template, cast.mel)

    def test_a_draft_goes_on_following_what_the_mapping_in_force_follows(self, draft, following):
        assert draft.follows == following.follows
        assert placed(draft) == placed(following)

    def test_a_row_that_a_person_changes_is_the_locations_own_from_then_on(self, cast, draft):
        rules = [rule for rule in spec_of(draft).rules if rule.section_code != "plan"]
        plan = next(rule for rule in spec_of(draft).rules if rule.section_code == "plan")
        edited = RuleSpec(**{**vars(plan), "prefix": "P: ", "id": None})
        save_rules(draft, [*rules, edited], "", cast.mel)
        assert placed(draft)["plan"] == ("NF-06", "")
        assert placed(draft)["assessment"] == ("NF-05", INHERITED)

    def test_a_row_can_be_made_ones_own_without_a_change_and_then_no_default_moves_it(self, cast, draft):
        make_own(draft, "plan", cast.mel)
        assert placed(draft)["plan"] == ("NF-06", "")
        changed(cast, cast.north_mapping, PLAN_ELSEWHERE)
        follow(draft, shared(cast, source=published_of(cast.north_mapping.template)), cast.mel)
        assert placed(draft)["plan"] == ("NF-06", "")

    def test_a_row_of_its_own_returns_to_the_default(self, cast, draft):
        make_own(draft, "plan", cast.mel)
        take_over(draft, "plan", cast.mel)
        assert placed(draft)["plan"] == ("NF-06", INHERITED)

    def test_a_row_that_was_left_out_can_be_taken(self, cast, draft):
        save_rules(draft, [rule for rule in spec_of(draft).rules if rule.section_code != "plan"], "", cast.mel)
        take_over(draft, "plan", cast.mel)
        assert placed(draft)["plan"] == ("NF-06", INHERITED)
        assert len(placed(draft)) == 6

    def test_what_the_default_does_not_have_cannot_be_taken_from_it(self, cast, draft):
        with pytest.raises(CannotInherit, match="no row for this section"):
            take_over(draft, "goals", cast.mel)

    def test_what_the_template_cannot_take_is_refused_and_changes_nothing(self, cast):
        shared(cast)
        south = start_draft(cast.south_mapping.template, cast.dana)
        with pytest.raises(CannotInherit, match="NF-06"):
            take_over(south, "plan", cast.dana)
        assert placed(south) == placed(cast.south_mapping)
        assert MappingVersion.objects.get(pk=south.pk).follows is None

    def test_one_row_taken_by_a_location_that_follows_none_makes_it_follow_for_that_row(self, cast, there):
        default = shared(cast)
        draft = take_over(start_draft(there.template, cast.dana), "plan", cast.dana)
        assert draft.follows == default
        assert [code for code, (_, origin) in placed(draft).items() if origin] == ["plan"]

    def test_nothing_of_a_published_mapping_can_be_returned_or_detached(self, cast, following):
        for deed in (make_own, take_over):
            with pytest.raises(NotADraft):
                deed(following, "plan", cast.mel)
        with pytest.raises(NotADraft):
            follow(following, shared(cast), cast.mel)
        assert placed(following)["plan"] == ("NF-06", INHERITED)


class TestElsewhere:
    def test_an_earlier_mapping_put_in_force_again_follows_what_it_followed(self, cast, following):
        changed(cast, following, PLAN_ELSEWHERE)
        again = return_to(MappingVersion.objects.get(pk=following.pk), cast.dana)
        assert again.follows == following.follows
        assert placed(again) == placed(following)

    def test_a_copy_to_another_location_is_a_copy_and_not_inherited(self, cast, following):
        found = transfer(spec_of(following), spec_of(cast.north_mapping).fields, {})
        copied = start_copy(cast.north_mapping.template, following, found, cast.dana)
        assert {origin for _, origin in placed(copied).values()} == {BY_ID}

    def test_the_proposal_after_drift_goes_on_inheriting_what_it_can(self, cast):
        default = shared(cast)
        template = cast.north_mapping.template
        propose(template, default, cast.dana)
        live(cast, draft_of(template))
        imported(cast, GONE)
        proposal = report_of(Template.objects.get(pk=template.pk)).placed
        draft = start_copy(template, published_of(template), proposal, cast.dana)
        assert placed(draft)["assessment"] == ("NF-05", INHERITED)
        assert placed(draft)["plan"] == ("NF-16", "suggested")


class TestPreview:
    def test_it_names_exactly_the_locations_that_would_change(self, cast, following):
        changed(cast, cast.north_mapping, PLAN_ELSEWHERE)
        source = published_of(cast.north_mapping.template)
        found = {one.template.location.code: one for one in previews(source, rules_of(shared(cast, source=source)), "")}
        assert [code for code, one in found.items() if one.follows and one.moves] == ["WEST"]
        (sentence, *_rest) = found["WEST"].differences
        assert sentence.message == "Plan goes to Notes (NF-07), to Treatment Plan (NF-06) before."
        assert not draft_of(following.template), "a preview makes nothing"

    def test_a_follower_whom_the_newer_default_changes_in_nothing_needs_no_draft(self, cast, following):
        newer = shared(cast)
        assert not is_newer(newer, following)
        (there,) = previews(cast.north_mapping, rules_of(newer), "FM-PROGRESS")
        assert (there.moves, there.proposable, there.differences) == (False, False, ())

    def test_a_location_that_follows_none_is_told_that_there_is_one(self, cast, there):
        assert not is_newer(None, there)
        assert is_newer(shared(cast), there)

    def test_another_number_for_the_same_order_in_the_fields_is_no_change(self, cast):
        shifted = west(cast, rules=[])
        rules = [
            RuleSpec(rule.section_code, rule.field_id, position=rule.position + 3)
            for rule in spec_of(cast.north_mapping).rules
        ]
        mapping = changed(cast, shifted, *rules)
        propose(mapping.template, shared(cast), cast.dana)
        follower = live(cast, draft_of(mapping.template))
        assert not is_newer(shared(cast), follower)

    def test_where_a_person_works_on_a_draft_none_is_proposed(self, cast, there):
        start_draft(there.template, cast.mel)
        (one,) = previews(cast.north_mapping, rules_of(shared(cast)), "FM-PROGRESS")
        assert (one.moves, one.drafted, one.proposable) == (True, True, False)

    def test_templates_with_a_default_of_their_own_code_are_not_asked(self, cast, there):
        shared(cast, code="SM-VISIT")
        asked = [one.template.code for one in previews(cast.north_mapping, rules_of(shared(cast)), "")]
        assert asked == ["FM-PROGRESS"]

    def test_a_template_that_was_never_imported_is_left_out(self, cast):
        bare = Template.objects.create(location=cast.south, code="BARE", name="Bare")
        assert previewed(bare, ()) is None
        assert bare not in [one.template for one in previews(cast.north_mapping, (), "")]


def test_a_published_default_never_changes_what_notes_follow(cast, following):
    """From the first default to the last: only publishing a draft at the location moves it."""
    states = []
    for prefix in ("A: ", "B: "):
        changed(cast, cast.north_mapping, RuleSpec("plan", "NF-06", prefix=prefix, position=6))
        propose_to = shared(cast, source=published_of(cast.north_mapping.template))
        if draft_of(following.template) is None:
            propose(following.template, propose_to, cast.dana)
        states.append(published_spec(following.template).rules)
    assert states == [spec_of(following).rules] * 2
    draft = draft_of(following.template)
    follow(draft, default_for(following.template), cast.dana)
    after = publish(rehearsed(draft, cast.dana), cast.dana, "seen")
    assert {rule.prefix for rule in spec_of(after).rules if rule.section_code == "plan"} == {"B: "}
    assert MappingVersion.objects.get(pk=following.pk).state == MappingState.RETIRED
