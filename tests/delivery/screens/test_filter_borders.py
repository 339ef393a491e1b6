"""The list's filters at their borders: what an address may hold, what is dropped, and the times that are meant."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from delivery.filters import (
    GROUPS,
    LATENCIES,
    MOST_CHOSEN,
    RANGES,
    RETRYING,
    Filters,
    all_states,
    moment,
    read,
)
from delivery.states import State
from portal.models import ConnectionKind, Part

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 19, 15, 0, tzinfo=UTC)


def of(address: str) -> Filters:
    return read(QueryDict(address))


class TestWhatIsDropped:
    @pytest.mark.parametrize(
        "address",
        [
            "state=nowhere", "part=notes", "method=fax", "range=2h", "since=yesterday", "until=2026-13-01", "reason=DROP",
            "failed=0", "failed=true", "tries=1", "tries=4", "took=1", "replayed=1", "section=HPI", "section=1st",
            "section=a-b", "mapping=-1", "mapping=1.5", "mapping=٣", "id=abc", "id=", "patient=P1001", "encounter=E5001",
            "note=x", "control=abc", "control=A-B", "found=some", "unknown=x", "provider=", "template=%00", "at=%0A",
        ],
    )  # fmt: skip
    def test_what_nobody_can_mean_narrows_nothing_and_shows_no_chip(self, address):
        assert of(address) == Filters()
        assert of(address).chosen() == []

    @pytest.mark.parametrize("name", ["patient", "encounter", "note"])
    @pytest.mark.parametrize("value", ["a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 31 + " "])
    def test_what_is_not_exactly_an_index_is_none(self, name, value):
        address = QueryDict(mutable=True)
        address[name] = value
        assert getattr(read(address), name) == ""
        address[name] = "0f" * 16
        assert getattr(read(address), name) == "0f" * 16

    @pytest.mark.parametrize("length, kept", [(1, True), (20, True), (21, False)])
    def test_a_control_id_is_as_long_as_the_field_that_holds_it(self, length, kept):
        assert bool(of(f"control={'A' * length}").control) == kept

    @pytest.mark.parametrize("digits, kept", [(18, True), (19, False), (5000, False)])
    def test_a_number_no_row_can_have_is_dropped_before_it_is_counted(self, digits, kept):
        assert bool(of(f"id={'9' * digits}").id) == kept
        assert bool(of(f"mapping={'9' * digits}").mapping) == kept

    @pytest.mark.parametrize("name, most", [("id", MOST_CHOSEN), ("mapping", MOST_CHOSEN), ("template", 50)])
    def test_no_more_values_than_a_page_needs_are_taken(self, name, most):
        address = "&".join(f"{name}={number}" for number in range(1, 200))
        assert len(getattr(of(address), name)) == most

    def test_a_value_said_twice_is_one_and_the_order_is_that_of_the_address(self):
        assert of("template=B&template=A&template=B").template == ("B", "A")

    def test_of_what_is_said_once_the_last_counts(self):
        assert of("range=1h&range=7d").range == "7d"
        assert of("range=1h&range=never").range == ""

    def test_a_long_value_is_cut_and_still_finds_no_other(self):
        assert of(f"provider={'P' * 300}").provider == ("P" * 100,)

    @pytest.mark.parametrize("name, values", [("part", Part.values), ("method", ConnectionKind.values)])
    def test_each_there_can_be_is_taken(self, name, values):
        address = "&".join(f"{name}={value}" for value in values)
        assert getattr(of(address), name) == tuple(values)


class TestStates:
    @pytest.mark.parametrize("state", list(State))
    def test_a_state_means_itself(self, state):
        assert of(f"state={state}").states() == {state}

    @pytest.mark.parametrize("group", list(GROUPS))
    def test_a_group_means_those_in_it_with_any_named_beside_it(self, group):
        assert of(f"state={group}&state=verified").states() == GROUPS[group] | {State.VERIFIED}

    def test_retrying_is_no_state_and_leaves_them_all(self):
        assert of(f"state={RETRYING}").states() == frozenset()
        assert of(f"state={RETRYING}").state == (RETRYING,)

    def test_the_tabs_count_over_every_state_and_keep_all_else(self):
        chosen = of("state=held&template=CARD&took=5m&range=24h&replayed=no")
        assert all_states(chosen) == of("template=CARD&took=5m&range=24h&replayed=no")


class TestNarrow:
    @pytest.mark.parametrize(
        "address",
        ["provider=DR7", "failed=1", "tries=2", "reason=ae", "method=hl7", "specialty=x", "template=x", "mapping=1",
         "section=hpi", "took=1m", "replayed=no", "id=1", "note=" + "0" * 32, "control=A", "found=none"],
    )  # fmt: skip
    def test_figures_of_the_whole_would_mislead_beside_each(self, address):
        assert of(address).narrow

    @pytest.mark.parametrize("address", ["", "state=held", "at=NORTH", "part=note", "range=7d", "since=2026-03-01"])
    def test_place_time_part_and_state_do_not_narrow(self, address):
        assert not of(address).narrow
        assert not of(address).few

    @pytest.mark.parametrize("address", ["template=x", "section=hpi", "took=1m", "replayed=yes", "mapping=1"])
    def test_the_further_filters_may_leave_many_rows(self, address):
        assert not of(address).few

    @pytest.mark.parametrize("address", ["id=1", "control=A", "found=none", "patient=" + "0" * 32])
    def test_what_is_looked_for_by_its_own_number_leaves_few(self, address):
        assert of(address).few


class TestChips:
    def test_taking_a_value_away_that_is_not_there_changes_nothing(self):
        chosen = of("template=A&took=5m")
        assert chosen.without("template", "B") == chosen

    def test_the_last_value_of_a_field_leaves_it_empty(self):
        assert of("mapping=1").without("mapping", "1") == Filters()
        assert of("took=5m").without("took", "5m") == Filters()

    def test_each_chip_taken_away_in_turn_leaves_nothing(self):
        chosen = of("state=held&template=A&template=B&mapping=1&section=hpi&took=5m&replayed=no&range=1h&failed=1")
        for name, value in chosen.chosen():
            chosen = chosen.without(name, value)
        assert chosen == Filters()

    def test_a_value_with_signs_of_an_address_in_it_stays_one_value(self):
        chosen = Filters(template=("A&state=held", "B=C#d", "50 %"))
        assert of(chosen.query()) == chosen


class TestSpan:
    def test_without_a_time_none_is_meant(self):
        assert Filters().span(NEW_YORK, NOW) == (None, None)

    @pytest.mark.parametrize("key", list(RANGES))
    def test_a_range_ends_now_and_weighs_more_than_days(self, key):
        begin, end = of(f"range={key}&since=2026-01-01&until=2026-01-02").span(NEW_YORK, NOW)
        assert (begin, end) == (NOW - RANGES[key][1], None)

    def test_a_last_day_is_meant_to_its_end(self):
        begin, end = of("since=2026-03-19&until=2026-03-19").span(NEW_YORK, NOW)
        assert (begin, end) == (datetime(2026, 3, 19, 4, tzinfo=UTC), datetime(2026, 3, 20, 4, tzinfo=UTC))

    def test_a_last_minute_is_meant_to_its_end(self):
        begin, end = of("since=2026-03-19T10:00&until=2026-03-19T10:00").span(NEW_YORK, NOW)
        assert end - begin == timedelta(minutes=1)

    @pytest.mark.parametrize("text, good", [("1999-12-31", False), ("2000-01-01", True), ("2199-12-31", True),
                                            ("2200-01-01", False), ("2026-02-29", False), ("2028-02-29", True),
                                            ("2026-03-19T24:00", False), ("2026-03-19T23:59", True),
                                            ("2026-03-19 10:00", False), ("2026-03-19T10:00Z", False)])  # fmt: skip
    def test_a_time_is_a_day_or_a_minute_that_a_clock_can_show(self, text, good):
        assert (of(f"since={text}").since == text) == good

    @given(
        st.datetimes(datetime(2001, 1, 1), datetime(2198, 1, 1)), st.sampled_from(["America/New_York", "Asia/Kolkata"])
    )
    def test_a_minute_written_into_an_address_is_read_back_as_that_minute(self, at, zone):
        at = at.replace(second=0, microsecond=0, tzinfo=UTC)
        address = QueryDict(mutable=True)
        address["since"] = moment(at, ZoneInfo(zone))
        assert read(address).span(ZoneInfo(zone), NOW)[0] == at


class TestLatencies:
    def test_they_rise_as_they_are_offered_and_say_what_they_are(self):
        seconds = [each for _words, each in LATENCIES.values()]
        assert seconds == sorted(set(seconds))
        units = {"m": 60, "h": 3600}
        assert all(int(key[:-1]) * units[key[-1]] == each for key, (_words, each) in LATENCIES.items())

    @pytest.mark.parametrize("wrong", ["0m", "1M", "60", "1d", " 5m", "5m "])
    def test_no_other_is_taken(self, wrong):
        address = QueryDict(mutable=True)
        address["took"] = wrong
        assert read(address).took == ""
