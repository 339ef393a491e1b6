"""The course of a chaos run without its processes: notes and kills wait for each other, and every way out says why."""

import threading
from types import SimpleNamespace

import pytest
from django.core.management import CommandError
from hypothesis import given
from hypothesis import strategies as st

from delivery.bench import site
from delivery.chaos import run as module
from delivery.chaos.notes import Posted
from delivery.chaos.receivers import RECEIVERS, NotAsExpected
from delivery.chaos.run import Chaos, Interrupted, NothingLearnt, Order, Standing
from delivery.demo.run import DemoFailed
from delivery.management.commands import chaos as command_module
from delivery.states import State
from tests.delivery.rows import make_delivery

NOTE = Posted("n-0", 1, "E-0", 0)


class Scribes:
    """Scribes that are done after so many looks."""

    def __init__(self, looks=0, accepted=(), refused=""):
        self.looks, self.accepted, self.refused = looks, list(accepted), refused

    @property
    def at_work(self):
        self.looks -= 1
        return self.looks >= 0


class Reaper:
    """Kills once at every look, until all are done."""

    def __init__(self, kills=0, done=0):
        self.kills, self.done, self.looks = kills, done, 0

    def look(self):
        self.looks += 1
        self.done = min(self.kills, self.done + 1)


def course(scribes=None, reaper=None, notes=100, kills=10, receiver="readback"):
    made = object.__new__(Chaos)
    made.order = Order(notes, kills, RECEIVERS[receiver], 7)
    made.scribes, made.reaper = scribes, reaper or Reaper(kills)
    made.asked_to_stop = threading.Event()
    made.said, made.said_at, made.logs = [], 0.0, "the logs"
    made.say = made.said.append
    made.tell = lambda: None
    return made


@pytest.fixture
def clock(monkeypatch):
    """A time that moves by sleeping alone."""
    now = SimpleNamespace(now=1000.0, slept=[])

    def sleep(seconds):
        now.slept.append(seconds)
        now.now += seconds

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now.now, sleep=sleep))
    return now


class TestThePace:
    def test_lets_notes_wait_for_kills_and_kills_for_notes(self):
        chaos = course(Scribes(accepted=[NOTE] * 50), Reaper(10, done=2))
        assert not chaos.may_post(50)
        assert chaos.may_kill(2)
        chaos.reaper.done = 8
        assert chaos.may_post(50)
        assert not chaos.may_kill(8)

    def test_kills_nobody_for_long_before_the_first_note(self):
        chaos = course(None, Reaper(10))
        assert chaos.may_kill(0)
        assert not chaos.may_kill(1)

    def test_lets_all_notes_go_where_no_kill_is_ordered(self):
        assert course(Scribes(), Reaper(0), kills=0).may_post(100)

    @given(st.integers(1, 300), st.integers(1, 60))
    def test_never_lets_both_stand_still(self, notes, kills):
        chaos = course(Scribes(), Reaper(kills), notes, kills)
        for _ in range(notes + kills):
            posting = len(chaos.scribes.accepted) < notes and chaos.may_post(len(chaos.scribes.accepted))
            killing = chaos.reaper.done < kills and chaos.may_kill(chaos.reaper.done)
            assert posting or killing
            if posting:
                chaos.scribes.accepted.append(NOTE)
            else:
                chaos.reaper.done += 1
        assert (len(chaos.scribes.accepted), chaos.reaper.done) == (notes, kills)


class TestKillingWhilePosting:
    def test_ends_when_notes_and_kills_both_are_done(self, clock):
        chaos = course(None, Reaper(5), kills=5)
        chaos.kill_while_posting(Scribes(looks=2))
        assert (chaos.reaper.done, chaos.reaper.looks) == (5, 5)
        chaos = course(None, Reaper(1), kills=1)
        chaos.kill_while_posting(Scribes(looks=4))
        assert chaos.reaper.looks == 4

    def test_ends_at_a_refusal_with_the_place_to_look(self, clock):
        chaos = course()
        with pytest.raises(NothingLearnt, match=r"not as it should be: a note was refused with 422\. See the logs\."):
            chaos.kill_while_posting(Scribes(looks=9, refused="a note was refused with 422"))
        assert chaos.reaper.looks == 0

    def test_ends_between_two_rounds_when_asked_to(self, clock):
        chaos = course()
        chaos.asked_to_stop.set()
        with pytest.raises(Interrupted):
            chaos.kill_while_posting(Scribes(looks=9))
        assert chaos.reaper.looks == 0


