"""`manage.py demo`: what it says where, in which folder it runs, and how it ends. Its course has tests of its own."""

import io
import json
import os
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandError

from delivery.demo import run as course
from delivery.demo.run import DemoFailed, Tally
from delivery.demo.world import Ports
from delivery.management.commands import demo
from delivery.management.commands.demo import FOLDER, Command

PORTS = Ports(2575, 8090)
END = Tally({"verified": 3, "held": 1})


class Replaced(Exception):
    """Stands for the moment at which the process would become another one."""


@pytest.fixture
def command() -> Command:
    return Command(stdout=io.StringIO(), stderr=io.StringIO(), no_color=True)


def parsed(*arguments: str) -> dict:
    return vars(load_command_class("delivery", "demo").create_parser("manage.py", "demo").parse_args(arguments))


class TestItsOptions:
    def test_where_nothing_is_said(self):
        options = parsed()
        assert (options["once"], options["json"], options["notes"], options["fault"]) == (False, False, None, None)
        assert (options["port"], options["seconds"]) == (None, 300.0)

    def test_take_a_file_of_notes(self):
        assert parsed("--notes", "mine.jsonl")["notes"] == Path("mine.jsonl")

    def test_know_the_one_fault(self):
        assert demo.FAULTS == ("silent-drop",)
        assert parsed("--fault", "silent-drop")["fault"] == "silent-drop"

    def test_refuse_a_fault_nobody_knows(self):
        with pytest.raises(CommandError, match="invalid choice: 'fire'"):
            parsed("--fault", "fire")

    def test_refuse_a_port_that_is_none(self):
        with pytest.raises(CommandError, match="invalid int value"):
            parsed("--port", "http")

    def test_belong_to_a_command_of_this_app(self):
        assert get_commands()["demo"] == "delivery"


class TestItsFolder:
    """Settings are read once at the start: the demonstration begins anew in a folder of its own, never the user's."""

    @pytest.fixture
    def became(self, monkeypatch) -> list[tuple]:
        found: list[tuple] = []

        def execve(program, arguments, environment):
            found.append((program, arguments, environment))
            raise Replaced

        monkeypatch.setattr(os, "execve", execve)
        monkeypatch.setattr(sys, "argv", ["manage.py", "demo", "--once"])
        return found

    def start(self, command: Command, became: list[tuple], *, once: bool) -> dict[str, str]:
        with pytest.raises(Replaced):
            command.start_in_own_folder(once)
        return became[0][2]

    def test_is_that_of_the_demonstration_when_it_goes_on_running(self, command, became, settings):
        environment = self.start(command, became, once=False)
        assert environment["SCRIBEPORT_DATA"] == environment[FOLDER] == str(Path(settings.BASE_DIR) / "data" / "demo")

    def test_is_a_temporary_one_when_it_ends_by_itself(self, command, became, settings):
        folder = Path(self.start(command, became, once=True)["SCRIBEPORT_DATA"])
        assert folder.name.startswith("scribeport-demo-")
        assert Path(settings.BASE_DIR) not in folder.parents
        folder.rmdir()

    def test_is_a_new_one_each_time(self, command, became):
        first = Path(self.start(command, became, once=True)[FOLDER])
        became.clear()
        second = Path(self.start(command, became, once=True)[FOLDER])
        assert first != second
        first.rmdir()
        second.rmdir()

    def test_is_entered_with_the_same_words_by_the_same_python(self, command, became):
        self.start(command, became, once=False)
        program, arguments, _ = became[0]
        assert program == sys.executable
        assert arguments == [sys.executable, "manage.py", "demo", "--once"]

    @pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "SCRIBEPORT_PRODUCTION", "SCRIBEPORT_KEY_DIR"])
    def test_is_entered_without_the_users_own_servers_and_keys(self, command, became, monkeypatch, name):
        monkeypatch.setenv(name, "the-users-own")
        assert name not in self.start(command, became, once=False)

    def test_is_entered_with_everything_else_as_it_was(self, command, became, monkeypatch):
        monkeypatch.setenv("LANG", "de_AT.UTF-8")
        assert self.start(command, became, once=False)["LANG"] == "de_AT.UTF-8"

    def test_is_entered_once(self, command, became, monkeypatch):
        monkeypatch.setenv(FOLDER, "/some/folder")
        monkeypatch.setattr(Command, "run_course", lambda *_: None)
        command.handle(**parsed())
        assert became == []

    def test_is_entered_before_anything_else(self, command, became, monkeypatch):
        monkeypatch.delenv(FOLDER, raising=False)
        monkeypatch.setattr(Command, "read_notes", lambda *_: pytest.fail("read the notes in the user's folder"))
        with pytest.raises(Replaced):
            command.handle(**parsed())


