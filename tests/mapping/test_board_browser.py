"""The board in a real browser: dragged with a mouse, carried by keyboard, undone, without a script, on every width."""

import pytest

from mapping.models import Field, Template
from mapping.publishing import start_draft
from mapping.queries import draft_of, published_spec, spec_of
from tests.browsing import assert_looks_right, wait_until_drawn
from tests.delivery.rows import note_version
from tests.mapping.boards import drag, large_board, lines_drawn

pytestmark = pytest.mark.browser


@pytest.fixture
def board(cast, page, sign_in):
    """Mel with a fresh draft of NORTH's mapping open, the preview drawn."""
    draft = start_draft(cast.north_mapping.template, cast.mel)
    sign_in(cast.mel)
    page.goto(f"/mapping/templates/{draft.template_id}/mapping/")
    page.locator(".preview-fields").wait_for()
    return page


def target(page, section: str) -> str:
    return page.get_by_label(f"Field for {section}", exact=True).input_value()


def heard(page, words: str) -> None:
    """Wait until a screen reader would have been told this."""
    page.locator("#board-said", has_text=words).wait_for(state="attached")


def test_a_section_dragged_to_another_field_changes_the_preview_and_is_published(cast, board):
    note_version(cast)
    drag(board, "Plan", "NF-07")
    heard(board, "Plan goes to 7 · Notes (NF-07).")
    changed = board.locator(".preview-fields .is-changed")
    changed.filter(has_text="Notes NF-07").get_by_text("Synthetic text of plan.").wait_for()
    changed.filter(has_text="Treatment Plan NF-06").get_by_text("Left empty").wait_for()
    board.locator("[data-field='NF-07'] .field-filled", has_text="Plan").wait_for()
    board.get_by_text("Not saved yet").wait_for()
    board.get_by_role("button", name="Rehearse").click()
    board.get_by_text("The last 1 note of this template").wait_for()
    board.get_by_text("Plan goes to Notes (NF-07), to Treatment Plan (NF-06) before.").wait_for()
    board.get_by_label("Reason for publishing").fill("The plan belongs to Notes here.")
    board.get_by_role("button", name="Publish mapping 2").click()
    board.get_by_text("Mapping 2 is in force").wait_for()
    rules = {rule.section_code: rule.field_id for rule in published_spec(cast.north_mapping.template).rules}
    assert rules["plan"] == "NF-07"


def test_lines_join_each_mapped_section_with_its_field_and_follow_every_change(board):
    assert lines_drawn(board) == 6
    board.get_by_label("Field for Plan", exact=True).select_option("")
    assert lines_drawn(board) == 5
    board.get_by_role("button", name="Undo").click()
    assert lines_drawn(board) == 6


def test_a_section_let_go_beside_the_fields_stays_where_it_was_and_escape_ends_a_drag(board):
    grip = board.get_by_role("button", name="Move Plan to another field").bounding_box()
    board.mouse.move(grip["x"] + 4, grip["y"] + 4)
    board.mouse.down()
    board.mouse.move(grip["x"] + 500, grip["y"], steps=4)
    board.keyboard.press("Escape")
    board.mouse.up()
    assert target(board, "Plan") == "NF-06"
    assert board.locator(".is-over, .is-carried, .is-free").count() == 0
    board.mouse.move(grip["x"] + 4, grip["y"] + 4)
    board.mouse.down()
    board.mouse.move(grip["x"] + 60, grip["y"] - 40, steps=4)
    board.locator(".is-carried, .is-free").first.wait_for(state="attached")
    board.mouse.up()
    board.locator(".is-carried, .is-free").first.wait_for(state="detached")
    heard(board, "Plan stays where it was.")
    assert target(board, "Plan") == "NF-06"
    assert lines_drawn(board) == 6


def test_the_keyboard_carries_a_section_every_step_is_said_and_escape_and_delete_take_it_back(board):
    board.get_by_role("button", name="Move Plan to another field").focus()
    board.keyboard.press("Enter")
    board.keyboard.press("ArrowDown")
    board.keyboard.press("Escape")
    heard(board, "Plan stays where it was.")
    assert target(board, "Plan") == "NF-06"
    board.keyboard.press("Enter")
    heard(board, "Plan picked up. 6 · Treatment Plan, holds Plan.")
    board.keyboard.press("ArrowDown")
    heard(board, "7 · Notes, empty.")
    board.keyboard.press("Home")
    heard(board, "1 · Chief Complaint, holds Chief complaint.")
    board.keyboard.press("End")
    board.keyboard.press("Space")
    heard(board, "Plan goes to 7 · Notes (NF-07).")
    assert target(board, "Plan") == "NF-07"
    board.locator(".preview-fields .is-changed", has_text="Notes NF-07").wait_for()
    board.get_by_role("button", name="Move Plan to another field").focus()
    board.keyboard.press("Delete")
    heard(board, "Plan has no field.")
    assert target(board, "Plan") == ""
    board.locator("#board-stats", has_text="5 of 28").wait_for()


