"""A purge certificate counts for its own month, signed by the sealer, to the letter; nothing else the sealer signed does."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.checkpoints import BadNote, Statement, opened, sign
from audit.merkle import EMPTY, leaf_hash
from audit.purging import certify, root_certified
from audit.record import Actor, acting
from audit.retained import PurgeCertificate, PurgeRequest
from audit.retention import end_of, years_before
from audit.sealed import Tree
from audit.sealing import end_before
from tests.audit import byhand

AT = datetime(2026, 5, 2, 14, 3, 5, tzinfo=UTC)
ROOT = leaf_hash(b"an event")
APRIL = Tree(pk=1, practice="lakeside", month="201604")


def lines(tree: Tree = APRIL, size: int = 3, root: bytes = ROOT) -> str:
    return f"{tree.origin}/purge\n{size}\n{base64.b64encode(root).decode()}\npurged {tree.origin}\nkept 0\n"


def certificate(note: str, tree: Tree = APRIL) -> PurgeCertificate:
    return PurgeCertificate(tree=tree, note=note)


@pytest.fixture
def good() -> str:
    return sign(lines())


def test_says_how_many_events_left_and_their_root(good):
    assert root_certified(certificate(good)) == (3, ROOT)


def made(month: str, part: int = 1, practice: str = "lakeside") -> Tree:
    return Tree.objects.create(practice=practice, month=month, part=part, size=1, frontier=[ROOT.hex()])


def signed(tree: Tree) -> dict[str, str]:
    """The lines of a certificate of that month by their first words."""
    asked = PurgeRequest(tree=tree, reason="x", asked_by="1", asked_at=AT, approved_by="2", approved_at=AT)
    asked.save()
    with acting(Actor("command", "test")):
        note = certify(asked).note
    return dict(line.split(" ", 1) for line in opened(note).splitlines()[3:])


def test_of_the_first_month_names_none_before_it(db):
    first = made("201510")
    made("201511")
    made("201509", practice="harbor")
    assert not {"previous", "earlier"} & signed(first).keys()


def test_names_what_became_of_every_month_before_it_and_where_the_chain_goes_on(db):
    first, _, _, third, _ = made("201510"), made("201511"), made("201511", part=2), made("201512"), made("201601")
    signed(first)
    said = signed(third)
    assert said["earlier"] == "201510 purged 201511 kept 201511.2 kept"
    assert said["previous"] == f"{first.origin[:-6]}201511.2 1 {ROOT.hex()}" == end_before(third)


@pytest.mark.parametrize("size, root", [(0, EMPTY), (2**53, ROOT)])
def test_says_so_of_any_month(size, root):
    assert root_certified(certificate(sign(lines(size=size, root=root)))) == (size, root)


@pytest.mark.parametrize(
    "tree",
    [
        Tree(pk=2, practice="lakeside", month="201605"),
        Tree(pk=3, practice="harbor", month="201604"),
        Tree(pk=4, practice="", month="201604"),
        Tree(pk=5, practice="lakeside", month="201604", part=2),
    ],
    ids=["month", "practice", "installation", "part"],
)
def test_of_one_month_lets_no_other_go(good, tree):
    with pytest.raises(BadNote, match="another month's"):
        root_certified(certificate(good, tree))


def test_whose_first_line_and_fourth_differ_is_none():
    other = Tree(pk=2, practice="lakeside", month="201605")
    mixed = lines().replace(f"purged {APRIL.origin}", f"purged {other.origin}")
    for tree in (APRIL, other):
        with pytest.raises(BadNote):
            root_certified(certificate(sign(mixed), tree))


def test_a_checkpoint_of_the_very_month_is_no_certificate():
    said = Statement(APRIL.origin, 3, ROOT, AT, AT, previous="scribeport/audit/lakeside/201603 1 " + "0" * 64)
    with pytest.raises(BadNote):
        root_certified(certificate(sign(said.text())))


def test_a_strangers_signature_lets_nothing_go():
    stranger = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
    with pytest.raises(BadNote, match="no trusted key"):
        root_certified(certificate(byhand.signed(lines(), secret=stranger)))


def test_without_a_signature_it_lets_nothing_go():
    with pytest.raises(BadNote):
        root_certified(certificate(lines()))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_with_any_letter_changed_lets_nothing_go(good, data):
    text = good.rpartition("\n\n")[0]
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda one: one != text[at]))
    with pytest.raises(BadNote):
        root_certified(certificate(good[:at] + letter + good[at + 1 :]))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_cut_off_anywhere_lets_nothing_go(good, data):
    # Without its last line end it is the same note.
    length = data.draw(st.integers(0, len(good) - 2))
    with pytest.raises(BadNote):
        root_certified(certificate(good[:length]))


class TestAMonth:
    @given(st.integers(1971, 2998), st.integers(1, 12))
    def test_ends_with_the_first_moment_of_the_next(self, year, month):
        ends = end_of(Tree(month=f"{year}{month:02}"))
        assert (ends.day, ends.hour, ends.minute, ends.second, ends.tzinfo) == (1, 0, 0, 0, UTC)
        assert (ends.year * 12 + ends.month) - (year * 12 + month) == 1

    @given(st.datetimes(datetime(2000, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC)), st.integers(6, 100))
    def test_is_never_held_shorter_than_the_years_say_and_a_day_longer_at_most(self, when, years):
        before = years_before(when, years)
        assert before.year == when.year - years
        leap_day = (when.month, when.day) == (2, 29)
        assert (before.month, before.day) in ({(2, 28), (2, 29)} if leap_day else {(when.month, when.day)})
        assert before.timetz() == when.timetz()

    def test_of_a_leap_day_is_the_leap_day_where_there_is_one(self):
        leap = datetime(2028, 2, 29, 12, tzinfo=UTC)
        assert years_before(leap, 8) == datetime(2020, 2, 29, 12, tzinfo=UTC)
        assert years_before(leap, 7) == datetime(2021, 2, 28, 12, tzinfo=UTC)
