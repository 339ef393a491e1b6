"""Log lines under fire: whatever reaches a logger, no word of a patient leaves it, and the line stays one line."""

import io
import json
import logging
import string
import sys

import pytest
import structlog
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from portal.logging import StandardError, formatter, logging_settings
from portal.scrubbing import CODE, CODE_KEYS, TRACE_LINES, WITHHELD, is_literal, message, of_exception, shown

CANARY = "Quackenbush"
log = logging.getLogger("tests.scrubbing")
# Shapes in which a value can reach a log call.
wrapped = st.sampled_from(
    [
        lambda word: word,
        lambda word: [word],
        lambda word: (word, 3),
        lambda word: {word: 1},
        lambda word: {"name": word},
        lambda word: {word},
        lambda word: word.encode(),
        lambda word: bytearray(word.encode()),
        lambda word: ValueError(word),
        lambda word: io.StringIO(word),
        lambda word: type("Patient", (), {"__str__": lambda self: word, "__repr__": lambda self: word})(),
        lambda word: type("Text", (str,), {})(word),
        lambda word: Exception(Exception(word)),
    ]
)
surroundings = st.text(string.ascii_letters + " .,:;=\"'\n\t{}%", max_size=12)


class Lines:
    """What a logger with the product's formatter writes, in either form."""

    def __init__(self, form: str) -> None:
        self.sink = io.StringIO()
        self.handler = StandardError(self.sink)
        self.handler.setFormatter(formatter(form))

    def __enter__(self) -> "Lines":
        log.addHandler(self.handler)
        log.propagate, self.level = False, log.level
        log.setLevel("DEBUG")
        return self

    def __exit__(self, *_: object) -> None:
        log.removeHandler(self.handler)
        log.propagate = True
        log.setLevel(self.level)

    @property
    def text(self) -> str:
        return self.sink.getvalue()


forms = pytest.mark.parametrize("form", ["json", "logfmt"])


@forms
@given(wrap=wrapped, before=surroundings, after=surroundings)
def test_an_argument_of_any_shape_is_withheld(form, wrap, before, after):
    with Lines(form) as lines:
        log.warning("a note came: %s", wrap(f"{before}{CANARY}{after}"))
    assert CANARY not in lines.text
    assert "a note came" in lines.text
    assert lines.text.count("\n") == 1


@forms
@given(wrap=wrapped, key=st.sampled_from(sorted(CODE_KEYS)) | st.text(string.ascii_lowercase, min_size=1, max_size=9))
def test_an_argument_by_name_is_withheld_unless_it_is_a_code_under_a_key_of_codes(form, wrap, key):
    value = wrap(f"{CANARY} Lena")
    with Lines(form) as lines:
        log.warning("who: %(x)s", {"x": value, key: value})
    assert CANARY not in lines.text


@forms
@given(before=surroundings, after=surroundings)
def test_a_message_that_was_built_is_withheld_and_its_line_named(form, before, after):
    with Lines(form) as lines:
        log.error(f"built of {before}{CANARY}{after}")
    assert CANARY not in lines.text
    assert WITHHELD in lines.text
    assert "test_scrubbing_fuzz:" in lines.text


@forms
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_an_exceptions_message_is_not_written_however_deep_it_lies(form, text):
    with Lines(form) as lines:
        try:
            try:
                raise KeyError(f"{CANARY}{text}")
            except KeyError as error:
                raise ValueError(text + CANARY) from error
        except ValueError:
            log.exception("it failed")
    assert CANARY not in lines.text
    assert "ValueError" in lines.text
    assert "KeyError" in lines.text
    assert lines.text.count("\n") == 1


@forms
def test_an_exception_with_notes_a_group_or_a_chain_shows_classes_only(form):
    inner = ExceptionGroup(CANARY, [ValueError(CANARY), TypeError(CANARY)])
    inner.add_note(CANARY)
    with Lines(form) as lines:
        try:
            raise inner
        except ExceptionGroup:
            log.exception("a group failed")
    assert CANARY not in lines.text
    assert "ExceptionGroup" in lines.text


