"""audit/verify_log.py against logs that no line of the product has written: good ones, and one for each lie."""

import base64
import hashlib
import json

import pytest

from audit import verify_log
from tests.audit.byhand import (
    APRIL,
    JUNE,
    MAY,
    PUBLIC,
    closing,
    end_of,
    event,
    head_entry,
    head_leaf,
    leaf,
    line,
    month,
    opening,
    patient_month,
    proof,
    root,
    signed,
    statement,
    told,
)

EVENTS = [event(number) for number in range(5)]
STRANGER = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"  # RFC 8032, 7.1, test 2
ANN, BOB, CAL = "1" * 32, "5" * 32, "9" * 32


@pytest.fixture
def ask(tmp_path, capsys):
    """What the verifier says of a file of these lines."""

    def verify(*lines: bytes, anchors: tuple[str, ...] = (), key: str = PUBLIC) -> dict:
        file, outside = tmp_path / "audit.jsonl", tmp_path / "anchor.jsonl"
        file.write_bytes(b"".join(one + b"\n" for one in lines))
        outside.write_text("".join(json.dumps({"note": note}) + "\n" for note in anchors), encoding="utf-8")
        status = verify_log.main([str(file), "--json", "--anchor", str(outside), *(["--key", key] if key else [])])
        said = json.loads(capsys.readouterr().out)
        assert status == (0 if said["whole"] else 1)
        return said

    return verify


def wrong(said: dict) -> tuple[int | None, str]:
    assert said["whole"] is False
    return said["leaf"], said["wrong"]


class TestAGoodLog:
    def test_of_one_month_is_whole(self, ask):
        said = ask(opening(), *month(MAY, EVENTS), *closing(5))
        assert said == {
            "whole": True,
            "events": 5,
            "trees": 1,
            "unsealed": 0,
            "until": "2026-05-02T14:03:05.000000Z",
            "tree": MAY,
            "leaf": None,
            "wrong": None,
            "proves": "no event is missing",
        }

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33])
    def test_of_any_size_is_whole(self, ask, size):
        events = [event(number) for number in range(size)]
        assert ask(opening(), *month(MAY, events), *closing(size))["whole"] is True

    def test_of_nothing_is_whole(self, ask):
        assert ask(opening(), *closing(0))["whole"] is True

    def test_of_two_months_is_whole(self, ask):
        april = month(APRIL, EVENTS[:2])
        may = month(MAY, EVENTS[2:], end_of(APRIL, EVENTS[:2]))
        said = ask(opening(), *april, *may, *closing(5))
        assert (said["whole"], said["events"], said["trees"]) == (True, 5, 2)

    def test_with_a_checkpoint_on_the_way_is_whole(self, ask):
        early = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS[:3])))))
        tree = [line("tree", MAY), *EVENTS[:3], told(0, EVENTS[:3]), early, *EVENTS[3:], told(3, EVENTS[3:])]
        late = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS)))))
        assert ask(opening(), *tree, late, *closing(5))["whole"] is True

    def test_may_list_what_is_not_sealed_yet(self, ask):
        said = ask(opening(), *month(MAY, EVENTS), *closing(5, [event(5), event(6)]))
        assert (said["whole"], said["events"], said["unsealed"]) == (True, 5, 2)

    def test_agrees_with_its_anchor(self, ask):
        anchor = signed(statement(MAY, list(map(leaf, EVENTS[:3]))))
        assert ask(opening(), *month(MAY, EVENTS), *closing(5), anchors=(anchor,))["whole"] is True

    def test_carries_the_entry_of_a_change_whose_hash_the_event_has(self, ask):
        entry = b'{"action":1,"object_repr":"NORTH"}'
        digest = hashlib.sha256(entry).hexdigest()
        change = event(0, event="config.change", detail={"entry": 7, "entry_sha256": digest})
        checkpoint = line("checkpoint", signed(statement(MAY, [leaf(change)])))
        lines = [line("tree", MAY), change, b'{"+entry":' + entry + b"}", told(0, [change]), checkpoint]
        assert ask(opening(), *lines, *closing(1))["whole"] is True

    def test_names_its_own_key_where_none_is_given(self, ask):
        assert ask(opening(), *month(MAY, EVENTS), *closing(5), key="")["whole"] is True

    def test_may_stand_on_a_month_that_left_under_a_certificate(self, ask):
        april = end_of(APRIL, EVENTS[:2])
        name, size, digest = april.split()
        certificate = f"scribeport/purge\n{size}\n{base64.b64encode(bytes.fromhex(digest)).decode()}\npurged {name}\n"
        lines = [line("purged", signed(certificate)), *month(MAY, EVENTS[2:], april)]
        assert ask(opening(), *lines, *closing(3))["whole"] is True