class TestItsNotes:
    def test_are_its_own_where_no_file_is_named(self, command):
        notes = command.read_notes(None)
        assert len(notes) >= 4
        assert {note["location"] for note in notes} == {"NORTH", "SOUTH"}

    def test_are_those_of_the_file(self, command, tmp_path):
        path = tmp_path / "mine.jsonl"
        path.write_text('{"sections": [{"title": "HPI", "text": "Cough."}]}\n')
        assert [note["sections"] for note in command.read_notes(path)] == [[{"title": "HPI", "text": "Cough."}]]

    def test_of_a_file_that_is_not_there_end_it_in_plain_words(self, command, tmp_path):
        with pytest.raises(CommandError, match=r"^The notes cannot be read: .*nowhere\.jsonl: No such file"):
            command.read_notes(tmp_path / "nowhere.jsonl")

    def test_that_cannot_be_read_leave_no_temporary_folder_behind(self, command, tmp_path, settings, monkeypatch):
        settings.DATA_DIR = tmp_path / f"{demo.TEMPORARY}x"
        settings.DATA_DIR.mkdir()
        monkeypatch.setenv(FOLDER, str(settings.DATA_DIR))
        monkeypatch.setattr(demo.signal, "signal", lambda *_: None)
        with pytest.raises(CommandError):
            command.handle(**parsed("--once", "--notes", str(tmp_path / "nowhere.jsonl")))
        assert not settings.DATA_DIR.exists()

    def test_of_a_file_that_is_none_end_it_in_plain_words(self, command, tmp_path):
        path = tmp_path / "mine.jsonl"
        path.write_text("{\n")
        with pytest.raises(CommandError, match=r"^The notes cannot be read: "):
            command.read_notes(path)


class TestWhatItSays:
    def test_of_its_progress_goes_to_standard_error(self, command):
        command.say("Preparing the database …")
        assert command.stderr.getvalue() == "Preparing the database …\n"
        assert command.stdout.getvalue() == ""

    def test_of_where_to_look_is_address_sign_in_simulation_and_key(self, command):
        command.announce("http://127.0.0.1:8000", PORTS, "pass-word", "sp_secret")
        assert command.stderr.getvalue() == (
            "\n  Portal          http://127.0.0.1:8000\n"
            "  Sign in         director / pass-word\n"
            f"  Simulated eCW   {PORTS.base}\n"
            "  A scribe's key  sp_secret\n"
            "Notes on their way:\n"
        )

    def finish(self, command: Command, monkeypatch, *, as_json: bool) -> None:
        report = {"received": 4, "verified": 3, "held": 1}
        monkeypatch.setattr(course, "misfiled_lines", lambda ids: ["  n1: HPI missing"])
        monkeypatch.setattr(course, "report", lambda ids, end, seconds: {**report, "seconds": seconds})
        command.finish(["n1"], END, 12.5, {"json": as_json})

    def test_at_the_end_as_json_is_one_object_alone_on_standard_output(self, command, monkeypatch):
        self.finish(command, monkeypatch, as_json=True)
        (line,) = command.stdout.getvalue().splitlines()
        assert json.loads(line) == {"received": 4, "verified": 3, "held": 1, "seconds": 12.5}

    def test_at_the_end_otherwise_is_one_line_on_standard_error(self, command, monkeypatch):
        self.finish(command, monkeypatch, as_json=False)
        assert command.stderr.getvalue().splitlines()[-1] == "  received 4, verified 3, held 1, seconds 12.5"
        assert command.stdout.getvalue() == ""

    def test_of_misfiled_notes_comes_before_the_end_either_way(self, command, monkeypatch):
        self.finish(command, monkeypatch, as_json=True)
        assert command.stderr.getvalue() == "  n1: HPI missing\n"


