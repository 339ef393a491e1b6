"""What every HTTP answer has to pass: when to come again, and one JSON object or nothing."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels.rest import json_object, minute_ends, rate_limit_ends, retry_after


def answer(body: bytes = b"", kind: str | None = "application/json", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(200, headers=named | ({"Content-Type": kind} if kind is not None else {}), content=body)


def waits(said: str) -> float | None:
    return retry_after(answer(Retry_After=said))


class TestRetryAfterInSeconds:
    def test_is_so_many_seconds(self):
        assert waits("30") == 30.0

    def test_of_zero_is_now(self):
        assert waits("0") == 0.0

    def test_with_spaces_around_it_is_read(self):
        assert waits(" 120 ") == 120.0

    def test_of_an_hour_is_an_hour(self):
        assert waits("3600") == 3600.0

    def test_of_a_day_is_cut_to_an_hour(self):
        assert waits("86400") == 3600.0

    def test_of_a_number_no_clock_holds_is_cut_to_an_hour(self):
        assert waits("9" * 300) == 3600.0

    @pytest.mark.parametrize("said", ["1.5", "-5", "+5", "5s", "soon", "0x10", "1e3", "５"])
    def test_in_a_form_that_RFC_9110_does_not_have_says_nothing(self, said):
        assert retry_after(httpx2.Response(429, headers=[(b"Retry-After", said.encode())])) is None

    def test_that_is_empty_says_nothing(self):
        assert waits("") is None

    def test_that_is_not_there_says_nothing(self):
        assert retry_after(answer()) is None


class TestRetryAfterAsADate:
    def test_in_two_minutes_is_about_two_minutes(self):
        moment = datetime.now(UTC) + timedelta(seconds=120)
        assert waits(format_datetime(moment, usegmt=True)) == pytest.approx(120, abs=2)

    def test_in_the_past_is_now(self):
        assert waits("Sun, 06 Nov 1994 08:49:37 GMT") == 0.0

    def test_in_a_hundred_years_is_cut_to_an_hour(self):
        assert waits("Sun, 06 Nov 2094 08:49:37 GMT") == 3600.0

    def test_with_a_zone_of_its_own_is_that_moment(self):
        moment = (datetime.now(UTC) + timedelta(seconds=60)).astimezone().replace(microsecond=0)
        assert waits(format_datetime(moment)) == pytest.approx(60, abs=2)

    def test_without_a_zone_is_read_as_GMT(self):
        moment = datetime.now(UTC) + timedelta(seconds=90)
        assert waits(moment.strftime("%a, %d %b %Y %H:%M:%S")) == pytest.approx(90, abs=2)

    @pytest.mark.parametrize("said", ["2026-03-19T10:15:00Z", "tomorrow", "Mon, 99 Foo 2026 99:99:99 GMT"])
    def test_in_another_form_says_nothing(self, said):
        assert waits(said) is None


class TestALimitByTheMinute:
    """eCW counts by the minute on the clock and does not say when it ends."""

    def test_ends_with_the_minute_where_nothing_was_said(self, monkeypatch):
        monkeypatch.setattr(time, "time", lambda: 1_800_000_015.0)
        assert rate_limit_ends(answer()) == 45.0

    def test_at_the_beginning_of_a_minute_ends_in_sixty_seconds(self, monkeypatch):
        monkeypatch.setattr(time, "time", lambda: 1_800_000_000.0)
        assert minute_ends() == 60.0

    def test_a_moment_before_its_end_ends_in_that_moment(self, monkeypatch):
        monkeypatch.setattr(time, "time", lambda: 1_800_000_059.5)
        assert minute_ends() == 0.5

    def test_ends_when_the_server_says_where_it_says(self):
        assert rate_limit_ends(answer(Retry_After="7")) == 7.0

    def test_of_zero_seconds_is_over(self):
        assert rate_limit_ends(answer(Retry_After="0")) == 0.0

    def test_with_words_nobody_understands_ends_with_the_minute(self, monkeypatch):
        monkeypatch.setattr(time, "time", lambda: 1_800_000_030.0)
        assert rate_limit_ends(answer(Retry_After="a while")) == 30.0


class TestAJsonObject:
    def test_is_read(self):
        assert json_object(answer(b'{"access_token": "a", "expires_in": 300}')) == {
            "access_token": "a",
            "expires_in": 300,
        }

    def test_of_nothing_is_an_empty_object(self):
        assert json_object(answer(b"{}")) == {}

    @pytest.mark.parametrize(
        "kind",
        [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "APPLICATION/JSON",
            "application/fhir+json",
            "application/fhir+json; fhirVersion=4.0",
            " application/json ",
        ],
    )
    def test_is_read_under_each_spelling_of_its_type(self, kind):
        assert json_object(answer(b'{"a": 1}', kind)) == {"a": 1}

    @pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/xml", "text/json", "json", ""])
    def test_under_another_type_is_none(self, kind):
        assert json_object(answer(b'{"a": 1}', kind)) is None

    def test_without_a_type_is_none(self):
        assert json_object(answer(b'{"a": 1}', None)) is None

    @pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"])
    def test_is_not_what_is_json_and_no_object(self, body):
        assert json_object(answer(body)) is None

    @pytest.mark.parametrize("body", [b"", b"{", b'{"a": }', b"{'a': 1}", b'{"a": 1}}', b"<html></html>", b"\x80\x81"])
    def test_is_not_what_is_no_json(self, body):
        assert json_object(answer(body)) is None

    def test_with_a_name_twice_is_none(self):
        assert json_object(answer(b'{"access_token": "ours", "access_token": "theirs"}')) is None

    def test_with_a_name_twice_deep_within_is_none(self):
        assert json_object(answer(b'{"entry": [{"response": {"status": "1", "status": "305"}}]}')) is None

    @pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
    def test_with_a_number_that_json_does_not_have_is_none(self, number):
        assert json_object(answer(b'{"expires_in": ' + number + b"}")) is None

    def test_with_a_byte_order_mark_is_read(self):
        """RFC 8259, 8.1: a parser may pass over it."""
        assert json_object(answer(b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}

    def test_so_deep_that_no_reader_follows_is_none(self):
        assert json_object(answer(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)) is None

    def test_keeps_letters_of_every_script(self):
        assert json_object(answer('{"text": "Müller 佐藤 🫁"}'.encode())) == {"text": "Müller 佐藤 🫁"}


@given(st.binary(max_size=200))
def test_no_body_whatever_raises(body):
    found = json_object(answer(body))
    assert found is None or isinstance(found, dict)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_no_retry_after_whatever_raises_or_waits_longer_than_an_hour(said):
    found = waits(said)
    assert found is None or 0.0 <= found <= 3600.0
