"""Every fault does what its line in docs/sandbox.md says, seen from outside."""

import socket
import time
from pathlib import Path

import psutil
import pytest

from sandbox.fault_kinds import FORMS, KINDS, Stage
from sandbox.faults import BadFault, Switchboard, fault_from_json
from tests.sandbox.desk import frame, msa, oru

NOTE = [("NF-01", "cc"), ("NF-02", "history of this illness"), ("NF-04", "exam")]


@pytest.fixture
def fault(sandbox):
    """Switches one fault on."""

    def switch(kind, **settings):
        sandbox.api("PUT", "/faults", {"faults": [{"kind": kind, **settings}]})

    return switch


def silent(wire, seconds=0.3):
    """Whether nothing comes for a while."""
    wire.socket.settimeout(seconds)
    try:
        return wire.socket.recv(1) is None
    except TimeoutError:
        return True
    finally:
        wire.socket.settimeout(5)


def filed(sandbox):
    return [filing["control_id"] for filing in sandbox.filings()]


def fields(sandbox):
    return sandbox.note()[1]["fields"]


def lost(sandbox):
    return [(each["field_id"], each["reason"], each["filed_as"]) for each in sandbox.filings()[0]["lost"]]


def test_drop_ack_files_and_says_nothing_and_the_socket_lives_on(sandbox, fault):
    fault("drop_ack", count=1)
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE, "C1")))
        assert silent(wire)
        assert msa(wire.ask(oru(NOTE, "C2"))) == ("AA", "C2")
    assert filed(sandbox) == ["C1", "C2"]


def test_no_file_no_ack_does_neither(sandbox, fault):
    fault("no_file_no_ack", count=1)
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE)))
        assert silent(wire)
    assert filed(sandbox) == []


def test_delay_ack_files_at_once_and_answers_late(sandbox, fault):
    fault("delay_ack", seconds=0.5)
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE)))
        assert silent(wire)
        assert filed(sandbox) == ["C1"]
        assert msa(wire.answer()) == ("AA", "C1")


def test_a_late_answer_holds_up_the_messages_behind_it(sandbox, fault):
    fault("delay_ack", seconds=0.3, count=1)
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE, "C1")) + frame(oru(NOTE, "C2")))
        assert [msa(wire.answer())[1], msa(wire.answer())[1]] == ["C1", "C2"]


def test_delay_filing_files_late_and_answers_after(sandbox, fault):
    fault("delay_filing", seconds=0.5)
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE)))
        assert silent(wire)
        assert filed(sandbox) == []
        assert msa(wire.answer()) == ("AA", "C1")
        assert filed(sandbox) == ["C1"]


def test_a_reset_forgets_what_was_to_be_filed_late(sandbox, fault):
    fault("delay_filing", seconds=0.4, count=1)
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE, "C1")))
        assert silent(wire, 0.1)
    sandbox.api("POST", "/reset", {"keep_templates": True})
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE, "C2")))
        assert msa(wire.answer()) == ("AA", "C2")
    time.sleep(0.6)
    assert filed(sandbox) == ["C2"]


def test_a_note_under_way_is_filed_though_its_sender_has_gone(sandbox, fault):
    fault("delay_filing", seconds=0.3)
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE)))
        assert silent(wire, 0.1)
    time.sleep(0.5)
    assert filed(sandbox) == ["C1"]


def test_wrong_id_ack_names_the_message_before(sandbox, fault):
    sandbox.ask(oru(NOTE, "C1"))
    fault("wrong_id_ack")
    assert msa(sandbox.ask(oru(NOTE, "C2"))) == ("AA", "C1")
    assert msa(sandbox.ask(oru(NOTE, "C2"))) == ("AA", "0")
    assert filed(sandbox) == ["C1", "C2", "C2"]


def test_double_ack_answers_twice_and_files_once(sandbox, fault):
    fault("double_ack")
    with sandbox.wire() as wire:
        assert msa(wire.ask(oru(NOTE))) == msa(wire.answer()) == ("AA", "C1")
    assert filed(sandbox) == ["C1"]


@pytest.mark.parametrize("kind,kept", [("cut_before_file", []), ("cut_after_file", ["C1"])])
def test_a_cut_closes_the_socket_before_or_after_filing(sandbox, fault, kind, kept):
    fault(kind)
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE)) + frame(oru(NOTE, "C2")))
        with pytest.raises(EOFError) as cut:
            wire.answer()
    assert cut.value.args == (b"",)
    assert filed(sandbox) == kept


def test_partial_ack_stops_half_way(sandbox, fault):
    fault("partial_ack")
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE)))
        half = wire.socket.recv(65536)
        assert half.startswith(b"\x0bMSH|")
        assert b"MSA" not in half
        assert silent(wire)
    assert filed(sandbox) == ["C1"]


