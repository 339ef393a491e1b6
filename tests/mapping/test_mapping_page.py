"""The mapping page: what it shows, what it saves, what it refuses."""

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from mapping.apply import apply
from mapping.forms import initial_rows
from mapping.models import MappingVersion, TemplateVersion
from mapping.note import RuleSpec, Section
from mapping.publishing import fingerprint, save_rules, start_draft
from mapping.queries import _cached, draft_of, published_of, published_spec, spec_of
from mapping.sections import name_of
from tests.cast import make_template
from tests.mapping.boards import large_board
from tests.mapping.rehearsing import rehearsed
from tests.mapping.test_forms import posted


@pytest.fixture
def mel(cast, client):
    client.force_login(cast.mel)
    return client


@pytest.fixture
def draft(cast):
    return start_draft(cast.north_mapping.template, cast.mel)


def url(template, name="mapping"):
    return reverse(f"mapping:{name}", args=[template.pk])


def form_of(draft, action, *changes, **head):
    """The draft's form as the page would post it, with rows changed or added by section code."""
    rows = initial_rows(spec_of(draft))
    for code, change in changes:
        row = next(row for row in rows if row["section_code"] == code)
        row.update(change)
    return posted(rows, action=action, **{"seen": fingerprint(spec_of(draft)), **head})


def test_the_mapping_in_force_is_shown_to_read_and_offers_a_draft(mel, cast):
    page = mel.get(url(cast.north_mapping.template)).content.decode()
    assert "Edit as a draft" in page
    assert "2 · HPI (NF-02)" in page
    assert "rules-TOTAL_FORMS" not in page


def test_a_template_without_mapping_offers_to_start_one(mel, cast):
    template = make_template(cast.north, "NEW", "New", [("A", "A", None)]).template
    assert "Start the mapping" in mel.get(url(template)).content.decode()
    mel.post(url(template), {"action": "start"})
    assert draft_of(template).number == 1


def test_the_page_shows_every_section_every_field_and_what_fills_it(mel, draft):
    page = mel.get(url(draft.template)).content.decode()
    assert page.count('-section_code"') == 28
    assert page.index("Scribe’s sections") < page.index("Treatment Plan (NF-06)")
    assert "21 sections without a field" not in page
    assert "22 sections without a field" in page
    assert page.count("field-filled") == 6
    assert 'href="/mapping/' in page


def test_saving_changes_the_draft_and_not_what_is_in_force(mel, draft):
    answer = mel.post(
        url(draft.template), form_of(draft, "save", ("goals", {"field_id": "NF-07", "before": "Goals: "}))
    )
    assert answer.status_code == 302
    saved = {rule.section_code: rule for rule in spec_of(draft).rules}
    assert (saved["goals"].field_id, saved["goals"].prefix) == ("NF-07", "Goals: ")
    assert len(saved) == 7
    assert len(published_spec(draft.template).rules) == 6


def test_leaving_a_field_open_takes_the_rule_away(mel, draft):
    mel.post(url(draft.template), form_of(draft, "save", ("plan", {"field_id": ""})))
    assert "plan" not in {rule.section_code for rule in spec_of(draft).rules}


def test_a_wrong_entry_keeps_what_was_typed_and_saves_nothing(mel, draft):
    answer = mel.post(url(draft.template), form_of(draft, "save", ("plan", {"limit": "many", "before": "Typed: "})))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Plan, limit: Enter a whole number." in page
    assert "Typed: " in page
    assert all(not rule.prefix for rule in spec_of(draft).rules)


def test_a_draft_saved_by_somebody_else_is_not_overwritten(mel, cast, draft):
    stale = form_of(draft, "save", ("goals", {"field_id": "NF-07"}))
    save_rules(draft, [RuleSpec("plan", "NF-06")], "", cast.dana)
    answer = mel.post(url(draft.template), stale)
    assert answer.status_code == 409
    assert "Somebody else saved this draft" in answer.content.decode()
    assert [rule.section_code for rule in spec_of(draft).rules] == ["plan"]