class TestALie:
    def test_a_changed_event_is_named(self, ask):
        forged = [*EVENTS[:2], event(2, outcome="denied"), *EVENTS[3:]]
        note = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS)))))
        lines = [line("tree", MAY), *forged, told(0, EVENTS), note]
        assert wrong(ask(opening(), *lines, *closing(5))) == (2, "the event was changed, moved, added or removed")

    def test_a_changed_event_with_its_leaf_is_bounded_by_the_checkpoint(self, ask):
        forged = [*EVENTS[:2], event(2, outcome="denied"), *EVENTS[3:]]
        note = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS)))))
        lines = [line("tree", MAY), *forged, told(0, forged), note]
        words = "between here and leaf 4, events are not those of a signed checkpoint"
        assert wrong(ask(opening(), *lines, *closing(5))) == (0, words)

    def test_a_checkpoint_on_the_way_narrows_where_it_is(self, ask):
        forged = [*EVENTS[:4], event(4, outcome="denied")]
        early = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS[:3])))))
        late = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS)))))
        lines = [line("tree", MAY), *forged[:3], told(0, forged[:3]), early, *forged[3:], told(3, forged[3:]), late]
        words = "between here and leaf 4, events are not those of a signed checkpoint"
        assert wrong(ask(opening(), *lines, *closing(5))) == (3, words)

    def test_a_removed_event_is_named(self, ask):
        note = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS)))))
        lines = [line("tree", MAY), *EVENTS[:3], EVENTS[4], told(0, EVENTS), note]
        assert wrong(ask(opening(), *lines, *closing(4))) == (3, "the event was changed, moved, added or removed")

    def test_two_exchanged_events_are_named_by_the_first(self, ask):
        forged = [EVENTS[0], EVENTS[3], EVENTS[2], EVENTS[1], EVENTS[4]]
        note = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS)))))
        lines = [line("tree", MAY), *forged, told(0, EVENTS), note]
        assert wrong(ask(opening(), *lines, *closing(5))) == (1, "the event was changed, moved, added or removed")

    def test_an_added_event_is_named(self, ask):
        note = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS)))))
        lines = [line("tree", MAY), *EVENTS, event(9), told(0, EVENTS), note]
        assert wrong(ask(opening(), *lines, *closing(6))) == (5, "the event was changed, moved, added or removed")

    def test_an_end_cut_off_is_told_by_the_checkpoint(self, ask):
        note = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS)))))
        lines = [line("tree", MAY), *EVENTS[:3], told(0, EVENTS[:3]), note]
        assert wrong(ask(opening(), *lines, *closing(3))) == (3, "a checkpoint knows 5 events, the file has 3")

    def test_an_end_cut_off_with_its_checkpoint_is_told_by_the_anchor(self, ask):
        anchor = signed(statement(MAY, list(map(leaf, EVENTS))))
        said = ask(opening(), *month(MAY, EVENTS[:3]), *closing(3), anchors=(anchor,))
        assert wrong(said) == (3, "an anchored checkpoint knows 5 events, the file 3")

    def test_another_history_than_the_anchors_is_told(self, ask):
        """Rewritten and signed anew by whoever has the sealer's key: only the anchor knows."""
        anchor = signed(statement(MAY, [leaf(event(0)), leaf(event(1)), leaf(event(77))]))
        said = ask(opening(), *month(MAY, EVENTS), *closing(5), anchors=(anchor,))
        assert wrong(said) == (0, "between here and leaf 2, events are not those of an anchored checkpoint")

    def test_a_month_that_the_anchor_knows_and_the_file_does_not_is_named(self, ask):
        anchor = signed(statement(JUNE, list(map(leaf, EVENTS))))
        said = ask(opening(), *month(MAY, EVENTS), *closing(5), anchors=(anchor,))
        assert wrong(said) == (0, f"an anchored month is not in the file: {JUNE}")

    def test_another_practices_anchor_says_nothing(self, ask):
        anchor = signed(statement("scribeport/audit/harbor/202606", list(map(leaf, EVENTS))))
        assert ask(opening(), *month(MAY, EVENTS), *closing(5), anchors=(anchor,))["whole"] is True

    def test_an_anchor_signed_by_a_stranger_says_nothing(self, ask):
        anchor = signed(statement(MAY, [leaf(b"x")]), STRANGER)
        assert ask(opening(), *month(MAY, EVENTS), *closing(5), anchors=(anchor,))["whole"] is True

    def test_a_month_left_out_is_named(self, ask):
        may = month(MAY, EVENTS[2:], end_of(APRIL, EVENTS[:2]))
        said = ask(opening(), *may, *closing(3))
        assert wrong(said) == (0, f"the month before is not in the file: {end_of(APRIL, EVENTS[:2])}")

    def test_a_month_put_in_between_is_named(self, ask):
        april = month(APRIL, EVENTS[:2])
        may = month(MAY, EVENTS[2:])
        assert wrong(ask(opening(), *april, *may, *closing(5))) == (0, "the month before is not in the file: none")

    def test_a_month_before_that_was_rewritten_is_named(self, ask):
        april = month(APRIL, [event(0), event(99)])
        may = month(MAY, EVENTS[2:], end_of(APRIL, EVENTS[:2]))
        assert wrong(ask(opening(), *april, *may, *closing(5)))[1].startswith("the month before is not in the file")

    def test_a_month_without_a_checkpoint_is_not_proved(self, ask):
        lines = [line("tree", MAY), *EVENTS, told(0, EVENTS)]
        assert wrong(ask(opening(), *lines, *closing(5))) == (0, "the tree ends without a checkpoint over all of it")

    def test_events_behind_the_last_checkpoint_are_not_proved(self, ask):
        lines = [*month(MAY, EVENTS[:3]), *EVENTS[3:]]
        assert wrong(ask(opening(), *lines, *closing(5))) == (3, "the tree ends without a checkpoint over all of it")

    def test_another_trees_checkpoint_does_not_count(self, ask):
        note = line("checkpoint", signed(statement(APRIL, list(map(leaf, EVENTS)))))
        lines = [line("tree", MAY), *EVENTS, told(0, EVENTS), note]
        assert wrong(ask(opening(), *lines, *closing(5))) == (5, "a checkpoint is another tree's")

    def test_a_strangers_signature_does_not_count(self, ask):
        note = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS))), STRANGER))
        lines = [line("tree", MAY), *EVENTS, told(0, EVENTS), note]
        said = ask(opening(), *lines, *closing(5))
        assert wrong(said) == (5, "a checkpoint is not signed by a key that counts")

    def test_a_strangers_signature_does_not_count_though_the_file_names_the_stranger(self, ask):
        """The key that was given by another way counts, not those the file brings along."""
        stranger = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        note = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS))), STRANGER))
        lines = [line("tree", MAY), *EVENTS, told(0, EVENTS), note]
        assert ask(opening(keys=(stranger,)), *lines, *closing(5))["whole"] is False
        assert ask(opening(keys=(stranger,)), *lines, *closing(5), key="")["whole"] is True

    def test_a_signature_over_other_lines_does_not_count(self, ask):
        note = signed(statement(MAY, list(map(leaf, EVENTS)))).replace("time 2026-05-02", "time 2026-05-03", 1)
        lines = [line("tree", MAY), *EVENTS, told(0, EVENTS), line("checkpoint", note)]
        said = ask(opening(), *lines, *closing(5))
        assert wrong(said) == (5, "a checkpoint is not signed by a key that counts")

    def test_a_file_without_its_end_is_cut_off(self, ask):
        said = ask(opening(), *month(MAY, EVENTS))
        assert wrong(said)[1] == "the file is cut off, or does not hold as many events as it says"

    def test_a_file_that_counts_another_number_is_cut_off(self, ask):
        said = ask(opening(), *month(MAY, EVENTS), *closing(6))
        assert wrong(said)[1] == "the file is cut off, or does not hold as many events as it says"

    @pytest.mark.parametrize("follow", [0, 1, 3])
    def test_that_lists_another_number_of_unsealed_events_than_it_says_is_refused(self, ask, follow):
        listed = [event(5), event(6), event(7)][:follow]
        said = ask(opening(), *month(MAY, EVENTS), line("unsealed", 2), *listed, line("end", {"events": 5 + follow}))
        assert wrong(said)[1] == "the file is cut off, or does not hold as many events as it says"

    def test_that_lists_unsealed_events_without_saying_so_is_refused(self, ask):
        assert ask(opening(), *closing(0, [event(7)]))["whole"] is True
        assert ask(opening(), event(7), *closing(1))["whole"] is False

    def test_an_entry_left_out_is_named(self, ask):
        change = event(0, event="config.change", detail={"entry": 7, "entry_sha256": "0" * 64})
        lines = month(MAY, [change, EVENTS[1]])
        said = ask(opening(), *lines, *closing(2))
        assert wrong(said) == (0, "the configuration entry of this event is not in the file")

    def test_an_entry_left_out_at_the_very_end_is_not_proved(self, ask):
        change = event(0, event="config.change", detail={"entry": 7, "entry_sha256": "0" * 64})
        said = ask(opening(), *month(MAY, [change]), *closing(1))
        assert wrong(said)[1] == "the tree ends without a checkpoint over all of it"

    def test_a_changed_entry_is_named(self, ask):
        entry = b'{"action":1,"object_repr":"NORTH"}'
        change = event(0, event="config.change", detail={"entry_sha256": hashlib.sha256(entry).hexdigest()})
        forged = b'{"+entry":' + entry.replace(b"NORTH", b"SOUTH") + b"}"
        lines = [line("tree", MAY), change, forged]
        said = ask(opening(), *lines, *closing(1))
        assert wrong(said) == (0, "the configuration entry of this event was changed")

    @pytest.mark.parametrize(
        "noise",
        [b'{"+not json', b'{"+unknown":1}', b'{"+leaves":"x"}', b'{"+checkpoint":"no note"}', b'{"+head":1,"+end":2}'],
    )
    def test_a_line_that_cannot_be_read_is_said(self, ask, noise):
        said = ask(opening(), line("tree", MAY), *EVENTS[:2], noise, *closing(2))
        assert wrong(said) == (2, "a line cannot be read")

    def test_a_file_that_is_no_log_is_said(self, ask):
        assert wrong(ask(b"id,at,event")) == (0, "a line cannot be read")

    def test_an_empty_file_is_said(self, ask):
        assert wrong(ask())[1] == "a line cannot be read"