def test_a_structured_field_refuses_dictated_text_by_mouse_and_by_keyboard(cast, page, sign_in):
    draft = start_draft(cast.north_mapping.template, cast.mel)
    Field.objects.filter(field_id="NF-07").update(kind="structured")
    sign_in(cast.mel)
    page.goto(f"/mapping/templates/{draft.template_id}/mapping/")
    drag(page, "Plan", "NF-07")
    heard(page, "7 · Notes takes coded entries, not dictated text. Plan stays.")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    heard(page, "7 · Notes, takes coded entries only.")
    page.keyboard.press("Enter")
    assert target(page, "Plan") == "NF-06"


def test_undo_and_redo_take_back_every_kind_of_change(board):
    undo, redo = (board.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    assert undo.is_disabled()
    drag(board, "Plan", "NF-07")
    options = board.locator("#section-plan details")
    options.locator("summary").click()
    options.get_by_label("Prefix").fill("Plan: ")
    options.get_by_label("Limit, characters").fill("200")
    board.locator(".preview-fields", has_text="Plan: Synthetic").wait_for()
    undo.click()
    assert options.get_by_label("Limit, characters").input_value() == ""
    undo.click()
    assert options.get_by_label("Prefix").input_value() == ""
    board.locator("#section-plan summary").focus()
    board.keyboard.press("Control+z")
    assert target(board, "Plan") == "NF-06"
    board.get_by_text("The same message as the mapping in force makes.").wait_for()
    assert undo.is_disabled()
    redo.click()
    assert target(board, "Plan") == "NF-07"


def test_a_problem_stands_at_its_row_as_soon_as_it_is_made_and_goes_when_it_is_repaired(board):
    options = board.locator("#section-plan details")
    options.locator("summary").click()
    options.get_by_label("Limit, characters").fill("99999")
    row = board.locator("#section-plan")
    row.get_by_text("takes 12000 characters").wait_for()
    board.locator("#board-stats", has_text="publishing is not possible yet").wait_for()
    assert row.locator("select").first.get_attribute("aria-invalid") == "true"
    options.get_by_label("Limit, characters").fill("100")
    board.locator("#board-stats", has_text="publishing needs a reason").wait_for()
    assert row.get_by_text("takes 12000 characters").count() == 0


def test_the_message_stays_open_while_one_edits(board):
    board.locator("#preview-wire summary").click()
    drag(board, "Plan", "NF-07")
    board.locator("pre.wire ins", has_text="NF-07").wait_for()
    assert board.locator("#preview-wire").get_attribute("open") is not None


class TestWithoutAScript:
    @pytest.fixture
    def plain(self, browser, live_portal, cast, browsing, sign_in):
        """A page of a browser that runs no script."""
        sign_in(cast.mel)
        context = browser.new_context(base_url=live_portal, java_script_enabled=False)
        context.add_cookies(browsing.cookies())
        yield context.new_page()
        context.close()

    def test_the_selects_map_and_publish(self, cast, plain):
        note_version(cast)
        draft = start_draft(cast.north_mapping.template, cast.mel)
        plain.goto(f"/mapping/templates/{draft.template_id}/mapping/")
        assert plain.locator("[data-grip]:visible, [data-undo]:visible").count() == 0
        plain.get_by_label("Field for Goals").select_option("NF-07")
        plain.get_by_role("button", name="Rehearse").click()
        plain.get_by_label("Reason for publishing").fill("goals")
        plain.get_by_role("button", name="Publish mapping 2").click()
        assert plain.get_by_text("Mapping 2 is in force").count() == 1
        assert ("goals", "NF-07") in {
            (rule.section_code, rule.field_id) for rule in published_spec(draft.template).rules
        }

    def test_what_would_be_sent_stands_there_and_a_button_shows_it_for_what_is_chosen(self, cast, plain):
        draft = start_draft(cast.north_mapping.template, cast.mel)
        plain.goto(f"/mapping/templates/{draft.template_id}/mapping/")
        assert plain.locator(".preview-fields li").count() == 6
        assert plain.locator(".preview-fields .is-changed").count() == 0
        plain.get_by_label("Field for Plan", exact=True).select_option("NF-07")
        plain.get_by_role("button", name="Show what would be sent").click()
        changed = plain.locator(".preview-fields .is-changed")
        assert "Synthetic text of plan." in changed.filter(has_text="Notes NF-07").inner_text()
        assert plain.get_by_label("Field for Plan", exact=True).input_value() == "NF-07"
        assert {rule.field_id for rule in spec_of(draft).rules if rule.section_code == "plan"} == {"NF-06"}, "not saved"

    def test_on_a_large_board_one_pair_of_selects_serves_every_row(self, cast, plain):
        draft = large_board(cast)
        plain.goto(f"/mapping/templates/{draft.template_id}/mapping/")
        plain.get_by_label("Section", exact=True).select_option("plan")
        plain.get_by_label("goes to the field").select_option("GU-001")
        plain.get_by_role("button", name="Connect").click()
        assert plain.get_by_label("Field for Plan", exact=True).input_value() == "GU-001"
        plain.get_by_role("button", name="Save draft").first.click()
        saved = {rule.section_code: rule.field_id for rule in spec_of(draft_of(draft.template)).rules}
        assert saved["plan"] == "GU-001"
        assert len(saved) == 40


def test_nothing_lies_over_the_board_and_every_choice_is_read_whole(board):
    for height in (800, 900, 1000):
        board.set_viewport_size({"width": 1440, "height": height})
        wait_until_drawn(board)
        assert (covered(board), cut(board)) == ([], []), height


def covered(board) -> list[str]:
    return board.evaluate(
        """() => [...document.querySelectorAll(".map-target select, .board-field")].filter((one) => {
            const box = one.getBoundingClientRect();
            const pane = one.closest(".board-pane").getBoundingClientRect();
            const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
            if (y > Math.min(pane.bottom, innerHeight) - 1) return false;
            return !one.contains(document.elementFromPoint(x, y));
        }).map((one) => one.name ?? one.dataset.field)"""
    )


def cut(board) -> list[str]:
    return board.evaluate(
        """() => [...document.querySelectorAll(".map-target select")].filter((one) => {
            const pen = document.createElement("canvas").getContext("2d");
            pen.font = getComputedStyle(one).font;
            return pen.measureText(one.selectedOptions[0].textContent).width + 40 > one.clientWidth;
        }).map((one) => one.selectedOptions[0].textContent)"""
    )


def test_on_a_large_board_every_field_can_be_reached(cast, page, sign_in):
    draft = large_board(cast)
    sign_in(cast.mel)
    page.goto(f"/mapping/templates/{draft.template_id}/mapping/")
    page.locator(".preview-fields").wait_for()
    page.get_by_label("Field for Plan", exact=True).select_option("GU-119")
    page.locator("[data-field='GU-119'] .field-filled", has_text="Plan").wait_for()
    drag(page, "Chief complaint", "GU-004")
    assert target(page, "Chief complaint") == "GU-004"


def test_the_board_is_accessible_and_does_not_scroll_sideways(cast, board):
    Field.objects.filter(field_id="NF-07").update(required=True)
    board.reload()
    board.locator(".preview-fields").wait_for()
    board.get_by_label("Field for Plan", exact=True).select_option("NF-02")
    board.locator(".preview-fields .is-changed").first.wait_for()
    board.locator("#preview-wire summary").click()
    assert_looks_right(board)


def test_who_may_only_read_sees_the_lines_and_no_grips(cast, page, sign_in):
    sign_in(cast.omar)
    page.goto(f"/mapping/templates/{Template.objects.get(code='FM-PROGRESS').pk}/mapping/")
    assert lines_drawn(page) == 6
    assert page.locator("[data-grip], select").count() == 0


def test_a_choice_made_before_the_script_was_there_counts(cast, page, sign_in):
    draft = start_draft(cast.north_mapping.template, cast.mel)
    sign_in(cast.mel)
    page.route("**/board.js", lambda route: (page.wait_for_timeout(700), route.fallback())[1])
    page.goto(f"/mapping/templates/{draft.template_id}/mapping/", wait_until="commit")
    page.get_by_label("Field for Plan", exact=True).select_option("NF-07")
    page.locator(".preview-fields .is-changed", has_text="Notes NF-07").wait_for()
    page.get_by_role("button", name="Undo").click()
    assert target(page, "Plan") == "NF-06"
