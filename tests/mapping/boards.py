"""What tests of the mapping board need: a large board, and a way to drag on the page."""

from mapping.models import MappingVersion, TemplateVersion
from mapping.note import RuleSpec
from mapping.publishing import save_rules, start_draft
from mapping.sections import CODES
from tests.cast import Cast, make_template

OWN = [f"own_section_{number}" for number in range(1, 13)]


def large_board(cast: Cast, sections: int = 40, fields: int = 120) -> MappingVersion:
    """A draft at NORTH with this many sections, each in a field of its own, of this many fields."""
    lines = [(f"GU-{place:03}", f"Genitourinary examination {place}", 8000) for place in range(1, fields + 1)]
    version: TemplateVersion = make_template(cast.north, "LARGE", "Large template", lines, default_for=())
    draft = start_draft(version.template, cast.mel)
    codes = [*CODES, *OWN][:sections]
    rules = [RuleSpec(code, f"GU-{3 * place:03}", position=place) for place, code in enumerate(codes, start=1)]
    return save_rules(draft, rules, "", cast.mel)


def drag(page, section: str, field_id: str, steps: int = 8) -> None:
    """Take a section by its dots and let it go over a field."""
    # What was chosen just before is checked by the portal first: its answer draws the rows anew.
    page.wait_for_load_state("networkidle")
    handle = page.get_by_role("button", name=f"Move {section} to another field", exact=True)
    handle.scroll_into_view_if_needed()
    grip = handle.bounding_box()
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    field = page.locator(f"[data-field='{field_id}']")
    field.wait_for()
    target = field.bounding_box()
    page.mouse.move(target["x"] + 80, target["y"] + 12, steps=steps)
    page.mouse.up()


def lines_drawn(page) -> int:
    """How many lines stand between the lists, after the next frame."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.locator("#board-lines path").count()