def test_slow_ack_comes_byte_by_byte(sandbox, fault):
    fault("slow_ack", seconds=0.005)
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE)))
        wire.buffer = wire.socket.recv(65536)
        assert len(wire.buffer) <= 3
        assert msa(wire.answer()) == ("AA", "C1")


def test_endless_ack_never_ends_and_stops_with_the_socket(sandbox, fault):
    fault("endless_ack")
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE)))
        got = b""
        while len(got) < 200_000:
            got += wire.socket.recv(65536)
        assert b"MSA|AA|C1" in got
        assert b"\x1c" not in got
    fault("double_ack", count=1)
    assert msa(sandbox.ask(oru(NOTE, "C2"))) == ("AA", "C2")


@pytest.mark.parametrize(
    "form,expected",
    [
        ("noise", b"503"),
        ("no_msa", b"ACK^R01^ACK"),
        ("empty_id", b"\rMSA|AA||"),
        ("lower_case", b"\rMSA|aa|C1"),
        ("line_feeds", b"\nMSA|AA|C1"),
        ("bom", b"\xef\xbb\xbfMSH|"),
    ],
)
def test_garbage_ack_is_out_of_shape_in_the_form_asked_for(sandbox, fault, form, expected):
    assert form in FORMS
    fault("garbage_ack", form=form)
    answer = sandbox.ask(oru(NOTE))
    assert expected in answer
    assert (b"MSA" in answer) is (form not in ("noise", "no_msa"))
    assert filed(sandbox) == ["C1"]


def test_drop_application_ack_leaves_the_accept_answer_alone(sandbox, fault):
    fault("drop_application_ack")
    with sandbox.wire() as wire:
        assert msa(wire.ask(oru(NOTE, msh15="AL", msh16="AL"))) == ("CA", "C1")
        assert silent(wire)
        wire.send(frame(oru(NOTE, "C2")))
        assert silent(wire)
    assert filed(sandbox) == ["C1", "C2"]


@pytest.mark.parametrize("kind", ["ae", "ar"])
def test_ae_and_ar_refuse_with_the_words_given(sandbox, fault, kind):
    fault(kind, text="2027 RxNorm and NDC do not belong to the same drug compendia")
    answer = sandbox.ask(oru(NOTE))
    assert msa(answer) == (kind.upper(), "C1")
    assert b"|2027 RxNorm" in answer
    assert filed(sandbox) == []


def test_silent_drop_loses_the_named_or_the_last_field(sandbox, fault):
    fault("silent_drop", field_id="NF-02")
    assert msa(sandbox.ask(oru(NOTE))) == ("AA", "C1")
    assert list(fields(sandbox)) == ["NF-01", "NF-04"]
    assert lost(sandbox) == [("NF-02", "silent_drop", "")]
    fault("silent_drop")
    sandbox.ask(oru(NOTE, "C2", encounter="E2"))
    assert list(sandbox.note("E2")[1]["fields"]) == ["NF-01", "NF-02"]


def test_silent_drop_of_a_field_the_note_does_not_carry_changes_nothing(sandbox, fault):
    fault("silent_drop", field_id="NF-06")
    sandbox.ask(oru(NOTE))
    assert fields(sandbox) == dict(NOTE)
    assert lost(sandbox) == []


def test_move_field_files_below_what_stands_there(sandbox, fault):
    fault("move_field", **{"from": "NF-01", "to": "NF-02"})
    sandbox.ask(oru(NOTE))
    assert fields(sandbox) == {"NF-02": "history of this illness\ncc", "NF-04": "exam"}
    assert lost(sandbox) == [("NF-01", "move_field", "NF-02")]


def test_move_field_without_names_moves_the_first_field_one_down(sandbox, fault):
    fault("move_field")
    sandbox.ask(oru([("NF-02", "hpi")]))
    assert fields(sandbox) == {"NF-03": "hpi"}


def test_truncate_cuts_the_named_field(sandbox, fault):
    fault("truncate", field_id="NF-02", length=7)
    sandbox.ask(oru(NOTE))
    assert fields(sandbox) == dict(NOTE) | {"NF-02": "history"}
    assert lost(sandbox) == [("NF-02", "truncate", "NF-02")]


def test_duplicate_filing_files_twice_behind_one_answer(sandbox, fault):
    fault("duplicate_filing")
    with sandbox.wire() as wire:
        assert msa(wire.ask(oru(NOTE))) == ("AA", "C1")
        assert silent(wire, 0.1)
    assert filed(sandbox) == ["C1", "C1"]


