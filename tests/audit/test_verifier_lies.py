"""audit/verify_log.py against files put together from true lines in a false order, and against files damaged anywhere."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import merkle, verify_log
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
    path,
    patient_month,
    proof,
    root,
    signed,
    statement,
    told,
)

ANN, BOB = "1" * 32, "5" * 32
EVENTS = [event(number) for number in range(5)]
FORGED = [event(number, outcome="denied") for number in range(90, 93)]
WILD = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def ask(tmp_path, capsys):
    """What the verifier says of a file of these bytes."""

    def verify(content: bytes, anchor: bytes = b"") -> dict:
        file, outside = tmp_path / "audit.jsonl", tmp_path / "anchor.jsonl"
        file.write_bytes(content)
        outside.write_bytes(anchor)
        status = verify_log.main([str(file), "--json", "--key", PUBLIC, "--anchor", str(outside)])
        said = json.loads(capsys.readouterr().out)
        assert status == (0 if said["whole"] else 1)
        return said

    return verify


def joined(*lines: bytes) -> bytes:
    return b"".join(one + b"\n" for one in lines)


def checkpoint(events: list[bytes], origin: str = MAY, previous: str = "") -> bytes:
    return line("checkpoint", signed(statement(origin, list(map(leaf, events)), previous)))


GOOD = joined(opening(), *month(APRIL, EVENTS[:2]), *month(MAY, EVENTS[2:], end_of(APRIL, EVENTS[:2])), *closing(5))


def events_of(content: bytes) -> list[bytes]:
    return [one for one in content.split(b"\n") if one and not one.startswith(b'{"+')]


class TestBehindTheEnd:
    def test_forged_events_in_a_month_without_a_checkpoint_are_told(self, ask):
        lines = [opening(), *month(MAY, EVENTS), line("end", {"events": 8}), line("tree", JUNE), *FORGED]
        said = ask(joined(*lines))
        assert (said["whole"], said["wrong"], said["proves"]) == (False, "the file goes on behind its end", "nothing")

    @pytest.mark.parametrize(
        "more", [line("tree", JUNE), line("unsealed", 0), line("proof", {}), event(9), b"", *closing(5)[-1:]]
    )
    def test_nothing_at_all_may_stand(self, ask, more):
        assert ask(joined(opening(), *month(MAY, EVENTS), *closing(5), more))["whole"] is False

    def test_a_second_file_put_behind_the_first_is_told(self, ask):
        assert ask(GOOD + GOOD)["wrong"] == "the file goes on behind its end"


class TestABeginning:
    """The line that lets a part in time begin in the middle of a month."""

    def test_does_not_let_a_whole_log_leave_its_first_events_out(self, ask):
        inside = [begins_at(MAY, EVENTS[:3]), *EVENTS[3:], told(3, EVENTS[3:]), checkpoint(EVENTS)]
        said = ask(joined(opening(), line("tree", MAY), *inside, *closing(2)))
        assert (said["whole"], said["wrong"]) == (False, "the part does not begin at a checkpoint of its tree")

    def test_of_a_part_in_time_is_what_lets_it(self, ask):
        inside = [begins_at(MAY, EVENTS[:3]), *EVENTS[3:], told(3, EVENTS[3:]), checkpoint(EVENTS)]
        said = ask(joined(opening(part="time"), line("tree", MAY), *inside, *closing(2)))
        assert (said["whole"], said["events"]) == (True, 2)
        assert said["proves"].startswith("none recorded from 2026-05-02T14:03:05")

    def test_does_not_wash_away_forged_events_before_it(self, ask):
        forged = [*FORGED, told(0, FORGED)]
        inside = [begins_at(MAY, EVENTS[:3]), *EVENTS[3:], told(3, EVENTS[3:]), checkpoint(EVENTS)]
        said = ask(joined(opening(part="time"), line("tree", MAY), *forged, *inside, *closing(5)))
        assert (said["whole"], said["wrong"]) == (False, "the part does not begin at a checkpoint of its tree")

    def test_does_not_skip_events_in_the_middle(self, ask):
        inside = [EVENTS[0], told(0, EVENTS[:1]), begins_at(MAY, EVENTS[:3]), *EVENTS[3:], told(3, EVENTS[3:])]
        lines = [opening(part="time"), line("tree", MAY), *inside, checkpoint(EVENTS), *closing(3)]
        assert ask(joined(*lines))["whole"] is False

    def test_stands_once(self, ask):
        inside = [begins_at(MAY, EVENTS[:1]), begins_at(MAY, EVENTS[:3]), *EVENTS[3:], told(3, EVENTS[3:])]
        lines = [opening(part="time"), line("tree", MAY), *inside, checkpoint(EVENTS), *closing(2)]
        assert ask(joined(*lines))["whole"] is False

    def test_before_any_month_is_told(self, ask):
        assert ask(joined(opening(part="time"), begins_at(MAY, EVENTS[:3]), *closing(0)))["whole"] is False


class TestTheFirstLine:
    """What the file claims to prove stands in a line that nobody signed."""

    def selected(self, *places: int) -> list[bytes]:
        leaves = list(map(leaf, EVENTS))
        pairs = [one for place in places for one in (proof(leaves, place), EVENTS[place])]
        return [line("tree", MAY), checkpoint(EVENTS), *pairs, line("unsealed", 0)]

    def test_stands_once_so_that_a_selection_does_not_end_as_a_whole_log(self, ask):
        said = ask(joined(opening(part="selection"), *self.selected(1, 3), opening(), *closing(2)[1:]))
        assert (said["whole"], said["wrong"], said["proves"]) == (False, "a line cannot be read", "nothing")

    def test_stands_first(self, ask):
        first, rest = GOOD.split(b"\n", 1)
        assert ask(rest + first + b"\n")["whole"] is False

    def test_of_a_selection_that_calls_itself_whole_is_believed_in_nothing(self, ask):
        assert ask(joined(opening(), *self.selected(1, 3), *closing(2)[1:]))["whole"] is False

    def test_of_a_patient_that_calls_itself_a_time_promises_the_patients_events_only(self, ask):
        events = [event(0, ANN), event(1, BOB)]
        lines = patient_month(MAY, events, ANN, {ANN: 1, BOB: 1})
        said = ask(joined(opening(ANN, part="time"), *lines, *closing(1)))
        assert (said["whole"], said["proves"]) == (True, "none of the patient's events is missing")

    def test_of_a_patient_that_calls_itself_a_selection_is_held_to_the_patients_number(self, ask):
        events = [event(0, ANN), event(1, ANN)]
        lines = patient_month(MAY, events, ANN, {ANN: 2})[:-2]
        said = ask(joined(opening(ANN, part="selection"), *lines, *closing(1)))
        assert (said["whole"], said["wrong"]) == (False, "1 of the patient's events are missing")

    @pytest.mark.parametrize("first", [b"{}", b"[]", b"7", b'{"+log":7}', b'{"+log":{}}', b'{"+log":null}', b"\xff"])
    def test_that_is_none_is_said_in_words(self, ask, first):
        said = ask(joined(first, *month(MAY, EVENTS), *closing(5)))
        # Without keys of its own it may still be judged by those that were given.
        assert said["whole"] is (first == b'{"+log":{}}')
        assert said["wrong"] in (None, "a line cannot be read")


class TestAPlaceBeyondTheTree:
    """One path fits the same leaf at more than one number, if numbers beyond the tree are let in."""

    def test_does_not_show_one_event_of_a_patient_twice_to_hide_another(self, ask):
        events = [event(0, BOB), event(1, ANN), event(2, BOB), event(3, ANN)]
        lines = patient_month(MAY, events, ANN, {ANN: 2, BOB: 2})
        again = line("proof", {**json.loads(proof(list(map(leaf, events)), 1))["+proof"], "seq": 5})
        said = ask(joined(opening(ANN), *lines[:-2], again, events[1], *closing(2)))
        assert (said["whole"], said["leaf"], said["wrong"]) == (False, 5, "the event is not the one that was sealed")

    @pytest.mark.parametrize("size", range(1, 18))
    def test_is_no_place_at_any_size(self, size):
        leaves = [leaf(bytes([number])) for number in range(size)]
        for index in range(size):
            way = [base64.b64encode(one).decode() for one in path(leaves, index)]
            fits = [at for at in range(-2, 70) if verify_log.root_by(leaves[index], at, size, way) == root(leaves)]
            assert fits == [index]

    @pytest.mark.parametrize("size", range(1, 18))
    def test_is_none_to_the_products_own_proofs_either(self, size):
        leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]
        tree = merkle.levels(leaves)
        for index in range(size):
            way = merkle.path(tree, index)
            fits = [at for at in range(-2, 70) if merkle.root_by(leaves[index], at, size, way) == tree[-1][0]]
            assert fits == [index]

    def test_of_a_tree_of_nothing_there_is_none(self):
        assert verify_log.root_by(leaf(b"x"), 0, 0, []) is None

    @pytest.mark.parametrize("more", [1, 2])
    def test_a_path_too_long_or_too_short_leads_nowhere(self, more):
        leaves = [leaf(bytes([number])) for number in range(6)]
        way = [base64.b64encode(one).decode() for one in path(leaves, 2)]
        assert verify_log.root_by(leaves[2], 2, 6, way + way[:more]) is None
        assert verify_log.root_by(leaves[2], 2, 6, way[:-more]) is None


class TestDamage:
    @WILD
    @given(st.data())
    def test_of_any_byte_is_noticed_or_has_left_every_event_as_it_was(self, ask, data):
        at = data.draw(st.integers(0, len(GOOD) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda one: one != GOOD[at]))
        damaged = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
        said = ask(damaged)
        assert not said["whole"] or events_of(damaged) == events_of(GOOD)

    @WILD
    @given(st.data())
    def test_of_any_byte_of_an_event_is_named_at_its_month_and_leaf(self, ask, data):
        number = data.draw(st.integers(0, 4))
        content = EVENTS[number]
        at = data.draw(st.integers(0, len(content) - 1))
        byte = data.draw(st.integers(0, 255).filter(lambda one: one not in (content[at], 10)))
        damaged = content[:at] + bytes([byte]) + content[at + 1 :]
        said = ask(GOOD.replace(content, damaged))
        place = (APRIL, number) if number < 2 else (MAY, number - 2)
        assert (said["tree"], said["leaf"], said["wrong"]) == (*place, "the event was changed, moved, added or removed")

    @WILD
    @given(st.integers(0, len(GOOD) - 2))
    def test_by_cutting_off_anywhere_is_noticed(self, ask, length):
        assert ask(GOOD[:length])["whole"] is False

    @WILD
    @given(st.permutations(range(len(GOOD.splitlines()))))
    def test_by_any_other_order_of_its_lines_is_noticed_or_changed_no_order_of_events(self, ask, order):
        lines = GOOD.splitlines(keepends=True)
        mixed = b"".join(lines[at] for at in order)
        assert not ask(mixed)["whole"] or events_of(mixed) == events_of(GOOD)

    @pytest.mark.parametrize("at", range(len(GOOD.splitlines())))
    def test_by_leaving_any_one_line_out_is_noticed_but_for_what_proves_nothing(self, ask, at):
        lines = GOOD.splitlines(keepends=True)
        said = ask(b"".join(lines[:at] + lines[at + 1 :]))
        # Leaves only say where; that none wait for the sealer says nothing of those that are sealed.
        assert said["whole"] is lines[at].startswith((b'{"+leaves"', b'{"+unsealed"'))

    @pytest.mark.parametrize("at", range(len(GOOD.splitlines())))
    def test_by_doubling_any_one_line_is_noticed_but_for_what_proves_nothing(self, ask, at):
        lines = GOOD.splitlines(keepends=True)
        said = ask(b"".join(lines[:at] + lines[at : at + 1] + lines[at:]))
        assert said["whole"] is lines[at].startswith((b'{"+checkpoint"', b'{"+unsealed"'))

    @pytest.mark.parametrize(
        "strange",
        [
            b'{"+close":{}}',
            b'{"+read":[]}',
            b'{"+":1}',
            b'{"+tree":"a","+tree2":"b"}',
            b'{"+' + b"[" * 200_000,
            b'{"+tree":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
            b'{"+checkpoint":null}',
            b'{"+checkpoint":""}',
            b'{"+checkpoint":"\\n\\n"}',
            b'{"+leaves":[]}',
            b'{"+leaves":["0","="]}',
            b'{"+entry":7}',
            b'{"+purged":[]}',
            b'{"+\xff":1}',
        ],
    )
    def test_by_a_line_that_is_none_is_said_in_words_and_never_by_a_trace(self, ask, strange):
        lines = GOOD.split(b"\n")
        said = ask(b"\n".join([*lines[:3], strange, *lines[3:]]))
        assert said["whole"] is False
        assert said["wrong"]

    @WILD
    @given(st.binary(max_size=300))
    def test_of_the_whole_file_is_answered_in_words(self, ask, content):
        assert ask(content)["whole"] is False


class TestAnAnchor:
    ODD = [
        b"7",
        b"[]",
        b"null",
        b"{}",
        b'{"note":7}',
        b'{"note":null}',
        b'{"note":""}',
        b'{"note":"a\\n\\nb c d"}',
        b"{",
    ]

    @pytest.mark.parametrize("odd", ODD)
    def test_with_a_line_that_is_no_note_still_knows_the_others(self, ask, odd):
        told = json.dumps({"note": signed(statement(MAY, [leaf(b"other")] * 5))}).encode()
        said = ask(GOOD, joined(odd, told))
        assert said["whole"] is False
        assert "an anchored checkpoint" in said["wrong"]

    @pytest.mark.parametrize("odd", ODD)
    def test_of_nothing_but_such_lines_says_nothing_against_a_whole_log(self, ask, odd):
        assert ask(GOOD, joined(odd))["whole"] is True

    def test_of_every_size_there_was_agrees(self, ask):
        notes = [signed(statement(APRIL, list(map(leaf, EVENTS[:size])))) for size in (1, 2)]
        assert ask(GOOD, joined(*(json.dumps({"note": one}).encode() for one in notes)))["whole"] is True

    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_of_another_history_at_any_size_is_told_at_that_leaf(self, ask, size):
        other = [*EVENTS[2:][: size - 1], FORGED[0]]
        anchor = json.dumps({"note": signed(statement(MAY, list(map(leaf, other))))}).encode()
        said = ask(GOOD, joined(anchor))
        assert said["wrong"] == f"between here and leaf {size - 1}, events are not those of an anchored checkpoint"
        assert (said["tree"], said["leaf"]) == (MAY, 0)
