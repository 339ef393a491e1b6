"""Takes a frame in: reads, checks, files, commits in groups, and only then answers."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox.acknowledgement import answers
from sandbox.caller import at_hand
from sandbox.fault_kinds import Stage
from sandbox.faults import Fault, Switchboard
from sandbox.filing import file_note
from sandbox.hl7 import Message, Unreadable, read
from sandbox.oru import Note, Refusal, check_header, read_note
from sandbox.store import Store
from sandbox.tampering import tamper, under
from sandbox.template import Template

# Gets the answers to one message, and the fault that befalls them.
Reply = Callable[[list[bytes], Fault | None], None]
UNFILED = ("no_file_no_ack", "cut_before_file")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message filed in the open group, whose sender waits for the commit."""

    message: Message
    control_id: str
    fault: Fault | None
    reply: Reply


class Reception:
    """Where the frames of all sockets come together."""

    def __init__(self, store: Store, switchboard: Switchboard, dedupe: bool = False) -> None:
        self.store = store
        self.switchboard = switchboard
        self.dedupe = dedupe
        self.waiting: list[Waiting] = []
        self.delayed: set[asyncio.TimerHandle] = set()  # what is filed later
        self.last_answered = ""

    def clear(self) -> None:
        """A reset forgets what is still to be filed, too: it would stand among the filings of whoever comes next."""
        for timer in self.delayed:
            timer.cancel()
        self.delayed.clear()

    def take(self, frame: bytes, reply: Reply) -> None:
        """Files the message of a frame; `reply` gets the answers, at once for a refusal, else after the commit."""
        try:
            message = read(frame)
        except Unreadable as error:
            reply(answers(None, Refusal("AR", "207", str(error))), None)
            return
        try:
            check_header(message)
            note = read_note(message)
            template = self.template_of(note)
            self.check_encounter(note)
        except Refusal as refusal:
            reply(answers(message, refusal), None)
            return
        at_hand.set(message.first(message.header, 3))
        fault = self.switchboard.answer_fault(note.facility)
        if fault is None:
            self.file(note, template, frame, Waiting(message, note.control_id, None, reply))
        else:
            self.take_with(fault, note, template, frame, Waiting(message, note.control_id, fault, reply))

    def take_with(self, fault: Fault, note: Note, template: Template | None, frame: bytes, waiting: Waiting) -> None:
        """Goes on with a message that a fault of the answer stage strikes."""
        name = fault.kind.name
        if name in UNFILED:
            waiting.reply([], fault)
        elif name in ("ae", "ar"):
            refusal = Refusal(name.upper(), "207", fault.settings["text"])
            waiting.reply(answers(waiting.message, refusal), None)
        elif name == "delay_filing":
            later = Waiting(waiting.message, note.control_id, None, waiting.reply)
            self.delayed = {timer for timer in self.delayed if timer.when() > asyncio.get_running_loop().time()}
            seconds = fault.settings["seconds"]
            self.delayed.add(asyncio.get_running_loop().call_later(seconds, self.file, note, template, frame, later))
        else:
            self.file(note, template, frame, waiting)

    def template_of(self, note: Note) -> Template | None:
        """None for documents, which need none. Raises Refusal(AE) when the facility or its template is unknown."""
        templates = self.store.templates.get(note.facility)
        if templates is None:
            raise Refusal("AE", "103", "MSH-6: this facility is unknown here.", "MSH^1^6")
        if note.documents:
            return None
        if note.template not in templates:
            raise Refusal("AE", "103", "OBR-4: this facility has no such template.", "OBR^1^4")
        return templates[note.template]

    def check_encounter(self, note: Note) -> None:
        """Raises Refusal(AE) for another patient's encounter and a signed one (eCW's codes 303 and 139)."""
        anothers = self.store.patient_of(note.facility, note.encounter) not in (None, note.patient)
        if anothers and not self.switchboard.first(Stage.FILING, note.facility, "any_patient"):
            raise Refusal("AE", "204", "303 The encounter does not belong to this patient.", "PV1^1^19")
        if (note.facility, note.encounter) in self.store.signed:
            raise Refusal("AE", "206", "139 The encounter is locked.", "PV1^1^19")

    def file(self, note: Note, template: Template | None, frame: bytes, waiting: Waiting) -> None:
        """Files a note in the open group, and has its sender wait for the commit."""
        try:
            if self.dedupe and self.store.has_control_id(note.control_id):
                pass
            elif template is None:
                self.store.file_documents(note)
            else:
                faults = self.switchboard.struck(Stage.FILING, note.facility)
                filed = tamper(file_note(note.observations, template), faults, template)
                twice = any(fault.kind.name == "duplicate_filing" for fault in faults)
                if any(fault.kind.name == "keep_left_out" for fault in faults):
                    note = replace(note, correction=False)
                for _ in range(2 if twice else 1):
                    self.store.file(under(note, faults), filed, frame)
        except sqlite3.Error:
            self.give_up([waiting, *self.waiting])
            return
        if not self.waiting:
            asyncio.get_running_loop().call_soon(self.settle)
        self.waiting.append(waiting)

    def settle(self) -> None:
        """Commits the group and answers every sender in it."""
        group, self.waiting = self.waiting, []
        try:
            self.store.commit()
        except sqlite3.Error:
            self.give_up(group)
            return
        for each in group:
            self.answer(each)

    def answer(self, waiting: Waiting) -> None:
        fault = waiting.fault
        before, self.last_answered = self.last_answered, waiting.control_id
        if fault is not None and fault.kind.name == "wrong_id_ack":
            wrong = before if before not in ("", waiting.control_id) else "0"
            waiting.reply(answers(waiting.message, None, wrong), fault)
        else:
            waiting.reply(answers(waiting.message, None), fault)

    def give_up(self, group: list[Waiting]) -> None:
        """The store cannot be written: nothing of the group is filed, and every sender in it is told so."""
        self.waiting = []
        self.store.rollback()
        trouble = Refusal("AR", "207", "The chart store could not be written.")
        for each in group:
            each.reply(answers(each.message, trouble), None)