def test_publishing_with_warnings_asks_for_a_reason_first(mel, cast, draft):
    answer = mel.post(url(draft.template), form_of(draft, "publish"))
    assert answer.status_code == 422
    assert "Say why it should go live" in answer.content.decode()
    assert published_of(draft.template).number == 1
    rehearsed(draft, cast.mel)
    answer = mel.post(url(draft.template), form_of(draft, "publish", reason="pilot of two providers"))
    assert answer.status_code == 302
    published = published_of(draft.template)
    assert (published.number, published.publish_reason) == (2, "pilot of two providers")


def test_publishing_saves_what_is_on_the_page(mel, cast, draft):
    mel.post(url(draft.template), form_of(draft, "save", ("goals", {"field_id": "NF-07"})))
    rehearsed(draft, cast.mel)
    save_rules(draft, [rule for rule in spec_of(draft).rules if rule.section_code != "goals"], "", cast.mel)
    mel.post(url(draft.template), form_of(draft, "publish", ("goals", {"field_id": "NF-07"}), reason="pilot"))
    assert "goals" in {rule.section_code for rule in published_spec(draft.template).rules}


def test_a_mapping_with_errors_is_saved_and_not_published_and_each_error_links_to_its_row(mel, draft):
    data = form_of(draft, "publish", ("plan", {"limit": 99999}), reason="please")
    answer = mel.post(url(draft.template), data)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'href="#section-plan"' in page
    assert 'id="section-plan"' in page
    assert published_of(draft.template).number == 1
    assert [rule.limit for rule in spec_of(draft).rules if rule.section_code == "plan"] == [99999]


def test_after_a_refused_publication_the_page_can_be_posted_again(mel, draft):
    page = mel.post(url(draft.template), form_of(draft, "publish", ("goals", {"field_id": "NF-07"}))).content.decode()
    assert f'name="seen" value="{fingerprint(spec_of(draft))}"' in page


def test_a_second_rule_for_a_section_can_be_added_without_saving(mel, draft):
    page = mel.post(url(draft.template), form_of(draft, "add:plan", ("goals", {"field_id": "NF-07"}))).content.decode()
    assert page.count('-section_code" value="plan"') == 2
    assert page.count('-section_code"') == 29
    assert 'value="29"' in page
    assert "goals" not in {rule.section_code for rule in spec_of(draft).rules}


def test_a_section_of_the_practice_s_own_can_be_added(mel, draft):
    page = mel.post(url(draft.template), form_of(draft, "add", own_code="sleep_diary")).content.decode()
    assert "Sleep diary" in page
    refused = mel.post(url(draft.template), form_of(draft, "add", own_code="Sleep Diary!"))
    assert refused.status_code == 422


def test_discarding_asks_nothing_of_the_form_and_keeps_what_is_in_force(mel, draft):
    answer = mel.post(url(draft.template), {"action": "discard"})
    assert answer.status_code == 302
    assert draft_of(draft.template) is None
    assert published_of(draft.template).number == 1


def test_a_draft_for_an_older_template_version_can_be_renewed(mel, draft):
    newer = TemplateVersion.objects.create(template=draft.template, number=2, fingerprint="1" * 64, source="again")
    assert "Use the newest template version" in mel.get(url(draft.template)).content.decode()
    mel.post(url(draft.template), {"action": "renew"})
    page = mel.get(url(draft.template)).content.decode()
    assert draft_of(draft.template).template_version == newer
    assert "NF-06, not in this template version" in page


@pytest.mark.parametrize("action", ["save", "publish", "discard", "renew", "add"])
def test_a_button_on_a_draft_that_is_gone_says_so(mel, cast, action):
    answer = mel.post(url(cast.north_mapping.template), {"action": action}, follow=True)
    assert "published or discarded meanwhile" in answer.content.decode()
    assert MappingVersion.objects.count() == 2


def test_a_button_that_does_not_exist_is_refused(mel, draft):
    assert mel.post(url(draft.template), {"action": "explode"}).status_code == 400