@forms
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_structlog_goes_the_same_way(form, text):
    assume(text.strip())
    with Lines(form) as lines:
        bound = structlog.wrap_logger(
            log,
            processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            wrapper_class=structlog.stdlib.BoundLogger,
        )
        bound.warning("structured", patient=f"{CANARY}{text}", lane=7, state="ready")
    assert CANARY not in lines.text
    assert "ready" in lines.text


@forms
@pytest.mark.parametrize(
    "extra", [{"patient": CANARY}, {"request": CANARY}, {"data": {"name": CANARY, "args": CANARY}}]
)
def test_what_is_slipped_in_as_extra_does_not_show(form, extra):
    with Lines(form) as lines:
        log.warning("with extra", extra=extra)
    assert CANARY not in lines.text


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_every_json_line_is_json(text):
    with Lines("json") as lines:
        log.warning("fine: %s", text)
        log.warning(text)
    for line in lines.text.splitlines():
        assert json.loads(line)["logger"] == "tests.scrubbing"


def test_a_record_that_cannot_be_written_is_counted_without_its_content(capsys):
    broken = io.StringIO()
    broken.close()
    handler = StandardError(broken)
    handler.setFormatter(formatter("json"))
    log.addHandler(handler)
    try:
        log.warning("%s", CANARY)
    finally:
        log.removeHandler(handler)
    said = capsys.readouterr().err
    assert "could not be written" in said
    assert CANARY not in said


@given(st.text(max_size=200))
def test_what_passes_as_a_code_cannot_be_a_sentence(text):
    found = shown(text, "state")
    assert found == WITHHELD or (CODE.fullmatch(text) and " " not in text and len(text) <= 120)


@given(st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none() | st.uuids() | st.dates())
def test_numbers_truths_ids_and_days_are_written_as_they_are(value):
    found = shown(value, "anything")
    assert found in (value, str(value))


@given(st.text(min_size=1, max_size=60))
def test_a_text_is_a_literal_only_where_the_file_says_so(text):
    source = sys.modules[__name__].__file__
    with open(source, encoding="utf-8") as file:
        written = file.read()
    assert is_literal(text, source) == (f'"{text}"' in written or f"'{text}'" in written)


def test_a_file_that_cannot_be_read_vouches_for_nothing():
    assert not is_literal("it failed", "/no/such/file.py")
    assert message("it failed", (), "/no/such/file.py") == WITHHELD


@pytest.mark.parametrize(
    "template, arguments",
    [("%d notes", ("three",)), ("%s and %s", ("one",)), ("%(lane)d", {"lane": "x"}), ("%(gone)s", {"lane": 1})],
)
def test_a_template_its_arguments_do_not_fit_stands_alone(template, arguments):
    assert message(template, arguments, __file__) == template


def test_a_trace_is_short_and_names_modules_and_lines_only():
    def deeper(n: int) -> None:
        if n == 0:
            raise ValueError(CANARY)
        deeper(n - 1)

    try:
        deeper(40)
    except ValueError as error:
        facts = of_exception(error, error.__traceback__)
    steps = facts["trace"].split(">")
    assert len(steps) == TRACE_LINES
    assert all(step.rpartition(":")[2].isdigit() for step in steps)
    assert CANARY not in str(facts)


@pytest.mark.parametrize("level", ["DEBUG", "WARNING", "CRITICAL"])
@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_every_level_and_form_of_the_settings_can_be_had(level, form):
    made = logging_settings(level, form)
    assert made["root"]["level"] == level
    assert made["loggers"]["gunicorn.access"]["level"] == "CRITICAL", "paths are the proxy's business"


@pytest.mark.parametrize("form", ["", "xml", "JSON"])
def test_an_unknown_form_stops_the_start(form):
    with pytest.raises(ValueError, match="SCRIBEPORT_LOG_FORMAT"):
        logging_settings("INFO", form)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(path=st.text(string.ascii_letters + "/?=&%", max_size=30))
def test_a_request_that_fails_is_logged_by_its_route_not_by_its_path(client, db, path):
    with Lines("json") as lines:
        handler = lines.handler
        django = logging.getLogger("django.request")
        django.addHandler(handler)
        try:
            client.get(f"/nowhere/{CANARY}/{path}", {"q": CANARY})
        finally:
            django.removeHandler(handler)
    assert CANARY not in lines.text