class TestSettling:
    def look(self, monkeypatch, *states):
        """The portal's word of the note, one after the other; the last one stays."""
        left = list(states)
        monkeypatch.setattr(
            module, "look", lambda: Standing({NOTE.mark: left.pop(0) if len(left) > 1 else left[0]}, {})
        )

    def test_waits_for_each_note_and_then_for_filings_the_receiver_put_off(self, clock, monkeypatch, settings):
        settings.DOUBT_SETTLE_SECONDS = 3.0
        self.look(monkeypatch, "ready", "sending", "accepted", "verified")
        standing = course(Scribes(accepted=[NOTE])).settled()
        assert standing.states == {NOTE.mark: "verified"}
        assert clock.slept == [0.2, 0.2, 0.2, 6.0]

    def test_gives_up_at_its_limit_and_tells_the_note_as_it_stands(self, clock, monkeypatch):
        self.look(monkeypatch, "unknown")
        assert course(Scribes(accepted=[NOTE])).settled().states == {NOTE.mark: "unknown"}
        assert module.SETTLE_LIMIT - 1 < sum(clock.slept[:-1]) < module.SETTLE_LIMIT + 1

    def test_takes_accepted_for_an_end_only_where_nobody_can_look(self, clock, monkeypatch):
        self.look(monkeypatch, "accepted")
        course(Scribes(accepted=[NOTE]), receiver="blind").settled()
        assert len(clock.slept) == 1
        course(Scribes(accepted=[NOTE]), receiver="readback").settled()
        assert len(clock.slept) > 100

    def test_goes_on_burying_the_dead_meanwhile(self, clock, monkeypatch):
        self.look(monkeypatch, "ready", "ready", "verified")
        chaos = course(Scribes(accepted=[NOTE]))
        chaos.settled()
        assert chaos.reaper.looks == 2

    def test_may_be_interrupted(self, clock, monkeypatch):
        self.look(monkeypatch, "ready")
        chaos = course(Scribes(accepted=[NOTE]))
        chaos.asked_to_stop.set()
        with pytest.raises(Interrupted):
            chaos.settled()


def test_the_portal_is_asked_for_state_and_reason_of_every_version_by_its_mark(cast):
    parked = make_delivery(cast, State.PARKED)
    done = make_delivery(cast, State.VERIFIED)
    type(parked).objects.filter(pk=parked.pk).update(reason_code="no_answer")
    standing = module.look()
    marks = {row: f"[{row.note.source_note_id} v{row.note_version.number}]" for row in (parked, done)}
    assert standing.states == {marks[parked]: "parked", marks[done]: "verified"}
    assert standing.reasons[marks[parked]] == "no_answer"


class TestClosing:
    def test_stops_the_scribes_before_and_after_every_process_is_dead(self, monkeypatch):
        done = []

        class Stopper:
            def __init__(self, children):
                self.children = children

            def stop(self):
                done.append("sandbox stopped")

        monkeypatch.setattr(module, "Supervisor", Stopper)
        chaos = course(
            SimpleNamespace(stopping=SimpleNamespace(set=lambda: done.append("told")), stop=lambda: done.append("gone"))
        )
        chaos.sandbox = None
        chaos.mortals = [SimpleNamespace(kill=lambda name=name: done.append(name)) for name in ("web", "worker")]
        chaos.close()
        assert done == ["told", "web", "worker", "gone", "sandbox stopped"]