def test_the_check_judges_the_form_without_saving_it(mel, draft):
    data = form_of(draft, "save", ("goals", {"field_id": "NF-07"}), ("plan", {"field_id": "GONE"}))
    page = mel.post(url(draft.template, "check"), data).content.decode()
    assert "<html" not in page
    assert "To repair before publishing" in page
    assert "7 sections mapped, 1 error." in page
    assert "Goals" in page
    assert len(spec_of(draft).rules) == 6


def test_the_check_of_an_invalid_form_names_the_entry(mel, draft):
    page = mel.post(url(draft.template, "check"), form_of(draft, "save", ("plan", {"limit": "x"}))).content.decode()
    assert "Plan, limit" in page


def test_the_live_preview_stands_on_the_page_only_where_delivery_offers_one(mel, draft):
    from django.urls import NoReverseMatch

    page = mel.get(url(draft.template)).content.decode()
    try:
        address = reverse("delivery:preview", args=[draft.template_id])
    except NoReverseMatch:
        assert "preview-title" not in page
    else:
        assert f'hx-post="{address}"' in page


def test_the_page_costs_few_queries(mel, draft, django_assert_max_num_queries):
    with django_assert_max_num_queries(44):  # six of them for what would be sent, which the page draws itself
        mel.get(url(draft.template))


def test_titles_and_addresses_name_no_content(mel, draft):
    page = mel.get(url(draft.template)).content.decode()
    assert "<title>Mapping · Scribeport</title>" in page


class TestARowOfAKindNobodyKnows:
    """A restore, or an edit past the program: the page stands, and says which row it is."""

    @pytest.fixture
    def strange(self, cast):
        rule = cast.north_mapping.rules.order_by("position").first()
        type(rule).objects.filter(pk=rule.pk).update(kind="mirror")
        _cached.cache_clear()
        yield rule
        _cached.cache_clear()

    def test_the_mapping_in_force_is_still_shown(self, mel, cast, strange):
        answer = mel.get(url(cast.north_mapping.template))
        assert answer.status_code == 200
        assert name_of(strange.section_code) in answer.content.decode()

    def test_it_holds_the_notes_that_need_it_and_names_the_row(self, cast, strange):
        spec = spec_of(cast.north_mapping)
        (rule,) = [one for one in spec.rules if one.id == strange.pk]
        assert rule.damaged == ("kind",)
        text = Section(0, strange.section_code, name_of(strange.section_code), "Synthetic text.")
        found = apply(spec, [text], "hold")
        assert found.problems
        assert any(name_of(strange.section_code) in problem.message for problem in found.problems)

    def test_a_draft_of_it_can_be_put_right_and_the_values_page_stands(self, mel, cast, strange):
        assert mel.get(url(cast.north_mapping.template, "values")).status_code == 200
        draft = start_draft(cast.north_mapping.template, cast.mel)
        assert mel.get(url(draft.template)).status_code == 200
        mel.post(url(draft.template), form_of(draft, "save"))
        assert all(not rule.damaged for rule in spec_of(draft).rules)


def stats(page: str) -> str:
    """The count of the sections above the board, without marks."""
    said = page[page.index("Standard sections mapped") :].partition("</div>")[0]
    return " ".join(strip_tags(said.replace("<", " <")).split())


def test_the_count_says_which_sections_it_counts_and_names_the_practices_own_apart(mel, cast, draft):
    assert stats(mel.get(url(draft.template)).content.decode()) == (
        "Standard sections mapped 6 of 28 that every scribe can send"
    )
    rules = [*spec_of(draft).rules, RuleSpec("wound_photo", "NF-07", position=20)]
    save_rules(draft, rules, "", cast.mel)
    page = mel.get(url(draft.template)).content.decode()
    assert stats(page) == "Standard sections mapped 6 of 28 and 1 of 1 of the practice’s own"


def test_a_board_of_forty_sections_counts_twenty_eight_and_twelve(mel, cast):
    page = mel.get(url(large_board(cast).template)).content.decode()
    assert stats(page) == "Standard sections mapped 28 of 28 and 12 of 12 of the practice’s own"
