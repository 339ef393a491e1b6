"""P01-P07: a process is killed at every step a note passes, another is started, and each accepted note is charted once."""

import signal
import time
import urllib.error

import pytest

from tests.processes import wait_until

pytestmark = pytest.mark.process


def killed_at(clinic, step, after=1, notes=5):
    """Post notes while a worker runs that dies at this step; returns the notes."""
    worker = clinic.worker("--die-at", step, "--after", str(after))
    accepted = clinic.post_notes(notes)
    clinic.dies(worker)
    return accepted


def under_way(clinic, accepted):
    """The notes whose attempts the dead worker had begun: it writes the intents of a whole batch, then sends one by one."""
    begun = [posted for posted in accepted if clinic.of(posted)[0] == "sending"]
    assert begun, clinic.states()
    return begun


def first_under_way(clinic, accepted):
    """One whose attempt the dead worker had begun."""
    return under_way(clinic, accepted)[0]


def test_P01_P02_a_portal_killed_around_its_commit_takes_the_note_once(clinic):
    steps = {"before_commit": 0, "after_commit": 1}
    accepted = clinic.some(len(steps))
    for posted, (step, stored) in zip(accepted, steps.items(), strict=True):
        web, port = clinic.web_that_dies_at(step)
        with pytest.raises(OSError) as silence:
            clinic.post(posted, port)
        assert not isinstance(silence.value, urllib.error.HTTPError), "no answer, not a refusal"
        clinic.dies(web)
        count = (
            "SELECT count(*) FROM delivery_noteversion v JOIN delivery_note n ON n.id = v.note_id "
            f"WHERE n.source_note_id = '{posted.note}' AND v.number = {posted.version}"
        )
        assert clinic.look(count) == [(stored,)]
        first = clinic.post(posted)
        assert clinic.post(posted) == first, "the same key has the same answer"
        assert clinic.look(count) == [(1,)]
    clinic.worker()
    clinic.settled(accepted)


def test_P03_killed_with_the_lane_in_hand_nothing_was_attempted(clinic):
    accepted = killed_at(clinic, "claimed")
    assert all(clinic.of(posted)[1] == 0 for posted in accepted)
    clinic.worker()
    clinic.settled(accepted)
    assert {clinic.of(posted)[1:] for posted in accepted if clinic.of(posted)[0] == "verified"} == {(1, 0)}


def test_P04_killed_before_the_first_byte_is_unknown_then_sent_once(clinic):
    accepted = killed_at(clinic, "intent")
    caught = first_under_way(clinic, accepted)
    assert caught.mark not in clinic.filed()
    clinic.worker()
    clinic.settled(accepted)
    assert clinic.of(caught)[1:] == (2, 1), "asked, found missing, sent again"


def test_P05_killed_in_the_middle_of_a_frame_nothing_was_filed(clinic):
    accepted = killed_at(clinic, "half_frame")
    caught = first_under_way(clinic, accepted)
    assert caught.mark not in clinic.filed()
    clinic.worker()
    clinic.settled(accepted)
    assert clinic.of(caught)[1:] == (2, 1)


@pytest.mark.parametrize("step", ["sent", "answered"])
def test_P06_P07_killed_after_the_frame_was_out_it_is_found_and_never_sent_again(clinic, step):
    accepted = killed_at(clinic, step)
    begun = {posted.mark: posted for posted in under_way(clinic, accepted)}
    wait_until(lambda: begun.keys() & set(clinic.filed()), 10)
    time.sleep(0.5)  # what else lay in the receiver's buffers is filed by then
    out = begun.keys() & set(clinic.filed())
    clinic.worker()
    clinic.settled(accepted)
    for mark, posted in begun.items():
        assert clinic.of(posted)[1:] == (1 if mark in out else 2, 1), "sent again only where nothing had left"


def test_P08_killed_between_reading_the_chart_and_writing_it_down_the_next_one_verifies(clinic):
    accepted = killed_at(clinic, "read")
    assert "verified" not in {clinic.of(posted)[0] for posted in accepted}
    clinic.worker()
    clinic.settled(accepted)


def test_N21_a_receiver_killed_in_the_middle_of_a_message_files_it_once(clinic):
    """Killed before it filed: asked, and sent again. Killed after it filed: asked, and not sent again."""
    clinic.worker()
    for fault, attempts in (("delay_filing", 2), ("delay_ack", 1)):
        clinic.sandbox.api("PUT", "/faults", {"faults": [{"kind": fault, "seconds": 1.2, "count": 1}]})
        (posted,) = clinic.some(1)
        clinic.post(posted)
        wait_until(lambda: clinic.sandbox.api("GET", "/faults")["faults"][0]["fired"], 60)
        wait_until(lambda: (posted.mark in clinic.filed()) == (attempts == 1), 5)  # noqa: B023
        clinic.sandbox.stop(signal.SIGKILL)
        clinic.restart_sandbox()
        clinic.settled([posted])
        assert clinic.of(posted)[1] == attempts