class Cast:
    """Stands for the processes: writes down what was asked of each, in order."""

    def __init__(self, monkeypatch, tmp_path, settings, *, fails: Exception | None = None) -> None:
        self.done: list[str] = []
        self.children: list[object] = []
        settings.DATA_DIR = tmp_path / "data"
        settings.DATA_DIR.mkdir()
        monkeypatch.setattr(demo, "call_command", lambda name, **_: self.done.append(name))
        monkeypatch.setattr(demo, "Supervisor", lambda children: self)
        monkeypatch.setattr(demo, "teach_sandbox", lambda ports: self.done.append("teach"))
        monkeypatch.setattr(demo, "set_up", lambda ports: ("sp_secret", "pass-word"))
        monkeypatch.setattr(demo, "exchange_fields", lambda ports, location, pair: self.done.append(f"swap {location}"))
        monkeypatch.setattr(course, "start_sandbox", lambda folder: (self.done.append("sandbox"), PORTS))
        monkeypatch.setattr(course, "wait_for", lambda question, what: self.done.append(f"wait for {what}"))
        monkeypatch.setattr(course, "watch", lambda *_: END)
        monkeypatch.setattr(course, "misfiled_lines", lambda ids: [])
        monkeypatch.setattr(course, "report", lambda *_: {"received": 1})

        def post(url, secret, notes, say):
            self.done.append("post")
            if fails:
                raise fails
            return ["n1"]

        monkeypatch.setattr(course, "post_notes", post)

    def start(self) -> None:
        self.done.append("start")

    def run(self) -> None:
        self.done.append("run")

    def stop(self) -> None:
        self.done.append("stop")

    def watch_once(self) -> None: ...


def play(command: Command, *, once: bool = True, fault: str | None = None) -> None:
    command.run_course(
        [], "http://127.0.0.1:8000", 8000, 0.0, {"fault": fault, "once": once, "json": True, "seconds": 1}
    )


class TestItsCourse:
    def test_is_database_sandbox_processes_setting_up_notes_end(self, command, monkeypatch, tmp_path, settings):
        cast = Cast(monkeypatch, tmp_path, settings)
        play(command)
        assert cast.done == ["migrate", "sandbox", "start", "teach", "wait for the portal", "post", "stop"]

    def test_that_ends_by_itself_leaves_no_folder(self, command, monkeypatch, tmp_path, settings):
        Cast(monkeypatch, tmp_path, settings)
        play(command)
        assert not (tmp_path / "data").exists()

    def test_that_goes_on_running_keeps_its_folder(self, command, monkeypatch, tmp_path, settings):
        cast = Cast(monkeypatch, tmp_path, settings)
        play(command, once=False)
        assert cast.done[-2:] == ["run", "stop"]
        assert (tmp_path / "data").exists()
        assert "goes on running at http://127.0.0.1:8000" in command.stderr.getvalue()

    def test_with_the_fault_exchanges_two_fields_of_each_clinic_before_any_note(
        self, command, monkeypatch, tmp_path, settings
    ):
        cast = Cast(monkeypatch, tmp_path, settings)
        play(command, fault="silent-drop")
        assert {"swap NORTH", "swap SOUTH"} <= set(cast.done)
        assert cast.done.index("swap SOUTH") < cast.done.index("post")

    def test_that_fails_stops_every_process_and_says_why(self, command, monkeypatch, tmp_path, settings):
        cast = Cast(monkeypatch, tmp_path, settings, fails=DemoFailed("the portal refused a note"))
        with pytest.raises(CommandError, match=r"^the portal refused a note$"):
            play(command)
        assert cast.done[-1] == "stop"
        assert not (tmp_path / "data").exists()

    def test_that_is_interrupted_stops_every_process_and_says_so(self, command, monkeypatch, tmp_path, settings):
        cast = Cast(monkeypatch, tmp_path, settings, fails=KeyboardInterrupt())
        with pytest.raises(CommandError, match=r"^stopped$"):
            play(command)
        assert cast.done[-1] == "stop"

    def test_that_fails_unforeseen_stops_every_process_all_the_same(self, command, monkeypatch, tmp_path, settings):
        cast = Cast(monkeypatch, tmp_path, settings, fails=ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            play(command)
        assert cast.done[-1] == "stop"
