"""A board of 40 sections and 120 fields: how large the page is, how long its answers take, how smooth a drag is.

With -s each figure is printed with its aim, the date and the machine; docs/mapping.md has them. What fails a test leaves
room for a machine that is busy with other things.
"""

import os
import platform
from datetime import UTC, datetime
from statistics import median
from time import perf_counter, process_time
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from mapping.forms import initial_rows
from mapping.queries import spec_of
from tests.mapping.boards import large_board
from tests.mapping.test_forms import posted

PAGE_BYTES = 300 * 1024
SERVER_MS = 200
FRAME_MS = 1000 / 60
DROPS = 20


def figure(what: str, measured: float, unit: str, aim: float) -> None:
    """One line for docs/mapping.md."""
    where = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()}"
    load = os.getloadavg()[0]
    print(f"{where}, load {load:.1f}: {what} {measured:.0f} {unit} (aim: {aim:.0f})")  # noqa: T201


@pytest.fixture
def draft(cast, client):
    client.force_login(cast.mel)
    return large_board(cast)


def milliseconds(ask, times: int = 7) -> tuple[float, float]:
    """The median of a few calls after a first one: until the answer, and of the processor for it.

    The former says more of what else the machine does than of the page, so that only the latter fails a test.
    """
    ask()
    waited, worked = [], []
    for _ in range(times):
        started, before = perf_counter(), process_time()
        assert ask().status_code == 200
        waited.append((perf_counter() - started) * 1000)
        worked.append((process_time() - before) * 1000)
    return median(waited), median(worked)


def test_the_page_stays_within_300_kb(draft, client):
    size = len(client.get(reverse("mapping:mapping", args=[draft.template_id])).content)
    figure("page of 40 sections and 120 fields", size / 1024, "KB", PAGE_BYTES / 1024)
    assert size <= PAGE_BYTES


@pytest.mark.parametrize("name", ["mapping:check", "delivery:preview"])
def test_an_edit_is_answered_within_200_ms(draft, client, name):
    form = urlencode(posted(initial_rows(spec_of(draft))))  # as the page sends it
    address, kind = reverse(name, args=[draft.template_id]), "application/x-www-form-urlencoded"
    waited, worked = milliseconds(lambda: client.post(address, form, content_type=kind))
    figure(f"{name} at the server", waited, "ms", SERVER_MS)
    figure(f"{name}, of the processor", worked, "ms", SERVER_MS)
    assert worked <= SERVER_MS


# How long the page's own work takes within one frame while a section is dragged over the fields, and until the preview
# shows a drop.
WORK = """async () => {
  const wait = () => new Promise((done) => requestAnimationFrame(done));
  const fields = document.querySelector('[data-pane=fields]').getBoundingClientRect();
  const work = [];
  for (let step = 0; step < 60; step += 1) {
    const at = { clientX: fields.left + 50, clientY: fields.top + 60 + step * 3, bubbles: true };
    await wait();
    const started = performance.now();
    document.body.dispatchEvent(new PointerEvent('pointermove', at));
    await wait();
    const ended = document.querySelector('.is-free').getAttribute('d').split(' ').slice(-2).map(Number);
    const board = document.getElementById('board-lines').getBoundingClientRect();
    if (Math.abs(ended[1] - (at.clientY - board.top)) > 1) throw new Error('the line is behind the pointer');
    work.push(performance.now() - started);
  }
  return work.sort((a, b) => a - b)[30];
}"""
DROP = """async () => {
  const preview = document.getElementById('preview');
  const changed = new Promise((done) => new MutationObserver(done).observe(preview, { childList: true }));
  const select = document.querySelector('#section-plan .map-target select');
  const started = performance.now();
  select.value = select.value === 'GU-001' ? 'GU-002' : 'GU-001';
  select.dispatchEvent(new Event('change', { bubbles: true }));
  await changed;
  return performance.now() - started;
}"""


@pytest.mark.browser
def test_a_drag_is_followed_in_the_next_frame_and_a_drop_shown_soon(cast, page, sign_in):
    draft = large_board(cast)
    sign_in(cast.mel)
    page.goto(f"/mapping/templates/{draft.template_id}/mapping/")
    page.locator(".preview-fields").wait_for()
    grip = page.get_by_role("button", name="Move Chief complaint to another field").bounding_box()
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    page.mouse.move(grip["x"] + 300, grip["y"] + 20, steps=3)
    frames = page.evaluate(WORK)
    page.keyboard.press("Escape")
    page.mouse.up()
    drops = sorted(page.evaluate(DROP) for _ in range(DROPS))
    page.wait_for_load_state("networkidle")
    figure("a drag is followed within", frames, "ms", FRAME_MS)
    figure("a drop until the preview shows it, half of them", drops[DROPS // 2], "ms", SERVER_MS)
    figure("a drop until the preview shows it, 19 of 20", drops[DROPS - DROPS // 20 - 1], "ms", SERVER_MS)
    assert frames <= 3 * FRAME_MS
    assert drops[DROPS // 2] <= 5 * SERVER_MS
