"""The practice default in a real browser: shared, proposed, overridden with one press, on every width and theme."""

import pytest

from mapping.note import RuleSpec
from mapping.practice_default import propose
from mapping.publishing import start_draft
from mapping.queries import draft_of, published_of
from tests.browsing import assert_looks_right
from tests.mapping.sharing import changed, live, placed, shared, west

pytestmark = pytest.mark.browser


@pytest.fixture
def there(cast):
    """WEST, which follows the first default all but in its plan; a draft of its mapping; a newer default."""
    mapping = west(cast)
    propose(mapping.template, shared(cast), cast.dana)
    live(cast, draft_of(mapping.template))
    changed(cast, published_of(mapping.template), RuleSpec("plan", "NF-07", prefix="Plan: ", position=6))
    newer = changed(cast, cast.north_mapping, RuleSpec("assessment", "NF-05", prefix="Assessment: ", position=5))
    shared(cast, source=newer)
    return mapping.template


@pytest.fixture
def pages(cast, there) -> list[str]:
    start_draft(there, cast.dana)
    north = cast.north_mapping.template
    return [
        "/mapping/default/",
        f"/mapping/templates/{north.pk}/default/",
        f"/mapping/templates/{there.pk}/mapping/",
        f"/mapping/templates/{there.pk}/values/",
    ]


def test_a_default_is_shared_and_a_row_of_the_proposal_made_the_locations_own(cast, page, sign_in):
    west_template = west(cast).template
    sign_in(cast.dana)
    page.goto(f"/mapping/templates/{cast.north_mapping.template_id}/mapping/")
    page.get_by_role("link", name="Make it the practice default").click()
    page.get_by_label("West Clinic: Family Medicine Progress Note").check()
    page.get_by_label("Reason").fill("One way for every clinic")
    page.get_by_role("button", name="Publish the default").click()
    page.get_by_text("No mapping in force was changed.").wait_for()
    page.get_by_role("link", name="Open the draft of West Clinic").click()
    page.get_by_role("button", name="Make it this location’s own for Plan").click()
    page.get_by_text("Plan is this location’s own in this draft").wait_for()
    assert placed(draft_of(west_template))["plan"] == ("NF-06", "")
    page.get_by_role("button", name="Back to the default for Plan").click()
    page.get_by_text("Plan comes from the practice default in this draft").wait_for()
    assert placed(draft_of(west_template))["plan"] == ("NF-06", "default")


def said_of(page, template, section: str) -> list[str]:
    """What the page of values in force says of a section: value, from where, since which mapping, by whom."""
    page.goto(f"/mapping/templates/{template.pk}/values/")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=section, exact=True))
    return [" ".join(text.split()) for text in row.get_by_role("cell").all_inner_texts()]


def test_a_changed_default_reaches_a_location_that_inherits_once_published_and_the_explainer_says_whose_it_is(
    cast, page, sign_in
):
    template = west(cast).template
    first = shared(cast)
    propose(template, first, cast.dana)
    taken = live(cast, draft_of(template))
    sign_in(cast.dana)
    value, origin, since, by = said_of(page, template, "Plan")
    assert value.startswith("Treatment Plan (NF-06)")
    assert origin.startswith("Practice default 1 by dana")
    assert "The default now" not in origin
    # The same since before any default: of the cast's own first mapping nobody is recorded.
    assert (since.split(",")[0].startswith("Mapping 1"), by) == (True, "not recorded")

    newer = changed(cast, cast.north_mapping, RuleSpec("plan", "NF-07", prefix="Plan: ", position=6))
    page.goto(f"/mapping/templates/{newer.template_id}/default/")
    page.get_by_label("West Clinic: Family Medicine Progress Note").check()
    page.get_by_label("Reason").fill("Plans go to the notes")
    page.get_by_role("button", name="Publish the default").click()
    page.get_by_text("No mapping in force was changed.").wait_for()
    assert published_of(template) == taken  # nothing reaches a chart by a default alone
    value, origin, _, _ = said_of(page, template, "Plan")
    assert value.startswith("Treatment Plan (NF-06)")
    assert "The default now: Notes (NF-07), prefix “Plan: ”" in origin

    reached = live(cast, draft_of(template))
    value, origin, since, by = said_of(page, template, "Plan")
    assert value == "Notes (NF-07), prefix “Plan: ”"
    assert origin.startswith("Practice default 2 by dana")
    assert "The default now" not in origin
    assert since.startswith(f"Mapping {reached.number} ")
    assert by == "dana"
    kept = said_of(page, template, "Assessment")
    assert kept[1].startswith("Practice default 2 by dana")
    assert kept[2].startswith("Mapping 1 ")  # the same rule since before any default

    changed(cast, reached, RuleSpec("plan", "NF-06", position=6))
    value, origin, _, _ = said_of(page, template, "Plan")
    assert value == "Treatment Plan (NF-06)"
    assert origin.startswith("This location: mapped by hand The practice default: Notes (NF-07)")


def test_the_pages_are_accessible_and_do_not_scroll_sideways(cast, page, sign_in, pages):
    sign_in(cast.dana)
    for address in pages:
        page.goto(address)
        assert_looks_right(page)
