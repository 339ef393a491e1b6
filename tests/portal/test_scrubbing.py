"""What may stand in a log line, and what may not."""

import logging
import re
import uuid
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels.base import NoAnswer
from delivery.states import State
from portal import scrubbing
from portal.logging import StandardError
from portal.scrubbing import WITHHELD, is_literal, message, of_exception, shown

HERE = __file__
CANARY = "Okafor-Canary-7731"


@pytest.mark.parametrize(
    "value, written",
    [
        (None, None),
        (True, True),
        (7, 7),
        (2.5, 2.5),
        (State.UNKNOWN, "unknown"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (date(2026, 3, 19), "2026-03-19"),
        (timedelta(seconds=3), "0:00:03"),
        (ValueError, "ValueError"),
        (ValueError(CANARY), "ValueError"),
        ("a text", WITHHELD),
        (b"bytes", WITHHELD),
        ({"a": 1}, WITHHELD),
        ([1], WITHHELD),
        (object(), WITHHELD),
    ],
)
def test_a_value_is_shown_only_where_its_type_cannot_hold_patient_data(value, written):
    assert shown(value) == written


def test_a_text_is_shown_only_under_a_key_of_codes():
    assert shown("ack_timeout", "reason_code") == "ack_timeout"
    assert shown("ack_timeout", "patient") == WITHHELD


@pytest.mark.parametrize("text", ["two words", "a\nb", "", "x" * 121, "Ünal"])
def test_what_does_not_look_like_a_code_is_withheld_under_any_key(text):
    assert shown(text, "reason_code") == WITHHELD


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_text_from_outside_passes_as_an_argument(text, key):
    # (one hypothesis may find inside the fixed words around it is no leak)
    if text not in "one two " + WITHHELD and text not in re.sub("%s", "", "one %s two"):
        assert text not in message("one %s two", (text,), HERE)


def test_a_message_is_shown_where_it_stands_as_a_literal_in_the_file_that_logs_it():
    assert message("a literal of this very file", (), HERE) == "a literal of this very file"
    assert is_literal(f"built {1 + 1} here", HERE) is False
    assert message("elsewhere", (), "/no/such/file.py") == WITHHELD


def test_a_part_of_a_literal_is_not_a_literal():
    assert not is_literal("a literal of this very file"[:-5], HERE)


def test_arguments_by_name_pass_where_the_name_is_one_of_codes():
    template = "%(task)s of %(patient)s"
    assert message("%(task)s of %(patient)s", {"task": "delivery.tasks.drain", "patient": CANARY}, HERE) == (
        template % {"task": "delivery.tasks.drain", "patient": WITHHELD}
    )


def test_a_number_expected_where_a_text_was_withheld_leaves_the_template():
    assert message("%d of them", (CANARY,), HERE) == "%d of them"


def raised(error: Exception) -> dict:
    try:
        raise error
    except Exception as caught:
        return of_exception(caught, caught.__traceback__)


def test_of_an_exception_class_and_place_are_written_and_its_message_is_not():
    facts = raised(ValueError(CANARY))
    assert facts["exception"] == "ValueError"
    assert re.fullmatch(r"tests\.portal\.test_scrubbing:\d+", facts["at"])
    assert CANARY not in str(facts)


def test_a_channel_errors_reason_code_is_written_and_its_answer_is_not():
    facts = raised(NoAnswer("ack_timeout", answer=CANARY.encode()))
    assert facts["reason_code"] == "ack_timeout"
    assert CANARY not in str(facts)


def test_a_reason_code_that_is_none_is_not_written():
    error = ValueError()
    error.reason_code = f"{CANARY} said so"
    assert "reason_code" not in raised(error)


def test_the_causes_are_named_without_their_messages():
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as inner:
            raise ValueError(CANARY) from inner
    except ValueError as outer:
        facts = of_exception(outer, outer.__traceback__)
    assert facts["causes"] == "KeyError"
    assert CANARY not in str(facts)


def test_causes_that_run_in_a_circle_end():
    one, two = ValueError(), KeyError()
    one.__context__, two.__context__ = two, one
    assert of_exception(one, None) == {"exception": "ValueError", "causes": "KeyError"}


def test_the_place_is_the_innermost_line_of_our_own_code():
    with pytest.raises(TypeError) as caught:
        message("a path that is no path", (), 5)
    facts = of_exception(caught.value, caught.tb)
    assert facts["at"].startswith("portal.scrubbing:")
    assert not facts["trace"].endswith(facts["at"])


def test_of_a_deep_trace_the_last_lines_are_written():
    def dive(depth: int) -> None:
        if depth == 0:
            raise RuntimeError(CANARY)
        dive(depth - 1)

    with pytest.raises(RuntimeError) as caught:
        dive(50)
    assert of_exception(caught.value, caught.tb)["trace"].count(">") == scrubbing.TRACE_LINES - 1


def test_pythons_own_logging_of_a_broken_record_is_replaced(capsys):
    broken = StandardError()
    broken.setFormatter(logging.Formatter("%(no_such_key)s"))
    broken.handle(logging.makeLogRecord({"msg": CANARY, "module": "x", "lineno": 3}))
    written = capsys.readouterr().err
    assert "could not be written" in written
    assert CANARY not in written