class TestAPatientsLog:
    ALL = [event(0, ANN), event(1, BOB), event(2), event(3, ANN), event(4, BOB)]
    HEADS = {ANN: 2, BOB: 2}

    def whole(self, subject=ANN, events=None, heads=None) -> list[bytes]:
        return patient_month(MAY, events or self.ALL, subject, heads or self.HEADS)

    def test_with_every_proof_is_whole(self, ask):
        said = ask(opening(ANN), *self.whole(), *closing(2))
        assert (said["whole"], said["events"]) == (True, 2)

    def test_shows_nobody_elses_events(self):
        assert BOB.encode() not in b"".join(self.whole())

    def test_without_one_of_the_events_is_told_how_many_are_missing(self, ask):
        lines = self.whole()[:-2]
        assert wrong(ask(opening(ANN), *lines, *closing(1))) == (1, "1 of the patient's events are missing")

    def test_with_a_changed_event_names_it(self, ask):
        lines = self.whole()
        lines[-1] = event(3, ANN, outcome="denied")
        assert wrong(ask(opening(ANN), *lines, *closing(2))) == (3, "the event is not the one that was sealed")

    def test_with_an_event_in_anothers_place_names_it(self, ask):
        leaves = list(map(leaf, self.ALL))
        lines = [*self.whole()[:-2], proof(leaves, 4), self.ALL[3]]
        assert wrong(ask(opening(ANN), *lines, *closing(2))) == (4, "the event is not the one that was sealed")

    def test_with_one_event_twice_is_told(self, ask):
        lines = [*self.whole()[:-2], *self.whole()[-4:-2]]
        assert wrong(ask(opening(ANN), *lines, *closing(2))) == (1, "an event stands without its proof, or twice")

    def test_with_an_event_without_its_proof_is_told(self, ask):
        lines = self.whole()
        del lines[-2]
        assert wrong(ask(opening(ANN), *lines, *closing(2)))[1] == "an event stands without its proof, or twice"

    def test_with_anothers_event_in_its_stead_is_told(self, ask):
        leaves = list(map(leaf, self.ALL))
        lines = [*self.whole()[:-2], proof(leaves, 4), self.ALL[4]]
        assert wrong(ask(opening(ANN), *lines, *closing(2))) == (4, "the event is another patient's")

    def test_with_a_forged_number_is_told(self, ask):
        lines = self.whole()
        said = json.loads(lines[2])["+head"]
        said["entry"]["count"] = 1
        lines[2:] = [line("head", said), *lines[3:5]]
        words = "the number of the patient's events is not the one that was signed"
        assert wrong(ask(opening(ANN), *lines, *closing(1))) == (0, words)

    def test_with_anothers_number_is_told(self, ask):
        entries = sorted(self.HEADS.items())
        lines = self.whole()
        lines[2] = line("head", {"entry": head_entry(entries, [head_leaf(*one) for one in entries], BOB)})
        words = "how many events the patient has in this month is not proved"
        assert wrong(ask(opening(ANN), *lines, *closing(2))) == (0, words)

    def test_without_the_number_is_told(self, ask):
        lines = self.whole()
        del lines[2]
        assert wrong(ask(opening(ANN), *lines, *closing(2)))[1].endswith("of the patient's events are missing")

    def gap(self, ask, subject, *names) -> dict:
        """A month in which the patient is said not to appear, between these neighbours of the head map."""
        entries = [(ANN, 2), (BOB, 2), (CAL, 1)]
        hashed = [head_leaf(*one) for one in entries]
        extra = f"heads 3 {base64.b64encode(root(hashed)).decode()}\n"
        note = signed(statement(MAY, list(map(leaf, self.ALL)), extra=extra))
        beside = {
            side: head_entry(entries, hashed, name)
            for side, name in zip(("before", "after"), names, strict=False)
            if name
        }
        lines = [line("tree", MAY), line("checkpoint", note), line("head", beside)]
        return ask(opening(subject), *lines, *closing(0))

    def test_of_nobody_in_between_is_proved_by_the_neighbours(self, ask):
        assert self.gap(ask, "3" * 32, ANN, BOB)["whole"] is True

    def test_of_nobody_at_the_end_is_proved_by_the_last(self, ask):
        assert self.gap(ask, "a" * 32, CAL)["whole"] is True

    def test_of_nobody_at_the_beginning_is_proved_by_the_first(self, ask):
        assert self.gap(ask, "0" * 32, "", ANN)["whole"] is True

    def test_of_somebody_left_out_between_two_that_are_no_neighbours_is_told(self, ask):
        words = "how many events the patient has in this month is not proved"
        assert wrong(self.gap(ask, BOB, ANN, CAL)) == (0, words)

    def test_of_somebody_outside_the_gap_is_told(self, ask):
        words = "how many events the patient has in this month is not proved"
        assert wrong(self.gap(ask, "7" * 32, ANN, BOB)) == (0, words)


