"""audit/verify_log.py against parts of a log written by hand: a time is complete or named, a selection claims no more."""

import base64
import json

import pytest

from audit import verify_log
from tests.audit.byhand import (
    APRIL,
    JUNE,
    MAY,
    PUBLIC,
    begins_at,
    closing,
    end_of,
    event,
    leaf,
    line,
    month,
    opening,
    proof,
    signed,
    statement,
    told,
)

EVENTS = [event(number) for number in range(13)]
LEAVES = list(map(leaf, EVENTS))
AT = "2026-05-02T14:03:05.000000Z"


@pytest.fixture
def ask(tmp_path, capsys):
    """What the verifier says of a file of these lines."""

    def verify(*lines: bytes, anchors: tuple[str, ...] = ()) -> dict:
        file, outside = tmp_path / "audit.jsonl", tmp_path / "anchor.jsonl"
        file.write_bytes(b"".join(one + b"\n" for one in lines))
        outside.write_text("".join(json.dumps({"note": note}) + "\n" for note in anchors), encoding="utf-8")
        status = verify_log.main([str(file), "--json", "--anchor", str(outside), "--key", PUBLIC])
        said = json.loads(capsys.readouterr().out)
        assert status == (0 if said["whole"] else 1)
        return said

    return verify


def checkpoint(size: int, origin: str = MAY, previous: str = "") -> bytes:
    return line("checkpoint", signed(statement(origin, LEAVES[:size], previous)))


def time_part(first: int, last: int, origin: str = MAY, previous: str = "") -> list[bytes]:
    """Events `first` to `last` of a month between two checkpoints."""
    inside = EVENTS[first:last]
    lines = [line("tree", origin), begins_at(origin, EVENTS[:first], previous), *inside]
    return [*lines, told(first, inside), checkpoint(last, origin, previous)] if inside else lines


class TestATime:
    @pytest.mark.parametrize("first", range(13))
    @pytest.mark.parametrize("last", [1, 7, 8, 12, 13])
    def test_between_any_two_checkpoints_is_complete_without_the_events_before_it(self, ask, first, last):
        if first <= last:
            said = ask(opening(part="time"), *time_part(first, last), *closing(last - first))
            assert (said["whole"], said["events"]) == (True, last - first)
            assert said["proves"] == f"none recorded from {AT} until an hour before {said['until']} is missing"

    def test_says_from_when_on_and_not_that_the_log_is_whole(self, ask):
        said = ask(opening(part="time"), *month(MAY, EVENTS), *closing(13))
        assert said["proves"].startswith("none recorded from its first month on until an hour before 2026-05-02")

    @pytest.mark.parametrize("gone", range(5, 9))
    def test_with_an_event_left_out_names_its_leaf(self, ask, gone):
        lines = time_part(5, 9)
        lines.remove(EVENTS[gone])
        said = ask(opening(part="time"), *lines, *closing(3))
        assert (said["whole"], said["leaf"], said["proves"]) == (False, gone, "nothing")

    def test_with_an_event_left_out_and_its_leaf_too_is_not_the_signed_one(self, ask):
        inside = [EVENTS[5], *EVENTS[7:9]]
        lines = [line("tree", MAY), begins_at(MAY, EVENTS[:5]), *inside, told(5, inside), checkpoint(9)]
        assert "a checkpoint knows 9 events" in ask(opening(part="time"), *lines, *closing(3))["wrong"]

    def test_with_an_event_changed_names_it(self, ask):
        lines = [event(99) if one == EVENTS[6] else one for one in time_part(5, 9)]
        assert ask(opening(part="time"), *lines, *closing(4))["leaf"] == 6

    def test_with_its_first_events_cut_off_and_a_later_beginning_says_the_later_beginning(self, ask):
        lines = [line("tree", MAY), begins_at(MAY, EVENTS[:7]), *EVENTS[5:9], told(5, EVENTS[5:9]), checkpoint(9)]
        assert ask(opening(part="time"), *lines, *closing(4))["whole"] is False

    def test_that_begins_with_other_roots_than_were_signed_is_told(self, ask):
        made = json.loads(begins_at(MAY, EVENTS[:5]))["+from"]
        made["frontier"][0] = base64.b64encode(b"x" * 32).decode()
        lines = [line("tree", MAY), line("from", made), *EVENTS[5:9], told(5, EVENTS[5:9]), checkpoint(9)]
        assert "not those of the checkpoint it begins at" in ask(opening(part="time"), *lines, *closing(4))["wrong"]

    @pytest.mark.parametrize("roots", [[], ["AAAA"], ["AAAA"] * 3])
    def test_that_begins_with_too_many_or_too_few_roots_is_told(self, ask, roots):
        made = json.loads(begins_at(MAY, EVENTS[:5]))["+from"] | {"frontier": roots}
        said = ask(opening(part="time"), line("tree", MAY), line("from", made), *closing(0))
        assert "does not begin at a checkpoint" in said["wrong"]

    def test_that_begins_at_another_months_checkpoint_is_told(self, ask):
        lines = [line("tree", MAY), begins_at(APRIL, EVENTS[:5])]
        assert "does not begin at a checkpoint" in ask(opening(part="time"), *lines, *closing(0))["wrong"]

    def test_that_begins_at_a_checkpoint_nobody_signed_is_told(self, ask):
        made = json.loads(begins_at(MAY, EVENTS[:5]))["+from"]
        made["checkpoint"] = made["checkpoint"].replace("\n5\n", "\n4\n", 1)
        lines = [line("tree", MAY), line("from", made)]
        assert "not signed by a key that counts" in ask(opening(part="time"), *lines, *closing(0))["wrong"]

    def test_over_two_months_goes_on_where_the_first_ended(self, ask):
        lines = [*time_part(5, 13), *month(JUNE, EVENTS[:3], end_of(MAY, EVENTS))]
        said = ask(opening(part="time"), *lines, *closing(11))
        assert (said["whole"], said["events"], said["trees"]) == (True, 11, 2)

    def test_without_the_end_of_its_first_month_is_told(self, ask):
        lines = [*time_part(5, 9), *month(JUNE, EVENTS[:3], end_of(MAY, EVENTS))]
        assert "the month before is not in the file" in ask(opening(part="time"), *lines, *closing(7))["wrong"]

    def test_begins_in_its_first_month_only(self, ask):
        lines = [*time_part(5, 13), *time_part(2, 13, JUNE, end_of(MAY, EVENTS))]
        assert "does not begin at a checkpoint" in ask(opening(part="time"), *lines, *closing(19))["wrong"]

    def test_is_not_called_short_by_anchors_of_what_came_after_it(self, ask):
        later = (signed(statement(MAY, LEAVES)), signed(statement(JUNE, LEAVES[:2])))
        assert ask(opening(part="time"), *time_part(5, 9), *closing(4), anchors=later)["whole"] is True

    def test_is_held_against_an_anchor_within_it(self, ask):
        other = signed(statement(MAY, [*LEAVES[:6], leaf(event(77))]))
        said = ask(opening(part="time"), *time_part(5, 9), *closing(4), anchors=(other,))
        assert "not those of an anchored checkpoint" in said["wrong"]