def test_read_http_500_answers_the_status_set(sandbox, fault):
    fault("read_http_500", count=1)
    assert sandbox.note()[0] == 500
    assert sandbox.note()[0] == 200
    fault("read_http_500", status=503)
    assert sandbox.note()[0] == 503


def test_read_slow_and_read_stale(sandbox, fault):
    sandbox.ask(oru(NOTE))
    fault("read_slow", seconds=0.4)
    begun = time.monotonic()
    assert sandbox.note()[1]["fields"] == dict(NOTE)
    assert time.monotonic() - begun >= 0.4
    fault("read_stale", seconds=30)
    assert sandbox.note()[1]["filings"] == []
    fault("read_stale", seconds=0.1)
    time.sleep(0.15)
    assert sandbox.note()[1]["fields"] == dict(NOTE)


def test_read_unauthorized_refuses_the_right_token(sandbox, fault):
    fault("read_unauthorized", count=1)
    assert [sandbox.note()[0], sandbox.note()[0]] == [401, 200]


def test_read_rate_limit_counts_per_practice_and_names_no_time(sandbox, fault):
    if time.time() % 60 > 55:
        time.sleep(6)  # the limit is kept by the minute on the clock
    fault("read_rate_limit", per_minute=3)
    assert [sandbox.note(practice="RATELI")[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    assert sandbox.note(practice="OTHERS")[0] == 200
    path = "/openapi/v1/RATELI/encounters/E1/progress-note?facility=NORTH"
    _, headers, _ = sandbox.call("GET", path, headers={"Authorization": "Bearer sandbox-token"})
    assert "Retry-After" not in headers


def test_a_fault_strikes_its_facility_only_and_as_often_as_counted(sandbox, fault):
    fault("ae", facility="SOUTH", count=1)
    south = {"facility": "SOUTH", "template": "SM-VISIT"}
    assert msa(sandbox.ask(oru(NOTE, "C1")))[0] == "AA"
    assert msa(sandbox.ask(oru([("S.100", "cc")], "C2", **south)))[0] == "AE"
    assert msa(sandbox.ask(oru([("S.100", "cc")], "C3", **south)))[0] == "AA"
    assert sandbox.api("GET", "/faults")["faults"][0]["fired"] == 1


def test_the_same_seed_strikes_the_same_messages():
    def struck(seed):
        board = Switchboard()
        board.set([fault_from_json({"kind": "drop_ack", "probability": 0.3})], seed)
        return [board.answer_fault("NORTH") is not None for _ in range(200)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 90


def test_faults_are_added_replaced_and_switched_off(sandbox):
    sandbox.api("POST", "/faults", {"kind": "drop_ack", "probability": 0.5})
    assert [each["kind"] for each in sandbox.api("POST", "/faults", {"kind": "ae"})["faults"]] == ["drop_ack", "ae"]
    kept = sandbox.api("GET", "/faults")
    assert sandbox.api("PUT", "/faults", kept)["faults"] == kept["faults"]
    assert sandbox.api("PUT", "/faults", {"faults": []})["faults"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "no_such_fault"},
        {"kind": "ae", "probability": 1.5},
        {"kind": "ae", "probability": "often"},
        {"kind": "ae", "count": 0},
        {"kind": "ae", "seconds": 3},
        {"kind": "delay_ack", "seconds": -1},
        {"kind": "delay_ack", "seconds": float("nan")},
        {"kind": "truncate", "length": 1.5},
        {"kind": "garbage_ack", "form": "other"},
        ["ae"],
        None,
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(body):
    with pytest.raises(BadFault):
        fault_from_json(body)


def test_a_bad_fault_over_http_changes_nothing(sandbox):
    sandbox.api("PUT", "/faults", {"faults": [{"kind": "ae"}]})
    for body in ({"faults": [{"kind": "x"}]}, {"faults": 1}, {"seed": "x", "faults": []}, "no json"):
        assert sandbox.call("PUT", "/sandbox/api/faults", body)[0] == 400
    assert len(sandbox.api("GET", "/faults")["faults"]) == 1


def test_every_fault_has_a_grade_and_is_tried_somewhere():
    tests = Path(__file__).parents[1].rglob("test_*.py")
    text = "".join(each.read_text() for each in tests)
    for kind in KINDS.values():
        assert kind.grade in ("known", "relayed", "assumed")
        assert isinstance(kind.stage, Stage)
        assert f'"{kind.name}"' in text, kind.name


def test_a_sender_that_does_not_read_does_not_fill_the_memory(sandbox, fault):
    fault("endless_ack")
    with sandbox.wire() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        before = psutil.Process(sandbox.process.pid).memory_info().rss
        wire.send(frame(oru(NOTE)))
        time.sleep(1.5)
        assert psutil.Process(sandbox.process.pid).memory_info().rss - before < 8_000_000