def test_in_words_it_says_whole_and_who_signed(tmp_path, capsys):
    file = tmp_path / "audit.jsonl"
    file.write_bytes(b"".join(one + b"\n" for one in [opening(), *month(MAY, EVENTS), *closing(5)]))
    assert verify_log.main([str(file), "--key", PUBLIC]) == 0
    assert capsys.readouterr().out == (
        f"whole: 5 events in 1 trees until 2026-05-02T14:03:05.000000Z; 0 not sealed yet\n"
        f"no event is missing; signed by {PUBLIC}\n"
    )


def test_in_words_it_says_that_the_file_vouches_for_itself(tmp_path, capsys):
    file = tmp_path / "audit.jsonl"
    file.write_bytes(b"".join(one + b"\n" for one in [opening(), *month(MAY, EVENTS), *closing(5)]))
    assert verify_log.main([str(file)]) == 0
    assert capsys.readouterr().out.endswith(f"signed by {PUBLIC}, as the file says\n")


def test_in_words_it_names_the_first_thing_wrong(tmp_path, capsys):
    file = tmp_path / "audit.jsonl"
    note = line("checkpoint", signed(statement(MAY, list(map(leaf, EVENTS)))))
    lines = [opening(), line("tree", MAY), *EVENTS[:3], told(0, EVENTS[:3]), note, *closing(3)]
    file.write_bytes(b"".join(one + b"\n" for one in lines))
    assert verify_log.main([str(file), "--key", PUBLIC]) == 1
    assert capsys.readouterr().out == f"NOT WHOLE: {MAY}, leaf 3: a checkpoint knows 5 events, the file has 3\n"
