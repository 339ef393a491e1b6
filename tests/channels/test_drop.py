"""Leaving a document in a directory, step by step, in one that is held in memory and fails where it is told to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels import drop
from delivery.channels.base import ChannelError, NoAnswer, Receipt, Refused, Rendered, Unavailable
from delivery.failures import CATALOGUE
from tests.channels.notes import CONTROL_ID, OTHER_ID

NAME = f"{CONTROL_ID}.xml"
PART = f".{NAME}.part"
BODY = b"<ClinicalDocument/>"
OURS = Rendered(BODY, drop.CONTENT_TYPE)
STEPS = ["digest", "write", "digest again", "name_finally"]


class Memory:
    """drop.Directory in memory: `failing` names the call (by its place among all) and what it raises."""

    def __init__(self, failing: dict[int, Exception] | None = None, **files: bytes) -> None:
        self.files: dict[str, bytes] = dict(files)
        self.failing = failing or {}
        self.calls: list[str] = []

    def step(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) in self.failing:
            raise self.failing[len(self.calls)]

    def digest(self, name: str, like: bytes) -> str | None:
        self.step("digest")
        return drop.sha256(self.files[name]) if name in self.files else None

    def write(self, name: str, body: bytes) -> None:
        self.step("write")
        self.files[name] = body

    def name_finally(self, temporary: str, name: str) -> None:
        self.step("name_finally")
        if name in self.files:
            raise FileExistsError
        self.files[name] = self.files.pop(temporary)

    def remove(self, name: str) -> None:
        self.step("remove")
        self.files.pop(name, None)


def leave(directory: Memory, guard=lambda: True, prefix: str = "", rendered: Rendered = OURS) -> Receipt:
    return drop.leave(directory, prefix, rendered, CONTROL_ID, guard)


def found(directory: Memory, taken_away: bool = True) -> str:
    return drop.find(directory, "", BODY, CONTROL_ID, taken_away=taken_away)


def error_of(directory: Memory, **more) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        leave(directory, **more)
    assert caught.value.reason_code in CATALOGUE
    return caught.value


class TestTheNames:
    def test_are_made_of_the_control_id_alone(self):
        assert drop.names("", CONTROL_ID) == (NAME, PART)
        assert drop.names("ecw-", CONTROL_ID) == (f"ecw-{NAME}", f".ecw-{NAME}.part")

    def test_of_a_temporary_file_begins_with_a_dot_so_that_partners_leave_it(self):
        assert drop.names("ecw-", CONTROL_ID)[1].startswith(".")

    @pytest.mark.parametrize(
        "wrong",
        ["", CONTROL_ID[:-1], CONTROL_ID + "A", f"../{CONTROL_ID[3:]}", f"{CONTROL_ID[:-1]}/", f"{CONTROL_ID[:-1]}\n",
         f"{CONTROL_ID[:-1]}é", f"{CONTROL_ID[:-1]}٣", f"{CONTROL_ID}\n"],
    )  # fmt: skip
    def test_are_not_made_of_anything_else(self, wrong):
        with pytest.raises(ValueError, match=r"^not a control id$"):
            drop.names("", wrong)

    def test_of_two_messages_never_meet(self):
        assert not set(drop.names("", CONTROL_ID)) & set(drop.names("", OTHER_ID))


class TestLeaving:
    def test_looks_writes_looks_again_and_names_in_this_order(self):
        directory = Memory()
        assert leave(directory).code == "left"
        assert directory.calls == ["digest", "write", "digest", "name_finally"]
        assert directory.files == {NAME: BODY}

    def test_of_what_stands_there_already_writes_nothing(self):
        directory = Memory(**{NAME: BODY})
        assert leave(directory).code == "already_there"
        assert directory.calls == ["digest"]

    @pytest.mark.parametrize("other", [b"", BODY + b" ", BODY[:-1], BODY.upper()])
    def test_never_writes_over_another_file_of_its_name(self, other):
        directory = Memory(**{NAME: other})
        assert error_of(directory).reason_code == "file_name_taken"
        assert directory.files == {NAME: other}

    def test_replaces_what_an_earlier_try_left_under_the_temporary_name(self):
        directory = Memory(**{PART: BODY[:5]})
        assert leave(directory).code == "left"
        assert directory.files == {NAME: BODY}

    def test_leaves_the_files_of_others_alone(self):
        directory = Memory(**{f"{OTHER_ID}.xml": b"theirs", f".{OTHER_ID}.xml.part": b"half"})
        leave(directory)
        assert directory.files == {f"{OTHER_ID}.xml": b"theirs", f".{OTHER_ID}.xml.part": b"half", NAME: BODY}

    def test_of_one_that_arrived_between_is_the_same_document_or_a_refusal(self):
        for standing, expected in ((BODY, "already_there"), (b"other", "file_name_taken")):
            directory = Memory()
            directory.name_finally = lambda temporary, name, own=directory, text=standing: _arrives(own, name, text)
            if standing == BODY:
                assert leave(directory).code == expected
            else:
                error = error_of(directory)
                assert (type(error), error.reason_code) == (Refused, expected)
                assert directory.files[NAME] == b"other"

    def test_gives_no_name_to_what_reads_otherwise_than_it_was_written(self):
        directory = Memory()
        directory.write = lambda name, body: directory.files.update({name: body[:-1]})
        error = error_of(directory)
        assert (type(error), error.reason_code) == (Unavailable, "file_not_whole")
        assert NAME not in directory.files

    def test_gives_no_name_to_what_vanished_before_it_was_looked_at(self):
        directory = Memory()
        directory.write = lambda name, body: None
        assert error_of(directory).reason_code == "file_not_whole"

    def test_under_a_prefix_does_not_meet_the_same_message_without_one(self):
        directory = Memory(**{NAME: b"another installation's"})
        assert leave(directory, prefix="ecw-").code == "left"
        assert directory.files[f"ecw-{NAME}"] == BODY


def _arrives(directory: Memory, name: str, text: bytes) -> None:
    directory.files[name] = text
    raise FileExistsError


class TestTheRightToSend:
    @pytest.mark.parametrize("asked, written", [(1, False), (2, True)])
    def test_lost_before_a_step_stops_before_it(self, asked, written):
        turns = iter([True] * (asked - 1) + [False])
        directory = Memory()
        assert error_of(directory, guard=lambda: next(turns)).reason_code == "lease_lost"
        assert (PART in directory.files) is written
        assert NAME not in directory.files

    def test_is_not_asked_for_where_nothing_has_to_be_written(self):
        def never() -> bool:
            raise AssertionError("asked")

        assert leave(Memory(**{NAME: BODY}), guard=never).code == "already_there"


class TestALineThatIsCut:
    @pytest.mark.parametrize("step", [1, 2, 3], ids=STEPS[:3])
    def test_before_the_last_step_nothing_was_delivered(self, step):
        directory = Memory({step: drop.Cut()})
        error = error_of(directory)
        assert (type(error), error.reason_code) == (Unavailable, "file_not_finished")
        assert NAME not in directory.files

    def test_at_the_last_step_is_a_doubt(self):
        error = error_of(Memory({4: drop.Cut()}))
        assert (type(error), error.reason_code) == (NoAnswer, "file_cut")

    @pytest.mark.parametrize("error", [drop.Cut(), Unavailable("folder_denied")])
    def test_after_a_name_that_was_taken_is_a_doubt_and_no_refusal(self, error):
        directory = Memory({4: FileExistsError(), 5: error})
        assert type(error_of(directory)) is NoAnswer

    @pytest.mark.parametrize("step", [1, 2, 3, 4], ids=STEPS)
    def test_a_failure_that_names_itself_keeps_its_name(self, step):
        error = error_of(Memory({step: Unavailable("disk_full")}))
        assert (type(error), error.reason_code) == (Unavailable, "disk_full")

    @given(st.dictionaries(st.integers(1, 6), st.sampled_from(["cut", "full", "taken"]), max_size=4))
    def test_wherever_and_however_often_leaves_one_document_or_none_and_says_so(self, plan):
        raised = {"cut": drop.Cut(), "full": Unavailable("disk_full"), "taken": Unavailable("folder_denied")}
        directory = Memory({at: raised[kind] for at, kind in plan.items()})
        try:
            receipt = leave(directory)
        except NoAnswer:
            pass
        except Unavailable:
            assert NAME not in directory.files
        else:
            assert (receipt.code, directory.files) == ("left", {NAME: BODY})
        directory.failing = {}
        assert leave(directory).code in ("left", "already_there")
        assert directory.files.get(NAME) == BODY


class TestLooking:
    def test_for_a_document_under_its_own_name_finds_it(self):
        assert found(Memory(**{NAME: BODY})) == drop.THERE

    def test_finds_it_beside_a_temporary_file_too(self):
        assert found(Memory(**{NAME: BODY, PART: BODY})) == drop.THERE

    @pytest.mark.parametrize("taken_away", [True, False])
    def test_at_other_bytes_under_its_name_cannot_say(self, taken_away):
        assert found(Memory(**{NAME: b"other"}), taken_away) == drop.CANNOT_SAY

    @pytest.mark.parametrize("taken_away", [True, False])
    def test_at_a_temporary_file_alone_says_that_it_was_not_left(self, taken_away):
        assert found(Memory(**{PART: BODY[:4]}), taken_away) == drop.NOT_THERE

    @pytest.mark.parametrize("taken_away, said", [(True, drop.CANNOT_SAY), (False, drop.NOT_THERE)])
    def test_at_nothing_says_only_as_much_as_the_partners_habit_allows(self, taken_away, said):
        assert found(Memory(), taken_away) == said

    @pytest.mark.parametrize("step", [1, 2])
    def test_over_a_line_that_is_cut_says_nothing(self, step):
        with pytest.raises(Unavailable, match="file_not_finished"):
            found(Memory({step: drop.Cut()}))

    def test_never_writes_or_removes_anything(self):
        directory = Memory(**{PART: BODY, f"{OTHER_ID}.xml": b"theirs"})
        found(directory)
        assert set(directory.calls) == {"digest"}

    @given(st.binary(max_size=50), st.booleans())
    def test_finds_what_was_left_whatever_bytes_it_has(self, body, taken_away):
        directory = Memory()
        leave(directory, rendered=Rendered(body, drop.CONTENT_TYPE))
        assert drop.find(directory, "", body, CONTROL_ID, taken_away=taken_away) == drop.THERE
        assert drop.find(directory, "", body + b"x", CONTROL_ID, taken_away=taken_away) == drop.CANNOT_SAY