class TestTheCommand:
    def options(self, *words):
        return vars(command_module.Command().create_parser("manage.py", "chaos").parse_args(words))

    def test_runs_three_thousand_notes_and_two_hundred_kills_where_nothing_is_said(self):
        found = self.options()
        assert (found["notes"], found["kills"], found["database"], found["receiver"]) == (
            3000, 200, "sqlite", "readback"
        )  # fmt: skip
        assert (found["seed"], found["json"]) == (None, False)

    @pytest.mark.parametrize("receiver", RECEIVERS)
    def test_knows_every_receiver_and_says_in_its_help_what_each_is(self, receiver):
        assert self.options("--receiver", receiver)["receiver"] == receiver
        shown = command_module.Command().create_parser("manage.py", "chaos").format_help()
        assert RECEIVERS[receiver].says in " ".join(shown.split())

    @pytest.mark.parametrize("words", [["--receiver", "real"], ["--notes", "many"], ["--database", "oracle"]])
    def test_refuses_what_it_does_not_know(self, words):
        with pytest.raises(CommandError):
            self.options(*words)

    def test_begins_anew_in_its_own_place_where_the_times_of_the_environment_come_first(self, monkeypatch):
        monkeypatch.delenv(site.FOLDER, raising=False)
        place = {site.FOLDER: "its own", "SCRIBEPORT_LEASE_SECONDS": "9"}
        monkeypatch.setattr(site, "environment", lambda database, name: {**place, "ASKED": f"{database} {name}"})
        became = []

        def execve(path, words, environment):
            became.append(environment)
            raise SystemExit

        monkeypatch.setattr("os.execve", execve)
        with pytest.raises(SystemExit):
            command_module.Command().handle(**self.options("--database", "postgres"))
        assert became[0]["ASKED"] == "postgres chaos"
        assert became[0]["SCRIBEPORT_LEASE_SECONDS"] == "9"
        assert became[0]["SCRIBEPORT_ACK_SECONDS"] == command_module.TIMES["SCRIBEPORT_ACK_SECONDS"]

    @pytest.mark.parametrize(
        "error, words",
        [
            (Interrupted(), "Stopped; nothing is left behind."),
            (NothingLearnt("refused"), "refused"),
            (NotAsExpected("the probe found blind, not both"), "the probe found blind, not both"),
            (DemoFailed("the portal did not come up"), "the portal did not come up"),
        ],
    )
    def test_ends_in_plain_words_closes_the_run_and_leaves_no_place(self, monkeypatch, error, words):
        done = []

        def fail():
            raise error

        made = SimpleNamespace(run=fail, close=lambda: done.append("closed"))
        monkeypatch.setattr(site, "here", lambda: SimpleNamespace(remove=lambda: done.append("removed")))
        monkeypatch.setattr(command_module, "call_command", lambda *_, **__: None)
        monkeypatch.setattr(command_module, "Chaos", lambda *_: made)
        with pytest.raises(CommandError, match=words):
            command_module.Command().run(self.options(), threading.Event())
        assert done == ["closed", "removed"]

    def test_leaves_no_place_either_where_the_run_cannot_be_made(self, monkeypatch):
        done = []
        monkeypatch.setattr(site, "here", lambda: SimpleNamespace(remove=lambda: done.append("removed")))
        monkeypatch.setattr(command_module, "call_command", lambda *_, **__: None)

        def unmade(*_):
            raise DemoFailed("no sandbox")

        monkeypatch.setattr(command_module, "Chaos", unmade)
        with pytest.raises(CommandError, match="no sandbox"):
            command_module.Command().run(self.options(), threading.Event())
        assert done == ["removed"]

    @pytest.mark.parametrize("words, seed", [(["--seed", "0"], 0), (["--seed", "41"], 41), ([], 123)])
    def test_draws_a_seed_only_where_none_is_given(self, monkeypatch, words, seed):
        orders = []
        monkeypatch.setattr(site, "here", lambda: SimpleNamespace(remove=lambda: None))
        monkeypatch.setattr(command_module, "call_command", lambda *_, **__: None)
        monkeypatch.setattr(command_module.random, "randrange", lambda _: 123)
        made = SimpleNamespace(run=dict, close=lambda: None)
        monkeypatch.setattr(command_module, "Chaos", lambda _, order, *__: orders.append(order) or made)
        command_module.Command().run(self.options(*words), threading.Event())
        assert orders[0].seed == seed