def selection(*places: int, origin: str = MAY) -> list[bytes]:
    lines = [line("tree", origin), checkpoint(13, origin)]
    for place in places:
        lines += [proof(LEAVES, place), EVENTS[place]]
    return lines


class TestASelection:
    @pytest.mark.parametrize("places", [(), (0,), (12,), (2, 3, 9), tuple(range(13))])
    def test_proves_of_each_event_that_it_is_in_the_log_and_no_more(self, ask, places):
        said = ask(opening(part="selection"), *selection(*places), *closing(len(places)))
        assert (said["whole"], said["events"]) == (True, len(places))
        assert said["proves"].endswith("whether others belong to the selection is not proved")

    def test_with_a_changed_event_names_it(self, ask):
        lines = [event(99) if one == EVENTS[3] else one for one in selection(2, 3)]
        said = ask(opening(part="selection"), *lines, *closing(2))
        assert (said["leaf"], said["wrong"]) == (3, "the event is not the one that was sealed")

    def test_with_an_event_twice_or_without_proof_is_told(self, ask):
        for lines in ([*selection(2), proof(LEAVES, 2), EVENTS[2]], [*selection(2), EVENTS[3]]):
            assert "without its proof, or twice" in ask(opening(part="selection"), *lines, *closing(2))["wrong"]

    def test_of_several_patients_is_one_selection(self, ask):
        mixed = [event(number, subject=str(number % 3) * 32) for number in range(4)]
        leaves = list(map(leaf, mixed))
        lines = [line("tree", MAY), line("checkpoint", signed(statement(MAY, leaves)))]
        for place in (0, 1):
            lines += [proof(leaves, place), mixed[place]]
        assert ask(opening(part="selection"), *lines, *closing(2))["whole"] is True

    def test_cut_off_is_told(self, ask):
        assert "cut off" in ask(opening(part="selection"), *selection(2, 3)[:-2], *closing(2))["wrong"]


def test_a_part_of_another_kind_proves_nothing(ask):
    assert ask(opening(part="anything"), *month(MAY, EVENTS), *closing(13))["proves"] == "nothing"


def test_a_patients_file_says_that_none_of_the_patients_is_missing(tmp_path, capsys):
    file = tmp_path / "audit.jsonl"
    file.write_bytes(b"".join(one + b"\n" for one in [opening(subject="1" * 32), *closing(0)]))
    verify_log.main([str(file), "--json"])
    assert json.loads(capsys.readouterr().out)["proves"] == "none of the patient's events is missing"
